"""Mistakes that show while a connection is served, and the texts that they give.

Each is the code of a class `Chat`, which has the methods `save`, a coroutine function, and `words`,
an async generator. The text is that of the exception, or of the warning in the log.
"""

from typing import Final, NamedTuple

__all__ = ["MISTAKES", "Mistake"]


class Mistake(NamedTuple):
    """A mistake.

    Attributes:
        code: What the mistake looks like, in the body of `Chat`.
        text: The whole text that it gives.
    """

    code: str
    text: str


MISTAKES: Final = [
    Mistake(
        "async def on_receive(self, websocket, data):\n    return self.save(data)",
        "Chat.on_receive sends the coroutine of Chat.save, which was not awaited: write `await` "
        "before it",
    ),
    Mistake(
        "async def on_receive(self, websocket, data):\n    yield self.save(data)",
        "Chat.on_receive sends the coroutine of Chat.save, which was not awaited: write `await` "
        "before it",
    ),
    Mistake(
        "async def on_receive(self, websocket, data):\n    await self.push(self.save(data))",
        "Chat.on_receive sends the coroutine of Chat.save, which was not awaited: write `await` "
        "before it",
    ),
    Mistake(
        "async def on_receive(self, websocket, data):\n    return self.words(data)",
        "Chat.on_receive sends the async generator Chat.words: send its values with `async for` "
        "and `yield`",
    ),
    Mistake(
        "async def on_receive(self, websocket, data):\n    self.start_soon(self.save(data))",
        "start_soon takes an async function, and got the coroutine of Chat.save: give it the "
        "function without calling it, and its arguments after it, as in "
        "`start_soon(self.work, 1)`",
    ),
    Mistake(
        "async def on_receive(self, websocket, data):\n    self.start_soon(self.words, data)",
        "start_soon takes an async function, and got the async generator Chat.words, over which "
        "nothing iterates: give it an `async def` that does so with `async for`",
    ),
    Mistake(
        "async def on_receive(self, websocket, data):\n    self.start_soon(self.words(data))",
        "start_soon takes an async function, and got the async generator Chat.words, over which "
        "nothing iterates: give it an `async def` that does so with `async for`",
    ),
    Mistake(
        "def work(self): ...\n"
        "async def on_receive(self, websocket, data):\n    self.start_soon(self.work)",
        "start_soon takes an async function, and Chat.work returned a NoneType, which can't be "
        "awaited: write it as `async def`",
    ),
    Mistake(
        "async def on_receive(self, websocket, data):\n    self.start_soon('save')",
        "start_soon takes an async function, and got 'save'",
    ),
    Mistake(
        "async def on_receive(self, websocket, data):\n    raise Denied(401)",
        "Denied was raised once the connection was accepted, when no response can be sent any "
        "more: raise it in on_connect before the accept, or call `websocket.close`",
    ),
    Mistake(
        "async def on_receive(self, websocket, data):\n    raise HTTPException(401)",
        "HTTPException was raised once the connection was accepted, when no response can be sent "
        "any more: call `websocket.close`, or raise WebSocketException",
    ),
    Mistake(
        "async def on_receive(self, websocket, data):\n"
        "    self.start_soon(websocket.receive_text)\n"
        "    await anyio.sleep(1)",
        "the handler has ended, and the endpoint is waiting for the next message itself: receive "
        "while a handler runs",
    ),
    Mistake(
        "async def on_receive(self, websocket, data):\n    await anyio.sleep(60)",
        "Chat.on_receive has been waiting for over 5 s, and messages wait behind it: start what "
        "takes long with `start_soon`",
    ),
    Mistake(
        "allowed_origins = '*'",
        "Chat has no handler, so the client's messages are dropped: write `async def "
        "on_receive(self, websocket, data)`, with `pass` if that is meant",
    ),
]
