"""Methods that type checkers accept as providers, what takes them, and handlers that block."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import assert_type

from tests.some_messages import Leave, Said, Say
from wsendpoints import WebSocket, WebSocketEndpoint, handles, provides


class Session:
    """What a handler needs."""


class Chat(WebSocketEndpoint):
    encoding = "json"

    @provides
    async def session(self) -> AsyncIterator[Session]:
        yield Session()

    @provides
    async def user(self, websocket: WebSocket, data: object, session: Session) -> str:
        return ""

    @provides(always=True)
    async def logging(self, *, user: str) -> AsyncGenerator[None, None]:
        yield

    @provides()
    @asynccontextmanager
    async def manager(self) -> AsyncGenerator[int, None]:
        yield 1

    @handles
    async def say(self, websocket: WebSocket, data: Say, session: Session) -> Said:
        return Said()

    @handles
    async def list_all(
        self, websocket: WebSocket, data: int, user: str, *, session: Session
    ) -> AsyncIterator[Said]:
        yield Said()

    @handles
    def block(self, websocket: WebSocket, data: Leave, session: Session) -> Said:
        return Said()

    @handles(concurrent=True)
    def beside(self, websocket: WebSocket, data: str) -> None: ...


class Overriding(Chat):
    async def session(self) -> AsyncIterator[Session]:
        yield Session()

    def block(self, websocket: WebSocket, data: Leave, session: Session) -> Said:
        return assert_type(super().block(websocket, data, session), Said)


async def use(chat: Chat, websocket: WebSocket) -> None:
    """Call them."""
    assert_type(await chat.user(websocket, Say(), Session()), str)
    assert_type(await chat.say(websocket, Say(), Session()), Said)
    assert_type(chat.block(websocket, Leave(), Session()), Said)
    async for session in chat.session():
        assert_type(session, Session)
