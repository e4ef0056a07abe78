"""The clients in TypeScript, in Node, with servers that are killed, started again and drained."""

from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

from examples.chat import Chat
from tests.contract.clients import run
from tests.contract.clients.app import router
from tests.examples.browsing import Server, serving
from wsendpoints.contract.comebacks import comeback_after
from wsendpoints.contract.typescript import typescript


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the clients of `tests.contract.clients.app`, and of the chat."""
    folder = tmp_path_factory.mktemp("clients")
    own = typescript({it.path: it.endpoint for it in router.endpoints()})
    (folder / "client.mts").write_text(own, encoding="utf-8")
    (folder / "examples.mts").write_text(typescript({"/rooms/{room}": Chat}), encoding="utf-8")
    return folder


@pytest.fixture
def server() -> Generator[Server]:
    """Serve what the clients talk to."""
    with serving("tests.contract.clients.app:router") as server:
        yield server


FULL: Final = "QueueFullError: 2 messages wait, and no more may"
CLOSED: Final = "ClosedError: closed with 1000"
LOST: Final = "LostError: the connection broke before the reply came, with 1006"
ERROR: Final = {
    "type": "error",
    "code": "missing",
    "message": "there is no such file",
    "details": {"path": "missing"},
}


def test_messages(server: Server, folder: Path) -> None:
    """Requests, streams, questions, encodings, parameters and bounds do what they say."""
    found: dict[str, Any] = run(folder, "messages", server.url, steps={"kill": server.kill})
    code, message, error = found.pop("error")
    assert len(error.pop("id")) == 36
    assert (code, message, error) == ("missing", "there is no such file", ERROR)
    question = found.pop("question as a message")
    assert (question["type"], question["text"]) == ("confirm", "Delete z?")
    assert found == {
        "deleted": "yours",
        "kept": "kept",
        "questions": ["Delete yours?", "Delete mine?", "Delete x?", "Delete x?"],
        "noted": ["one"],
        "own id": "mine",
        "id that is taken": "TypeError: the id twice is that of another request",
        "timeout": "ReplyTimeoutError: no reply came within 50 ms",
        "aborted": "Error: enough",
        "aborted before": "Error: enough",
        "numbers": [1, 2, 3, 1, 2, 1, 2, 3, 4],
        "stream that fails": "ReplyError: there are no more",
        "stream that is aborted": "Error: no more",
        "slow loop": FULL,
        "what it got": [{"type": "noted", "text": "a"}, {"type": "noted", "text": "b"}],
        "photo": {
            "taken": "2020-02-29T12:30:15.123456Z",
            "jpeg": [0, 255, 128],
            "numbers": True,
            "more": True,
            "keys": 6,
        },
        "text": "GRÜSS",
        "bytes": [3, 2, 1],
        "numbered": [{"id": 1, "text": "A"}, {"id": 2, "text": "B"}],
        "told": [{"file": "a b/ü.txt", "page": 2, "tag": ["x", "y&z"]}] * 2,
        "path that leads elsewhere": 'TypeError: the path parameter file can\'t be "../admin"',
        "unicode": "THERE",
        "token": "hello, a+/=token?",
        "token in the query": "hello",
        "url": "HI",
        "no page": "TypeError: there is no page here: give the option `baseUrl`",
        "wrong url": [True, "closed", 1006],
        "lost": [LOST, LOST],
        "given up": "ReplyTimeoutError: no reply came within 20 ms",
        "full": FULL,
        "closed": [[CLOSED, CLOSED, CLOSED, "closed", {"code": 1000, "reason": ""}], CLOSED],
        "closed loop": CLOSED,
    }


def test_streams(server: Server, folder: Path) -> None:
    """Replies go by their kinds, and a stream that is left is stopped."""
    found: dict[str, Any] = run(folder, "streams", server.url, steps={"kill": server.kill})
    assert found == {
        "sent": [True, ["sent"]],
        "asked": {"type": "stopped", "id": "asked"},
        "refused": "ReplyError: it says nothing",
        "rest": [True, []],
        "twice": "TypeError: the id twice is that of another request",
        "left": {
            "break": True,
            "return": True,
            "throw": "Error: enough",
            "abort": "Error: no more",
        },
        "until": 3,
        "failed": "ReplyError: there are no more",
        "early": "Error: too early",
        "unsent": True,
        "many": 40,
        "kept": "kept",
        "lost": LOST,
        "unneeded": [],
        "unneeded, in the end": [],
    }


def test_calls(server: Server, folder: Path) -> None:
    """Calls, notifications and cancellation of JSON-RPC go both ways."""
    found: dict[str, Any] = run(folder, "calls", server.url)
    error = {"code": -32001, "message": "there is nothing here", "data": {"line": 101}}
    assert found == {
        "hover": "7:0",
        "progress": [{"line": 7}],
        "error": [-32001, "there is nothing here", error],
        "nobody answers": "-32601",
        "answered": True,
        "answered with an error": "7",
        "timeout": "ReplyTimeoutError: no reply came within 50 ms",
        "aborted": "Error: enough",
        "noted": 3,
        "closed while it connects": "open,waiting,connecting,closed",
        "closed while it waits": CLOSED,
        "never late": 3,
        "cancelled": {"after": 3},
        "closed": CLOSED,
    }


GONE: Final = [1000, 1002, 1003, 1007, 1008, 1009, 1010, 3003, 4000, 4008, 4403, 4701]
BACK: Final = [1001, 1011, 1012, 1013, 1014, 4011, 4408, 4429, 4500, 4700]


def test_closes(server: Server, folder: Path) -> None:
    """A client comes back after some codes, at most once a second, and after others never."""
    codes = ",".join(map(str, [*GONE, *BACK]))
    found: dict[str, Any] = run(folder, "closes", server.url, codes)
    told = {"isPatient": True, "reason": "as you asked"}
    gone = [{"code": code, "tries": 1, "state": "closed", **told} for code in GONE]
    back = [{"code": code, "tries": 3, "state": "waiting", **told} for code in BACK]
    assert found["found"] == gone + back
    # With a new token it comes back once, without one never.
    assert found["anew"] == ["open", 2, "hello, new"]
    assert found["twice"] == ["closed", 2, ""]
    assert found["without"] == {"code": 4401, "tries": 1, "state": "closed", **told}
    # No token is no reason to give up.
    assert found["later"] == ["hello, a token", "Error: not now"]
    # Both sides have the same table.
    assert found["every"] == [comeback_after(code) for code in range(1000, 5000)]


def test_waits(folder: Path) -> None:
    """They double up to a limit, are random, never under a second, and begin anew after a while."""
    assert run(folder, "waits") == {
        "refused": [1000, 1000, 2000, 4000, 8000, 15000, 15000, 15000],
        "refused, with luck": [1000] * 8,
        "refused, without": [1000, 1998, 3996, 7992, 15984, 29970, 29970, 29970],
        "restarting": [2000, 4000, 8000, 15000, 15000, 15000, 15000, 15000],
        "failing": [1000, 1100, 2100, 4100, 8100, 15100, 15100, 15100],
        "failing at times": [6500] * 3,
        "quick": [1000] * 8,
        "slow": [5000, 10000, 20000, 30000, 30000, 30000, 30000, 30000],
        "silent": [15000] * 2,
    }


def test_chat(folder: Path) -> None:
    """Members that are cut off, or lose their server, miss nothing that is kept."""
    with serving("examples.chat:app") as server:
        steps = {"kill": server.kill, "start": server.start, "stop": server.stop}
        texts = ["before", "one", "two", "three", "four", "five"]
        assert run(folder, "chat", server.url, steps=steps) == {
            "start": True,
            "killed": [1006, 1006],
            "stopped": [1012, 1012],
            "ada": texts,
            "bob": texts,
        }
