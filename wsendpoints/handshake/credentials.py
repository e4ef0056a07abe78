"""What tells who a client is, as an endpoint declares it for the contract."""

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.protocol.headers import is_token

__all__ = ["Credential", "check_security"]

_Place = Literal["bearer", "cookie", "header", "query"]

_PLACES: Final = get_args(_Place)


@dataclass(frozen=True, slots=True)
class Credential:
    """What a client shows of who it is. It documents what `on_connect` checks, and checks nothing.

    ```python
    class Private(WebSocketEndpoint):
        security = (Credential("bearer"), Credential("cookie", "session"))
    ```

    Args:
        place: Where it is: `"bearer"` for what `bearer_token` reads; a `"cookie"`, a `"header"`, or
            a parameter of the `"query"`.
        name: The name of the cookie, header or parameter; none for `"bearer"`.
        description: What it is, for whoever writes a client.

    Raises:
        ConfigurationError: There is no such place, or it needs a name, or has none.
    """

    place: _Place
    name: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        if self.place not in _PLACES:
            places = ", ".join(f'"{it}"' for it in _PLACES)
            raise ConfigurationError(f"Credential({self.place!r}): use one of {places}")
        if self.place == "bearer":
            if self.name:
                raise ConfigurationError(
                    f'Credential("bearer", {self.name!r}): it has no name: use Credential("bearer")'
                )
        elif not is_token(self.name) and (self.place != "query" or not self.name):
            raise ConfigurationError(
                f'Credential("{self.place}", {self.name!r}): name the {self.place} that has it'
            )


def check_security(security: Any, where: str) -> None:
    """Check what a class declares as `security`.

    Raises:
        ConfigurationError: It is no tuple, or list, of credentials.
    """
    if not isinstance(security, tuple | list) or not all(
        isinstance(it, Credential)
        for it in security  # pyright: ignore[reportUnknownVariableType]  # looked at here
    ):
        raise ConfigurationError(
            f"{where}.security is {security!r}: use a tuple of credentials, as in "
            '`(Credential("bearer"),)`'
        )
