"""Servers that are to be treated in a way of their own, and how they are recognised."""

from typing import Final

from wsendpoints.protocol.asgi import Event, Scope

__all__ = ["DAPHNES_OFFSET", "is_daphne", "is_uvicorns_own"]

DAPHNES_OFFSET: Final = 3000
"""What is added to a code that daphne refuses: 1011 becomes 4011."""

_WITHOUT_REASONS: Final = frozenset({"2.0", "2.1", "2.2", "2.3"})
"""Versions of the ASGI specification in which a disconnect has no reason."""


def is_daphne(scope: Scope) -> bool:
    """Whether the server takes no close codes other than 1000 and 3000 to 4999.

    For others daphne raises, and leaves the connection open. A framework in between would take a
    second attempt for a mistake, so the first must be right. daphne does not give its name, but no
    other server has such a scope.
    """
    return (
        scope.get("asgi") == {"version": "3.0"}
        and isinstance(scope.get("client"), list)
        and "raw_path" in scope
        and not any(key in scope for key in ("scheme", "http_version"))
    )


def is_uvicorns_own(disconnect: Event, scope: Scope) -> bool:
    """Whether a disconnect is of uvicorn's own making, rather than by a client that closed.

    Only uvicorn tells of its shutdown by a disconnect, and it does so without a reason. Of a
    client's close it tells the reason, even if that is empty. The servers that never tell a reason
    are known by their scopes: granian's is of an older version of the specification, and
    gunicorn's has no extensions.
    """
    asgi: dict[str, object] = scope.get("asgi") or {}
    version = asgi.get("spec_version")
    never_tells = (
        version in _WITHOUT_REASONS
        or (version is not None and "extensions" not in scope)
        or is_daphne(scope)
    )
    return "reason" not in disconnect and not never_tells
