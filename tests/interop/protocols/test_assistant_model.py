"""The assistant's real model: the SDK of OpenAI, with a server of their API, over HTTP."""

import json
import threading
from collections.abc import Generator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import anyio.to_thread
import pytest

from examples import assistant
from examples.assistant import (
    Failed,
    FakeModel,
    Joined,
    OpenAIModel,
    Runs,
    Stop,
    Stopped,
    Stopping,
    Token,
)
from tests.clocks import GENEROUS, REAL_TIME
from tests.examples.test_assistant import asked, tab
from wsendpoints.groups import Groups
from wsendpoints.testing import Client

pytestmark = pytest.mark.anyio


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Complete a chat, in the way that its last message asks for."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server: Any = self.server
        server.asked.append((self.path, self.headers["authorization"], body))
        text = body["messages"][-1]["content"]
        self.close_connection = True
        if text == "refuse":
            self.send_error(400, "no such model")
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in self.events(text):
            data = f"data: {event}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if text == "wait" and not self.rfile.read(1):
            server.left.set()
        if text == "hello":
            self.wfile.write(b"0\r\n\r\n")

    def events(self, text: str) -> Iterator[str]:
        """Yield what is sent."""
        for number in range(3):
            delta = {"role": "assistant", "content": f"{number} "}
            yield json.dumps({"id": "1", "choices": [{"index": 0, "delta": delta}]})
        if text == "hello":
            # As they end: without content, without choices, and without JSON.
            yield json.dumps({"id": "1", "choices": [{"index": 0, "delta": {}}]})
            yield json.dumps({"id": "1", "choices": []})
            yield "[DONE]"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


class API(ThreadingHTTPServer):
    """Answers as OpenAI's servers do; notes who asked, and whether a client left."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[Any] = []
        self.left = threading.Event()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Generator[API]:
    """An API that the environment names."""
    with API() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("OPENAI_API_KEY", "secret")
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_address[1]}/v1")
        monkeypatch.setenv("OPENAI_MODEL", "small")
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


async def test_model_is_that_of_the_environment(api: API, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key it is made up."""
    model = assistant.model()
    assert isinstance(model, OpenAIModel)
    assert [token async for token in model.generate("hello")] == ["0 ", "1 ", "2 "]
    ((path, authorization, body),) = api.asked
    assert (path, authorization) == ("/v1/chat/completions", "Bearer secret")
    assert (body["model"], body["stream"]) == ("small", True)
    assert body["messages"] == [{"role": "user", "content": "hello"}]
    monkeypatch.delenv("OPENAI_API_KEY")
    assert isinstance(assistant.model(), FakeModel)


@pytest.fixture
def runs(api: API, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Return runs with the model of the environment."""
    runs = Runs(assistant.model())
    monkeypatch.setattr(assistant, "runs", runs)
    monkeypatch.setattr(assistant, "groups", Groups())
    return runs


async def texts_until(client: Client, end: str) -> list[str]:
    """Return the texts of the tokens that come before a text, or before a type of messages."""
    texts: list[str] = []
    while True:
        message = await client.receive(Token | Joined | Stopping | Stopped | Failed)
        text = message.text if isinstance(message, Token) else message.type
        if text == end:
            return texts
        if isinstance(message, Token):
            texts.append(text)


@REAL_TIME
@pytest.mark.parametrize(("text", "tokens"), [("refuse", []), ("break", ["0 ", "1 ", "2 "])])
async def test_run_fails_with_its_model(runs: Runs, text: str, tokens: list[str]) -> None:
    """Before it has said anything, or in the middle: what it has said is there."""
    async with runs.running(), tab() as client:
        await asked(client, text)
        assert await texts_until(client, "failed") == tokens


@REAL_TIME
async def test_stop_ends_the_request(runs: Runs, api: API) -> None:
    """The server notices, so that nobody pays for what nobody reads."""
    async with runs.running(), tab() as client:
        run = await asked(client, "wait")
        assert await texts_until(client, "2 ") == ["0 ", "1 "]
        await client.send(Stop(run=run))
        assert await texts_until(client, "stopped") == []
        assert await anyio.to_thread.run_sync(api.left.wait, GENEROUS)
