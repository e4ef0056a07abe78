"""What the span of a connection says of it, and what it is within."""

from typing import Any

import pytest
from opentelemetry import context, trace

from tests.fake_server import make_scope
from tests.telemetry.recorded import TRACE, TRACEPARENT, Recorded
from wsendpoints import WebSocket
from wsendpoints.telemetry.attributes import attributes_of, parent_of

HEADERS = [(b"host", b"example.com:8443"), (b"user-agent", b"curl/8")]


def websocket(**scope: Any) -> WebSocket:
    """Return a connection with such a scope."""
    return WebSocket({**make_scope(), "headers": HEADERS, "client": ("192.0.2.1", 7), **scope})


def test_attributes_are_those_of_the_conventions() -> None:
    """Those of HTTP, and the id by which the log knows the connection."""
    one = websocket(
        path="/rooms/a b", scheme="wss", query_string=b"token=secret", path_template="/r"
    )
    assert attributes_of(one) == {
        "http.request.method": "GET",
        "http.route": "/r",
        "network.protocol.name": "websocket",
        "url.scheme": "wss",
        "url.path": "/rooms/a%20b",
        "server.address": "example.com",
        "server.port": 8443,
        "client.address": "192.0.2.1",
        "client.port": 7,
        "user_agent.original": "curl/8",
        "wsendpoints.connection.id": one.connection_id,
    }


@pytest.mark.parametrize(
    ("scope", "known"),
    [
        pytest.param({"headers": [(b"host", b"h")]}, {"server.port": 80}, id="port of ws"),
        pytest.param(
            {"headers": [(b"host", b"h")], "scheme": "wss"}, {"server.port": 443}, id="port of wss"
        ),
        pytest.param(
            {"http_version": "2"}, {"http.request.method": "CONNECT"}, id="RFC 8441, HTTP/2"
        ),
        pytest.param({"root_path": "/api", "path": "/api/x"}, {"url.path": "/api/x"}, id="mounted"),
    ],
)
def test_attributes_that_depend_on_the_server(scope: Any, known: dict[str, Any]) -> None:
    """What the headers and the scope leave out follows from what they say."""
    assert known.items() <= attributes_of(websocket(**scope)).items()


def test_what_is_not_known_is_left_out() -> None:
    """A span has no empty attributes."""
    one = websocket(headers=[], client=None, server=None)
    unknown = {"client.address", "client.port", "user_agent.original", "http.route"}
    assert unknown.isdisjoint(attributes_of(one))


@pytest.mark.parametrize("host", [b"[", b"a:b:c", b"a:99999999", b"\xff", b"", b"[zz]:1", b"a@b:x"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="no others"),
        pytest.param(
            [(b"traceparent", b"\xff\0"), (b"tracestate", b"=,,"), (b"user-agent", b"\xff")],
            id="others",
        ),
    ],
)
def test_whatever_a_client_sends_has_attributes(
    host: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    """No handshake fails because it is traced."""
    one = websocket(headers=[(b"host", host), *headers], path="/\ud800")
    assert attributes_of(one)["wsendpoints.connection.id"] == one.connection_id
    parent, _ = parent_of(one)
    assert not trace.get_current_span(parent).get_span_context().is_valid


def test_parent_is_what_the_handshake_says() -> None:
    """By the propagators that the application has set; of several headers, the first."""
    headers = [(b"TraceParent".lower(), value.encode()) for value in TRACEPARENT.values()]
    parent, kind = parent_of(websocket(headers=headers))
    found = trace.get_current_span(parent).get_span_context()
    assert (f"{found.trace_id:032x}", found.is_remote) == (TRACE, True)
    assert kind is trace.SpanKind.SERVER


def test_without_such_headers_it_has_none() -> None:
    """It begins a trace."""
    parent, kind = parent_of(websocket())
    assert not trace.get_current_span(parent).get_span_context().is_valid
    assert kind is trace.SpanKind.SERVER


def test_the_span_of_a_middleware_before_it_is_the_servers() -> None:
    """Whatever the headers say, which that one has read."""
    headers = [(b"traceparent", value.encode()) for value in TRACEPARENT.values()]
    outer = Recorded().tracers.get_tracer("outer").start_span("outer")
    token = context.attach(trace.set_span_in_context(outer))
    try:
        assert parent_of(websocket(headers=headers)) == (None, trace.SpanKind.INTERNAL)
    finally:
        context.detach(token)
