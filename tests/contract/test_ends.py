"""How a connection ends, or never begins."""

from wsendpoints import Jittered, Limits, Rate
from wsendpoints.contract.description import Closing, Speech
from wsendpoints.contract.ends import closings_of, refusals_of

JSON = Speech(None, "json", "application/json", "any", has_values=True)
CBOR = Speech("cbor", "CBOR", "application/cbor", "binary", has_values=True)
TEXT = Speech("text", "text", "text/plain", "text", has_values=False)

NO_LIMITS = Limits(
    max_message_size=None,
    max_invalid=None,
    send_timeout=None,
    inbox_timeout=None,
    outbox=None,
    outbox_bytes=None,
)


def test_codes_come_of_what_is_spoken() -> None:
    """A frame is refused that is of another kind, or holds no value."""
    found = closings_of(
        NO_LIMITS, [JSON, CBOR, TEXT], validates=True, has_dialect=False, expires=True
    )
    assert found == [
        Closing(1003, ("a frame that is not binary", "a frame that is not text")),
        Closing(1007, ("a frame that is not json", "a frame that is not CBOR")),
        Closing(1008, ("a message that is not valid",)),
        Closing(1011, ("the application failed",)),
        Closing(1012, ("the server is shutting down",)),
        Closing(4401, ("what tells who the client is expired",)),
    ]


def test_dialect_answers_what_is_not_valid() -> None:
    """Where a dialect has errors, they are answers."""
    found = closings_of(NO_LIMITS, [JSON, TEXT], validates=True, has_dialect=True, expires=False)
    assert [it.code for it in found] == [1003, 1011, 1012]


def test_limits_have_their_codes() -> None:
    """Each limit that closes is told of, with its value and the code that the class gives it."""
    limits = Limits(
        rate=Rate(messages=3, per=2), idle_timeout=60.5, close_codes={"rate": 4429, "outbox": 1011}
    )
    found = closings_of(limits, [], validates=False, has_dialect=False, expires=False)
    assert found == [
        Closing(1001, ("idle_timeout: 60.5",), ("idle_timeout",)),
        Closing(1008, ("max_invalid: 10",), ("max_invalid",)),
        Closing(1009, ("max_message_size: 1048576",), ("max_message_size",)),
        Closing(1011, ("the application failed", "outbox: 256"), ("outbox",)),
        Closing(1012, ("the server is shutting down",)),
        Closing(
            1013,
            ("send_timeout: 10", "inbox_timeout: 30", "outbox_bytes: 1048576"),
            ("send_timeout", "inbox_timeout", "outbox_bytes"),
        ),
        Closing(4429, ("rate: 3 in 2 s",), ("rate",)),
    ]
    assert {type(it.code) for it in found} == {int}


def test_age_is_told_with_its_jitter() -> None:
    """A client sees the shortest and the longest time."""
    limits = Limits(max_age=Jittered(3600, 600))
    found = closings_of(limits, [], validates=False, has_dialect=False, expires=False)
    (restart,) = (it for it in found if it.code == 1012)
    assert restart == Closing(
        1012, ("the server is shutting down", "max_age: 3000 to 4200"), ("max_age",)
    )


def test_handshake_is_refused() -> None:
    """A client sees a status code where it may not connect."""
    found = refusals_of(Limits(max_connections=9), has_params=True, requires_subprotocol=True)
    assert found == {
        400: "the client offers none of the subprotocols",
        403: "the origin of the page may not connect, or the endpoint did not accept",
        422: "the parameters are not valid",
        503: "the server is restarting: Retry-After has the seconds until another one is there; "
        "max_connections: 9",
    }
    assert refusals_of(Limits(), has_params=False, requires_subprotocol=False) == {
        403: "the origin of the page may not connect, or the endpoint did not accept",
        503: "the server is restarting: Retry-After has the seconds until another one is there",
    }
