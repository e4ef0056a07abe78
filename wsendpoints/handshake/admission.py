"""Which clients may connect: the checks of a handshake before `on_connect` is called."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol, cast, final

from wsendpoints.handshake.identity import LogFields
from wsendpoints.handshake.origins import AllowedOrigins, Origins, compile_origins, origin_refusal
from wsendpoints.handshake.parameters import Parameters
from wsendpoints.handshake.request import Request
from wsendpoints.messages.annotations import attribute_type
from wsendpoints.protocol.exceptions import ConfigurationError, Denied
from wsendpoints.protocol.headers import is_token
from wsendpoints.protocol.limits import Limits
from wsendpoints.protocol.subprotocols import BEARER, choose_subprotocol

__all__ = ["RESTARTING", "Admission", "Door", "Restarting", "check_subprotocols"]

logger: logging.Logger = logging.getLogger("wsendpoints")

RESTARTING: Final = "the server is restarting"
"""What a client is told that comes while its class is drained."""


@final
class Restarting(Denied):
    """Refuses a client because the class is drained: another process will take it."""

    def __init__(self) -> None:
        # RFC 9110, section 15.6.4: without it many clients take a 503 for an outage.
        super().__init__(503, headers={"retry-after": "1"}, body=RESTARTING)


class Door(Protocol):
    """The attributes of an endpoint that decide which clients may connect."""

    allowed_origins: Origins
    require_origin: bool
    subprotocols: ClassVar[Sequence[str] | Mapping[str, Any]]
    require_subprotocol: bool
    limits: Limits


@final
class Admission:
    """What an endpoint class requires of a handshake, and how many connections it has.

    Args:
        cls: The endpoint class.
        allowed_origins: Its `allowed_origins`.
        subprotocols: Its `subprotocols`.

    Attributes:
        open: The connections of the class in this process, from before the handshake to the end.
        draining: Returns whether no more of them may begin in the event loop that runs; `None` if
            the class was never drained.
        drained: Called once none is open any more while it drains.
        parameters: What reads the parameters of a connection, if the class declares any.

    Raises:
        ConfigurationError: The class declares its origins, subprotocols or parameters incorrectly.
    """

    __slots__ = (
        "_declared",
        "_origins",
        "_where",
        "drained",
        "draining",
        "open",
        "parameters",
    )

    def __init__(self, cls: type, allowed_origins: Origins, subprotocols: object) -> None:
        self.open: set[Any] = set()
        self.draining: Callable[[], bool] | None = None
        self.drained: tuple[Callable[[], object], ...] = ()
        self._where = cls.__qualname__
        self._declared = allowed_origins
        self._origins: AllowedOrigins = compile_origins(allowed_origins, self._where)
        params = attribute_type(cls, "params")
        self.parameters: Parameters | None = (
            None if params is Any else Parameters(params, f"{self._where}.params")
        )
        check_subprotocols(subprotocols, self._where)

    def check_path(self, path: str, parameters: Mapping[str, object]) -> None:
        """Check the path of a route to the class.

        Args:
            path: How the path is written, for the text of the error.
            parameters: Its parameters, by name.

        Raises:
            ConfigurationError: The class forbids one of them.
        """
        if self.parameters is not None:
            self.parameters.check_path(path, parameters, f"{self._where}.params")

    def admit(self, door: Door, websocket: Request) -> Any:
        """Check a handshake.

        Args:
            door: The endpoint.
            websocket: The connection, which is among those in `open` already.

        Returns:
            The parameters, if the class declares any; `None` otherwise.

        Raises:
            Denied: The client may not connect. The status is 403 because of its origin, 503
                because the class is drained, or there are too many connections, 400 because it
                speaks none of the subprotocols, 422 because of its parameters.
            ConfigurationError: A subprotocol is required, and there is none.
        """
        origins, scope = self._origins, websocket.scope
        # `as_asgi` can replace the origins of the class.
        if door.allowed_origins is not self._declared:
            origins = compile_origins(door.allowed_origins, self._where)
        refusal = origin_refusal(websocket, origins, required=door.require_origin)
        if refusal is not None:
            logger.warning("%s: %s", self._where, refusal, extra=LogFields(scope, status=403))
            raise Denied(403)
        if self.draining is not None and self.draining():
            fields = LogFields(scope, status=503)
            logger.info("%s: a client is refused: %s", self._where, RESTARTING, extra=fields)
            raise Restarting
        limit = door.limits.max_connections
        if limit is not None and len(self.open) > limit:
            logger.info(
                "%s: max_connections: %d: one more is refused",
                self._where,
                limit,
                extra=LogFields(scope, status=503, limit="max_connections"),
            )
            raise Denied(503, body=f"max_connections: {limit}")
        if door.require_subprotocol:
            self._require_subprotocol(door.subprotocols, websocket)
        if self.parameters is None:
            return None
        try:
            return self.parameters.read(websocket)
        except Denied:
            fields = LogFields(scope, status=422)
            logger.info("%s: the parameters of a client are refused", self._where, extra=fields)
            raise

    def ended(self) -> None:
        """Tell those who wait for it if none of its connections is left."""
        if not self.open:
            drained, self.drained = self.drained, ()
            for tell in drained:
                tell()

    def _require_subprotocol(self, subprotocols: Iterable[str], websocket: Request) -> None:
        if choose_subprotocol(subprotocols, websocket.subprotocols) is not None:
            return
        check_subprotocols(subprotocols, self._where, required=True)
        spoken = ", ".join(subprotocols)
        logger.info(
            "%s: a client that speaks none of %s is refused",
            self._where,
            spoken,
            extra=LogFields(websocket.scope, status=400),
        )
        raise Denied(400, body=f"subprotocols: {spoken}")


def check_subprotocols(names: object, where: str, *, required: bool = False) -> None:
    """Check the subprotocols of an endpoint.

    Args:
        names: The subprotocols.
        where: The name of the class, for the text of an error.
        required: Whether a client is refused that speaks none of them.

    Raises:
        ConfigurationError: They are no list of names, nor a mapping from such; or one is required
            and there is none.
    """
    if not _are_subprotocols(names):
        raise ConfigurationError(
            f"{where}.subprotocols is {names!r}: use a list of names, made of "
            "letters, digits, and some punctuation (RFC 9110, section 5.6.2, token)"
        )
    if required and not names:
        raise ConfigurationError(
            f"{where}.require_subprotocol is set, but {where}.subprotocols is empty: no client "
            "could connect. Name those that it speaks"
        )


def _are_subprotocols(names: object) -> bool:
    return isinstance(names, list | tuple | Mapping) and all(
        isinstance(name, str) and is_token(name) and not name.startswith(BEARER)
        for name in cast("Iterable[object]", names)
    )
