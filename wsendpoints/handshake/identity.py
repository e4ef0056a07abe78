"""By what a connection is known in logs and traces."""

from collections.abc import Iterator, Mapping
from typing import Final, final
from uuid import uuid4

from wsendpoints.protocol.asgi import Scope

__all__ = ["SERVED", "LogFields", "connection_id_of"]

SERVED: Final = "wsendpoints.served"
"""What a scope has that is served: the class of the endpoint."""

_ID: Final = "wsendpoints.connection_id"


def connection_id_of(scope: Scope) -> str:
    """Return the id of a connection: 32 hexadecimal digits, made when it is asked for first.

    Args:
        scope: Its scope, in which the id is kept.
    """
    known: object = scope.get(_ID)
    if isinstance(known, str):
        return known
    made = scope[_ID] = uuid4().hex
    return made


@final
class LogFields(Mapping[str, object]):
    """What a log record has of a connection, as `extra`: its id, endpoint and path.

    It is made when a record is, so that a line that is not logged costs nothing.

    Args:
        scope: The scope of the connection.
        more: What else a record has, such as the close code.
    """

    __slots__ = ("_made", "_more", "_scope")

    def __init__(self, scope: Scope, **more: object) -> None:
        self._scope = scope
        self._more = more
        self._made: dict[str, object] | None = None

    def __getitem__(self, name: str) -> object:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def _values(self) -> dict[str, object]:
        if self._made is None:
            scope = self._scope
            served: object = scope.get(SERVED)
            self._made = {
                "connection_id": connection_id_of(scope),
                "endpoint": served.__qualname__ if isinstance(served, type) else None,
                "path": scope.get("path"),
                **self._more,
            }
        return self._made
