"""The types of what a client of an endpoint class gets."""

from typing import Any, assert_type

from tests.some_messages import Leave, Said, Say
from wsendpoints import ErrorMessage, WebSocket, WebSocketEndpoint
from wsendpoints.client import Backoff, Client, Close, connect


class Chat(WebSocketEndpoint[Said | Leave]):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        return Said()


class Anything(WebSocketEndpoint): ...


async def answer(question: Leave) -> Say:
    """Answer a question."""
    return Say()


async def converse() -> None:
    """Use all that there is."""
    async with connect(Chat, "ws://host/") as client:
        assert_type(client, Client[Said | Leave])
        assert_type(await client.receive(), Said | Leave | ErrorMessage)
        assert_type(await client.request(Say(), timeout=5), Said | Leave)
        async with client.stream(Say(), until=Leave, stop=lambda _: Say()) as replies:
            assert_type([it async for it in replies], list[Said | Leave])
        async with client.stream(Say(), until=lambda it: isinstance(it, Leave)) as replies:
            reply = await anext(replies)
        assert_type(reply, Said | Leave)
        async for message in client:
            assert_type(message, Said | Leave | ErrorMessage)
            match message:
                case Said():
                    assert_type(message.text, str)
                case Leave():
                    assert_type(message, Leave)
                case ErrorMessage():
                    assert_type(message.code, str | int)
        client.answer(Leave, answer)
        assert_type(client.closed, Close | None)
        await client.send(Say())
        await client.close(4000, "bye")


async def converse_about_anything() -> None:
    """A class without brackets may send anything."""
    async with connect(
        Anything,
        "ws://host/{room}",
        params={"room": 1},
        query=lambda positions: {"after": positions.get("Room")},
        get_token=lambda: "token",
        reconnect=Backoff(max=60),
    ) as client:
        assert_type(await client.request(Say()), Any)


class Subclass(Chat): ...


async def converse_with_a_subclass() -> None:
    """It sends what its base class does."""
    async with connect(Subclass, "ws://host/", reconnect=False, transport="httpx-ws") as client:
        assert_type(client, Client[Said | Leave])
