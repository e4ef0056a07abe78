"""The response that refuses a handshake, and what it may hold."""

from typing import Any

import pytest

from wsendpoints.connection.denial import DenialResponse

TEXT = (b"content-type", b"text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("response", "status", "headers", "body"),
    [
        pytest.param(DenialResponse(), 403, [(b"content-length", b"0")], b"", id="default"),
        pytest.param(
            DenialResponse("ä", 401),
            401,
            [TEXT, (b"content-length", b"2")],
            "ä".encode(),
            id="text",
        ),
        pytest.param(
            DenialResponse(b"\x00", headers={"Content-Type": "application/x"}),
            403,
            [(b"content-type", b"application/x"), (b"content-length", b"1")],
            b"\x00",
            id="bytes",
        ),
        pytest.param(
            DenialResponse("{}", headers=[("content-type", "a/b"), ("Content-Length", "2")]),
            403,
            [(b"content-type", b"a/b"), (b"content-length", b"2")],
            b"{}",
            id="headers given",
        ),
    ],
)
@pytest.mark.parametrize(
    ("scope_type", "prefix"), [("websocket", "websocket."), ("http", "")], ids=["ws", "http"]
)
@pytest.mark.anyio
async def test_denial_response_is_sent_whole(
    response: DenialResponse,
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    scope_type: str,
    prefix: str,
) -> None:
    """It sends two events, which have other names for a handshake than for an HTTP request."""
    events: list[Any] = []

    async def send(event: Any) -> None:
        events.append(event)

    async def receive() -> Any:
        raise AssertionError("nothing is received")

    await response({"type": scope_type}, receive, send)
    assert events == [
        {"type": f"{prefix}http.response.start", "status": status, "headers": headers},
        {"type": f"{prefix}http.response.body", "body": body},
    ]


def test_denial_response_with_an_illegal_header_is_refused_when_made() -> None:
    """The error is not put off until the response is sent."""
    with pytest.raises(ValueError, match="own"):
        DenialResponse(headers={"upgrade": "x"})
