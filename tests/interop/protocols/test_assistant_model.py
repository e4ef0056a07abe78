"""The assistant's model of OpenAI: the SDK, and a server of the test that speaks HTTP to it."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from examples import assistant
from examples.assistant import (
    Done,
    Ended,
    Failed,
    OpenAIModel,
    Piece,
    Run,
    Runs,
    Stopped,
    Stopping,
    Token,
)
from tests.clocks import GENEROUS, REAL_TIME
from wsendpoints.groups import Groups

pytestmark = [pytest.mark.anyio, REAL_TIME]

MOST_BYTES: Final = 65536


class Request:
    """A request of the SDK's, answered by the test piece by piece."""

    def __init__(self, stream: SocketStream, head: str, body: dict[str, object]) -> None:
        self.stream = stream
        self.head = head
        self.body = body

    async def refuse(self, status: int, message: str) -> None:
        """Answer with an error. `x-should-retry` keeps the SDK from asking again."""
        content = json.dumps({"error": {"message": message}}).encode()
        head = (
            f"HTTP/1.1 {status} Refused\r\nContent-Type: application/json\r\n"
            f"x-should-retry: false\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        await self.stream.send(head.encode() + content)

    async def begin(self) -> None:
        """Answer with a stream of events."""
        await self.stream.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )

    async def say(self, *texts: str) -> None:
        """Send tokens."""
        for text in texts:
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
            await self.event(
                json.dumps(
                    {
                        "id": "one",
                        "object": "chat.completion.chunk",
                        "created": 0,
                        "model": "fake",
                        "choices": [choice],
                    }
                )
            )

    async def event(self, data: str) -> None:
        """Send an event."""
        content = f"data: {data}\n\n".encode()
        await self.stream.send(f"{len(content):x}\r\n".encode() + content + b"\r\n")

    async def end(self) -> None:
        """Send the last event, and end the answer."""
        await self.event("[DONE]")
        await self.stream.send(b"0\r\n\r\n")

    async def closed(self) -> None:
        """Return once the SDK has closed the connection."""
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await self.stream.receive()


@asynccontextmanager
async def asked(
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncGenerator[tuple[str, AsyncIterator[Piece], Request]]:
    """Begin a run; yield its id, what it says from its beginning on, and what asks the server."""
    send, receive = anyio.create_memory_object_stream[Request](1)

    async def serve(stream: SocketStream) -> None:
        async with stream:
            buffered = BufferedByteReceiveStream(stream)
            head = (await buffered.receive_until(b"\r\n\r\n", MOST_BYTES)).decode().lower()
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            body = json.loads(await buffered.receive_exactly(length))
            await send.send(Request(stream, head, body))
            await is_over.wait()

    is_over = anyio.Event()
    groups = Groups()
    runs = Runs(OpenAIModel("fake"))
    monkeypatch.setattr(assistant, "groups", groups)
    with anyio.fail_after(GENEROUS), send, receive:
        async with (
            await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
            anyio.create_task_group() as tasks,
        ):
            port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - anyio's
            monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{port}/v1")
            monkeypatch.setenv("OPENAI_API_KEY", "none")
            tasks.start_soon(listener.serve, serve)
            async with groups, runs.running():
                run = await runs.start("Why?")
                async with groups.listen(Run(run), last=9) as pieces:
                    yield run, pieces, await receive.receive()
            is_over.set()
            tasks.cancel_scope.cancel()


async def rest(pieces: AsyncIterator[Piece]) -> list[str | type[Piece]]:
    """Return what comes of a run up to its end: the texts of tokens, the types of all else."""
    found: list[str | type[Piece]] = []
    async for piece in pieces:
        found.append(piece.text if isinstance(piece, Token) else type(piece))
        if isinstance(piece, Ended):
            break
    return found


# The SDK leaves its own generators where they are once it has read `[DONE]`; trio tells of that.
@pytest.mark.filterwarnings(
    r"ignore:Async generator '(httpx2?|openai)[.]:ResourceWarning",
    "ignore:Exception ignored in.*(PoolByteStream|Response|SSEDecoder|AsyncStream)"
    ":pytest.PytestUnraisableExceptionWarning",
)
async def test_answer_is_told_token_by_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each as it comes, and not once the answer is whole."""
    async with asked(monkeypatch) as (_, pieces, request):
        assert request.head.startswith("post /v1/chat/completions ")
        assert request.body == {
            "model": "fake",
            "messages": [{"role": "user", "content": "Why?"}],
            "stream": True,
        }
        await request.begin()
        await request.say("one")
        first = await anext(pieces)
        assert isinstance(first, Token)
        assert first.text == "one"
        # The first and last pieces of real servers have no text.
        await request.say("", " two")
        await request.end()
        assert await rest(pieces) == [" two", Done, Ended]


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_refusal_is_told(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """As a run that failed before its first token."""
    async with asked(monkeypatch) as (_, pieces, request):
        await request.refuse(status, "not now")
        assert await rest(pieces) == [Failed, Ended]


@pytest.mark.parametrize("how", ["error", "cut"])
async def test_what_came_before_a_failure_is_kept(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The run says that it failed, behind all that it said."""
    async with asked(monkeypatch) as (run, pieces, request):
        await request.begin()
        await request.say("one", " two")
        if how == "error":
            await request.event(json.dumps({"error": {"message": "overloaded"}}))
        else:
            await request.stream.aclose()
        assert await rest(pieces) == ["one", " two", Failed, Ended]
        async with assistant.groups.listen(Run(run), last=9) as again:
            assert await rest(again) == ["one", " two", Failed, Ended]


async def test_stop_closes_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server need not generate what nobody reads."""
    async with asked(monkeypatch) as (run, pieces, request):
        await request.begin()
        await request.say("one")
        assert isinstance(await anext(pieces), Token)
        await assistant.groups.broadcast(Run(run), Stopping(run=run))
        assert await rest(pieces) == [Stopping, Stopped, Ended]
        await request.closed()
