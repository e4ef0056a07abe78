"""An endpoint that records which of its hooks ran, for tests to look at."""

from typing import Any, ClassVar

from wsendpoints import ClientMessageError, WebSocket, WebSocketEndpoint

__all__ = ["Recording"]


class Recording(WebSocketEndpoint):
    """Records its hooks in `log`, which each subclass has for itself."""

    log: ClassVar[list[Any]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class a log of its own."""
        super().__init_subclass__(**kwargs)
        cls.log = []

    async def on_connect(self, websocket: WebSocket) -> None:
        self.log.append("connect")
        await super().on_connect(websocket)

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        self.log.append("invalid")
        await super().on_invalid(websocket, error)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.log.append(close_code)
