"""Which exceptions of a `send` are the server's."""

from collections.abc import Callable
from typing import Any

import anyio
import autobahn.exception
import hypercorn.utils
import litestar.exceptions
import pytest
import starlette.exceptions
import starlette.websockets
import trio
import uvicorn.protocols.utils
import websockets.exceptions

from wsendpoints import InvalidStateError, WebSocketDisconnect
from wsendpoints.protocol.server_errors import is_servers


class OwnRuntimeError(RuntimeError):
    """A class that is no server's."""


@pytest.mark.parametrize(
    "exc",
    [
        OSError(),
        ConnectionResetError(),
        TimeoutError(),
        RuntimeError(),
        Exception(),
        InvalidStateError(),
        WebSocketDisconnect(),
        autobahn.exception.Disconnected(),
        hypercorn.utils.UnexpectedMessageError(object(), ""),  # type: ignore[arg-type]  # any will do
        uvicorn.protocols.utils.ClientDisconnected(),
        websockets.exceptions.ConnectionClosedOK(None, None),
        starlette.websockets.WebSocketDisconnect(),
        litestar.exceptions.WebSocketDisconnect(detail=""),
        anyio.BrokenResourceError(),
        anyio.ClosedResourceError(),
        trio.BrokenResourceError(),
        ExceptionGroup("", [OSError(), ExceptionGroup("", [RuntimeError()])]),
    ],
    ids=lambda exc: f"{type(exc).__module__}.{type(exc).__name__}",
)
def test_l05_what_servers_raise_is_theirs(exc: Exception) -> None:
    """By their classes, and those of their libraries; by Python's where they use those."""
    assert is_servers(exc)


@pytest.mark.parametrize(
    "exc",
    [
        KeyError(),
        TypeError(),
        ValueError(),
        AttributeError(),
        AssertionError(),
        RecursionError(),
        NotImplementedError(),
        OwnRuntimeError(),
        starlette.exceptions.HTTPException(400),
        starlette.exceptions.WebSocketException(1008),
        anyio.WouldBlock(),
        ExceptionGroup("", [OSError(), KeyError()]),
    ],
    ids=lambda exc: f"{type(exc).__module__}.{type(exc).__name__}",
)
def test_l05_what_else_is_raised_is_not(exc: Exception) -> None:
    """A subclass of what servers raise is none of theirs."""
    assert not is_servers(exc)


def raised_in(*modules: str) -> Exception:
    """Return an exception that was raised in the last of some modules, called by the first."""

    def fail() -> None:
        raise KeyError

    call: Callable[[], Any] = fail
    for module in reversed(modules):
        namespace: dict[str, Any] = {"__name__": module, "call": call}
        exec("def run(): call()", namespace)  # noqa: S102 - the text is the one here
        call = namespace["run"]
    with pytest.raises(KeyError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        pytest.param(["hypercorn.protocol.ws_stream"], True, id="a server"),
        pytest.param(["middleware", "uvicorn.server", "asyncio"], True, id="below a server"),
        pytest.param(["granian"], True, id="the package itself"),
        pytest.param(["middleware", "asyncio"], False, id="a middleware"),
        pytest.param(["uvicornlike", "my.hypercorn"], False, id="another package"),
    ],
)
def test_l05_mistakes_of_servers_are_theirs(modules: list[str], expected: bool) -> None:
    """An exception that passed through a server's code is the server's, whatever its class."""
    assert is_servers(raised_in(*modules)) is expected
