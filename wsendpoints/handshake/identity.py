"""By what a connection is known in logs and traces."""

from typing import Final
from uuid import uuid4

from wsendpoints.protocol.asgi import Scope

__all__ = ["connection_id_of"]

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
