"""The same conversations on every server: what a client sees, and which hooks run.

Where a server makes an outcome impossible, its facts say so.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from .clients import CLIENTS, Client, Closed, Refused, open_socket, reset
from .conversation import Conversation
from .outcomes import as_sent, as_told

pytestmark = pytest.mark.anyio

with_all_clients = pytest.mark.parametrize("client", CLIENTS)

NOT_JSON = "not valid JSON"


async def say(client: Client, message: dict[str, Any] | list[Any]) -> None:
    """Send a message."""
    await client.send(json.dumps(message))


async def hear(client: Client) -> Any:
    """Wait for a message."""
    frame = await client.receive()
    assert isinstance(frame, str)
    return json.loads(frame)


# What a client says and hears.


@with_all_clients
async def test_a_subprotocol_is_chosen_and_text_echoed(conversation: Conversation) -> None:
    """The first of the endpoint's subprotocols that the client offers is chosen."""
    async with conversation.connect("/text", subprotocols=["other", "echo.v1"]) as client:
        assert client.subprotocol == "echo.v1"
        for text in ["hello", "ünï\u2028😀", "x" * 100_000]:
            await client.send(text)
            assert await client.receive() == text
        await client.close(1000)
    code = as_told(conversation.server, 1000)
    hooks = ["on_connect", *["on_receive"] * 3, f"on_disconnect {code}", "end"]
    assert await conversation.journal() == hooks


@with_all_clients
async def test_no_subprotocol_is_chosen_of_unknown_ones(
    conversation: Conversation,
) -> None:
    """A client that offers nothing that the endpoint speaks is accepted without one."""
    async with conversation.connect("/text", subprotocols=["other"]) as client:
        assert client.subprotocol is None
        await client.send("hello")
        assert await client.receive() == "hello"


@with_all_clients
async def test_bytes_are_echoed(conversation: Conversation) -> None:
    """A binary message arrives whole, of whatever bytes it is made."""
    async with conversation.connect("/binary") as client:
        for data in [b"\x00\xff", bytes(range(256)) * 400]:
            await client.send(data)
            assert await client.receive() == data


@with_all_clients
async def test_frames_are_echoed_as_they_come(conversation: Conversation) -> None:
    """Without an encoding a str is text, and bytes are binary."""
    async with conversation.connect("/frames") as client:
        frames: list[str | bytes] = ["text", b"bytes", "text"]
        for frame in frames:
            await client.send(frame)
            assert await client.receive() == frame


async def test_empty_messages_arrive(conversation: Conversation) -> None:
    """A message without content is a message, unless the server drops ours."""
    async with conversation.connect("/frames") as client:
        for frame in ("", b""):
            await client.send(frame)
            if conversation.server.facts.empty_messages:
                assert await client.receive() == frame
        await client.send("end")
        assert await client.receive() == "end"
    assert (await conversation.journal()).count("on_receive") == 3


@with_all_clients
async def test_a_json_conversation_is_validated_and_answered(conversation: Conversation) -> None:
    """Each message reaches its handler, replies come in order, a mistake is answered."""
    async with conversation.connect("/chat") as client:
        await say(client, {"type": "say", "text": "hi"})
        assert await hear(client) == {"type": "said", "text": "hi"}

        await say(client, {"type": "push", "texts": ["a", "b", "c"]})
        assert [(await hear(client))["text"] for _ in range(3)] == ["a", "b", "c"]

        await say(client, {"type": "count", "to": 50})
        assert [(await hear(client))["number"] for _ in range(50)] == list(range(50))

        await say(client, {"type": "say", "text": 1})
        error = {"loc": ["text"], "type": "string_type", "msg": "Input should be a valid string"}
        invalid = {"type": "error", "code": "invalid_message", "errors": [error]}
        assert await hear(client) == invalid

        await say(client, {"type": "ask"})
        assert await hear(client) == {"type": "said", "text": "who?"}
        await client.send("Ada")
        assert await hear(client) == {"type": "said", "text": "hello, Ada"}

        await client.send(b"12345")
        assert await hear(client) == {"type": "size", "bytes": 5}

        await say(client, {"type": "leave", "by": "handler"})
        assert await client.closed() == as_sent(conversation.server, 4001, "bye")
    hooks = ["on_connect", "say", "on_invalid InvalidMessageError", "on_disconnect 4001", "end"]
    assert await conversation.journal() == hooks


@with_all_clients
async def test_the_client_closes_with_a_code_of_its_own(conversation: Conversation) -> None:
    """`on_disconnect` gets the client's code, where the server tells it."""
    async with conversation.connect("/chat") as client:
        await say(client, {"type": "say", "text": "hi"})
        await client.receive()
        await client.close(4321, "going")
    code = as_told(conversation.server, 4321)
    assert await conversation.journal() == ["on_connect", "say", f"on_disconnect {code}", "end"]


@pytest.mark.parametrize("by", ["handler", "waiting handler", "task"])
async def test_the_endpoint_closes_while_it_receives(conversation: Conversation, by: str) -> None:
    """A close goes out at once, also while the server is asked for the next message."""
    async with conversation.connect("/chat") as client:
        await say(client, {"type": "leave", "by": by})
        assert await client.closed() == as_sent(conversation.server, 4001, "bye")
    assert await conversation.journal() == ["on_connect", "on_disconnect 4001", "end"]


async def test_messages_before_the_clients_close_are_handled(conversation: Conversation) -> None:
    """What came before the close is handled, in order, though the replies are lost."""
    async with conversation.connect("/chat") as client:
        for _ in range(20):
            await say(client, {"type": "say", "text": "hi"})
        await client.close()
    entries = await conversation.journal()
    code = as_told(conversation.server, 1000)
    assert entries == ["on_connect", *["say"] * 20, f"on_disconnect {code}", "end"]


# What the client does wrong.


@pytest.mark.parametrize(
    ("path", "frame", "error", "closed"),
    [
        pytest.param("/chat", "{", "InvalidDataError", Closed(1007, NOT_JSON), id="not json"),
        pytest.param("/chat", "", "InvalidDataError", Closed(1007, NOT_JSON), id="empty json"),
        pytest.param(
            "/text",
            b"x",
            "UnsupportedDataError",
            Closed(1003, "this endpoint takes text frames, not binary"),
            id="bytes for text",
        ),
        pytest.param(
            "/binary",
            "x",
            "UnsupportedDataError",
            Closed(1003, "this endpoint takes binary frames, not text"),
            id="text for bytes",
        ),
        pytest.param(
            "/text",
            "x" * (1024 * 1024 + 1),
            "MessageTooBigError",
            Closed(1009, "max_message_size: a message may have 1048576 bytes"),
            id="too big",
        ),
    ],
)
async def test_an_unusable_frame_closes(
    conversation: Conversation, path: str, frame: str | bytes, error: str, closed: Closed
) -> None:
    """The client is told why, the hooks run once, and the server logs no error."""
    async with conversation.connect(path) as client:
        await client.send(frame)
        assert await client.closed() == as_sent(conversation.server, *closed)
    hooks = ["on_connect", f"on_invalid {error}", f"on_disconnect {closed.code}", "end"]
    assert await conversation.journal() == hooks


async def test_too_many_invalid_messages_close(conversation: Conversation) -> None:
    """The last one that `max_invalid` allows is answered, and closes."""
    async with conversation.connect("/impatient") as client:
        for _ in range(2):
            await say(client, [])
            assert (await hear(client))["code"] == "invalid_message"
        reason = "max_invalid: 2 invalid messages in a row"
        assert await client.closed() == as_sent(conversation.server, 1008, reason)
    entries = await conversation.journal()
    assert entries[-2:] == ["on_disconnect 1008", "end"]


# How the application ends it.


@pytest.mark.parametrize("by", ["handler", "task", "stream"])
async def test_a_failure_closes_with_1011(conversation: Conversation, by: str) -> None:
    """The client is told 1011 and no more, and the server gets the exception to log."""
    conversation.expect_failure()
    async with conversation.connect("/chat") as client:
        await say(client, {"type": "fail", "by": by})
        if by == "stream":
            assert await hear(client) == {"type": "tick", "number": 0}
        assert await client.closed() == as_sent(conversation.server, 1011)
    hooks = ["on_connect", "on_disconnect 1011", "raised DeliberateError", "end"]
    assert await conversation.journal() == hooks


async def test_a_failure_after_accept_closes_with_1011(conversation: Conversation) -> None:
    """A failure in `on_connect`, once it has accepted, is one like any other."""
    conversation.expect_failure()
    async with conversation.connect("/hasty") as client:
        assert await client.closed() == as_sent(conversation.server, 1011)
    hooks = ["on_connect", "on_disconnect 1011", "raised DeliberateError", "end"]
    assert await conversation.journal() == hooks


# The handshake.


@pytest.mark.parametrize("by", ["returning", "close"])
@with_all_clients
async def test_a_refusal_is_a_403(conversation: Conversation, by: str) -> None:
    """A client that is not accepted gets a 403, and `on_disconnect` is not called."""
    with pytest.raises(Refused) as refused:
        async with conversation.connect("/strict", query=[("by", by)]):
            pass
    assert refused.value.status == 403
    assert await conversation.journal() == ["on_connect", "end"]


async def test_denied_answers_with_its_response(conversation: Conversation) -> None:
    """Status, headers and body arrive, or a 403 from a server that can't send them."""
    with pytest.raises(Refused) as refused:
        async with conversation.connect("/strict", query=[("by", "denied")]):
            pass
    if conversation.server.facts.logs_denials:
        conversation.ignore_error("ASGI callable returned without completing handshake")
    if conversation.server.facts.denial_response:
        assert refused.value.status == 401
        assert refused.value.headers["x-why"] == "because"
        assert refused.value.body == b"who are you?"
    else:
        assert refused.value.status == 403
    assert await conversation.journal() == ["on_connect", "end"]


async def test_the_client_leaves_before_accept(conversation: Conversation) -> None:
    """It makes no error, wherever the server tells; `on_disconnect` runs if accept was sent."""
    async with asyncio.timeout(10):
        _, writer = await open_socket(conversation.process.netloc, conversation.target("/slow"))
        assert await conversation.journal("on_connect") == ["on_connect"]
        reset(writer.transport)
        await conversation.add_to_journal("released")
        entries = await conversation.journal()
    assert [entry for entry in entries if entry != "accepted"] == [
        "on_connect",
        "released",
        "on_disconnect 1006",
        "end",
    ]


async def test_a_failure_before_accept_is_told_by_the_status(conversation: Conversation) -> None:
    """The server answers, since nothing was sent; `on_disconnect` is not called."""
    conversation.expect_failure()
    with pytest.raises(Refused) as refused:
        async with conversation.connect("/strict", query=[("by", "failing")]):
            pass
    assert refused.value.status == conversation.server.facts.failure_status
    assert await conversation.journal() == ["on_connect", "raised DeliberateError", "end"]


async def test_the_endpoint_sees_the_handshake(conversation: Conversation) -> None:
    """URL, path parameters, query, headers, cookies, subprotocols and client are there."""
    async with conversation.connect(
        "/inspect/Ada",
        query=[("tag", "a b"), ("tag", "ü")],
        subprotocols=["one", "two"],
        headers={"X-Test": "yes", "Cookie": 'a=1; b="two"'},
    ) as client:
        seen = await hear(client)
        assert seen.pop("url").startswith(f"ws://{conversation.process.netloc}/inspect/Ada?id=")
        assert seen == {
            "path_params": {"name": "Ada"},
            "query": ["a b", "ü"],
            "header": "yes",
            "cookies": {"a": "1", "b": "two"},
            "subprotocols": ["one", "two"],
            "client": "127.0.0.1",
        }
        if conversation.server.facts.accept_headers:
            assert client.headers["x-seen"] == "yes"
            assert client.headers["set-cookie"] == "a=b"


# The client disconnects while something runs.


async def leave_by_close(client: Client) -> None:
    """Close with a code."""
    await client.close(4000)


async def leave_by_reset(client: Client) -> None:
    """Vanish, as a process does that is killed."""
    client.reset()


async def leave_without_a_code(client: Client) -> None:
    """Close as a browser does by default."""
    await client.close(None)


leaving = pytest.mark.parametrize(
    ("leave", "code"),
    [
        pytest.param(leave_by_close, 4000, id="close"),
        pytest.param(leave_without_a_code, 1006, id="no code"),
        pytest.param(leave_by_reset, 1006, id="reset"),
    ],
)
Leave = Callable[[Client], Any]


@leaving
async def test_the_client_leaves_while_idle(
    conversation: Conversation, leave: Leave, code: int
) -> None:
    """`on_disconnect` runs once, promptly."""
    async with conversation.connect("/chat") as client:
        await say(client, {"type": "say", "text": "hi"})
        await client.receive()
        await leave(client)
        code = as_told(conversation.server, code)
        expected = ["on_connect", "say", f"on_disconnect {code}", "end"]
        assert await conversation.journal() == expected


@leaving
async def test_the_client_leaves_while_an_impatient_handler_waits(
    conversation: Conversation, leave: Leave, code: int
) -> None:
    """With `cancel_on_disconnect` the handler is cancelled at once."""
    async with conversation.connect("/impatient") as client:
        await say(client, {"type": "wait"})
        assert await hear(client) == {"type": "said", "text": "waiting"}
        await leave(client)
        code = as_told(conversation.server, code)
        expected = ["on_connect", "wait ended", f"on_disconnect {code}", "end"]
        assert await conversation.journal() == expected


@leaving
async def test_the_client_leaves_while_a_handler_works(
    conversation: Conversation, leave: Leave, code: int
) -> None:
    """A handler may end what it does: its tasks are cancelled, and sending raises."""
    async with conversation.connect("/chat") as client:
        await say(client, {"type": "work"})
        assert await hear(client) == {"type": "said", "text": "working"}
        await leave(client)
        code = as_told(conversation.server, code)
        assert await conversation.journal() == [
            "on_connect",
            "task ended",
            "push raised WebSocketDisconnect",
            f"on_disconnect {code}",
            "end",
        ]


@leaving
async def test_the_client_leaves_while_a_stream_is_open(
    conversation: Conversation, leave: Leave, code: int
) -> None:
    """The stream is cancelled at once."""
    async with conversation.connect("/chat") as client:
        await say(client, {"type": "subscribe"})
        assert await hear(client) == {"type": "tick", "number": 0}
        await leave(client)
        code = as_told(conversation.server, code)
        expected = ["on_connect", "stream ended", f"on_disconnect {code}", "end"]
        assert await conversation.journal() == expected


async def test_the_client_resets_while_the_server_sends(conversation: Conversation) -> None:
    """A stream that floods the client ends like any other, whatever `send` does then."""
    async with conversation.connect("/chat") as client:
        await say(client, {"type": "subscribe", "flood": True})
        for _ in range(10):
            await client.receive()
        client.reset()
        expected = ["on_connect", "stream ended", "on_disconnect 1006", "end"]
        assert await conversation.journal() == expected
