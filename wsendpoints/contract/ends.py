"""How a connection ends, or never begins: the close codes and status codes that clients see."""

from collections.abc import Iterator, Mapping, Sequence

from wsendpoints.contract.description import Closing, Speech
from wsendpoints.protocol.close_codes import CloseCode
from wsendpoints.protocol.jittered import Jittered
from wsendpoints.protocol.limits import EXPIRY, OUTCOMES, Limits, Period, Rate

__all__ = ["closings_of", "refusals_of"]


def closings_of(
    limits: Limits,
    speeches: Sequence[Speech],
    *,
    validates: bool,
    has_dialect: bool,
    expires: bool,
) -> list[Closing]:
    """Return the codes that connections are closed with, in order.

    Args:
        limits: What one connection may take.
        speeches: How messages are written.
        validates: Whether it refuses any value.
        has_dialect: Whether errors are answered in the format of a dialect.
        expires: Whether a connection may last no longer than what tells who the client is.
    """
    found: dict[int, list[tuple[str, str | None]]] = {}
    for code, cause in _causes(speeches, validates=validates, has_dialect=has_dialect):
        found.setdefault(code, []).append((cause, None))
    if expires:
        found.setdefault(EXPIRY.code, []).append(("what tells who the client is expired", None))
    for limit, value in _closing(limits):
        cause = f"{limit}: {_written(value)}"
        found.setdefault(limits.close_code(limit), []).append((cause, limit))
    return [
        Closing(
            int(code),
            tuple(dict.fromkeys(cause for cause, _ in causes)),
            tuple(limit for _, limit in causes if limit is not None),
        )
        for code, causes in sorted(found.items())
    ]


def _causes(
    speeches: Sequence[Speech], *, validates: bool, has_dialect: bool
) -> Iterator[tuple[int, str]]:
    for speech in speeches:
        if speech.frames != "any":
            yield CloseCode.UNSUPPORTED_DATA, f"a frame that is not {speech.frames}"
        if speech.has_values and not has_dialect:
            yield CloseCode.INVALID_DATA, f"a frame that is not {speech.encoding}"
        if not speech.has_values and validates and not has_dialect:
            yield CloseCode.POLICY_VIOLATION, "a message that is not valid"
    yield CloseCode.INTERNAL_ERROR, "the application failed"
    yield CloseCode.SERVICE_RESTART, "the server is shutting down"


def _closing(limits: Limits) -> Iterator[tuple[str, object]]:
    """Yield the limits that close a connection, with their values."""
    for limit, outcome in OUTCOMES.items():
        is_closing = outcome.code != CloseCode.ABNORMAL_CLOSURE
        value: object = getattr(limits, limit)
        # Until it is accepted, a connection is refused.
        if is_closing and outcome.counts is not Period.CONNECTING and value is not None:
            yield limit, value


def _written(value: object) -> str:
    if isinstance(value, Rate):
        return f"{value.messages} in {value.per:g} s"
    if isinstance(value, Jittered):
        return f"{value.least:g} to {value.most:g}"
    return f"{value}"


def refusals_of(
    limits: Limits, *, has_params: bool, requires_subprotocol: bool
) -> Mapping[int, str]:
    """Return the status codes that a handshake is refused with, and why.

    Args:
        limits: What one connection may take.
        has_params: Whether the class validates parameters.
        requires_subprotocol: Whether it refuses a client that speaks none of its subprotocols.
    """
    found: dict[int, str] = {}
    if requires_subprotocol:
        found[400] = "the client offers none of the subprotocols"
    found[403] = "the origin of the page may not connect, or the endpoint did not accept"
    if has_params:
        found[422] = "the parameters are not valid"
    # Any class may be drained.
    found[503] = "the server is restarting: Retry-After has the seconds until another one is there"
    if limits.max_connections is not None:
        found[503] += f"; max_connections: {limits.max_connections}"
    return found
