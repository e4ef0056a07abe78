"""Marks of the parameters that are neither in the path nor in the query."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from typing_extensions import TypeIs

from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.protocol.headers import is_token

__all__ = ["Cookie", "Header", "Source", "is_source", "mark_of", "marked"]

_KEY: Final = "wsendpoints.source"
"""Where pydantic's core schema of a field has its mark."""


@dataclass(frozen=True, slots=True, repr=False)
class _Mark:
    """What a field is annotated with."""

    name: str = ""

    def __post_init__(self) -> None:
        if self.name and not is_token(self.name):
            kind = type(self).__name__
            raise ConfigurationError(f"{kind}({self.name!r}): no {kind.lower()} can be called so")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({repr(self.name) if self.name else ''})"

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        schema = handler(source)
        return {**schema, "metadata": {**schema.get("metadata", {}), _KEY: self}}


class Header(_Mark):
    """Marks a field of `params` that is read from a header of the handshake.

    ```python
    class Params(BaseModel):
        tenant: Annotated[str, Header("X-Tenant")]
        languages: Annotated[list[str], Header("Accept-Language")] = []
    ```

    Browsers let no page set a header: it is for other clients, and for what a proxy adds.

    Args:
        name: The name of the header, in whatever case. By default that of the field, or its alias,
            with `-` for each `_`.

    Raises:
        ConfigurationError: No header can be called so (RFC 9110, section 5.1).
    """

    __slots__ = ()

    def of_field(self, name: str) -> "Header":
        """Return the header that is called like a field."""
        return Header(name.replace("_", "-").lower())


class Cookie(_Mark):
    """Marks a field of `params` that is read from a cookie of the handshake.

    ```python
    class Params(BaseModel):
        theme: Annotated[Literal["light", "dark"], Cookie()] = "light"
    ```

    Args:
        name: The name of the cookie. By default that of the field, or its alias.

    Raises:
        ConfigurationError: No cookie can be called so (RFC 6265, section 4.1.1).
    """

    __slots__ = ()

    def of_field(self, name: str) -> "Cookie":
        """Return the cookie that is called like a field."""
        return Cookie(name)


Source: TypeAlias = Header | Cookie


def is_source(value: object) -> TypeIs[Source]:
    """Return whether a value is a mark."""
    return isinstance(value, _Mark)


def mark_of(schema: Any) -> Source | None:
    """Return the mark of one of pydantic's core schemas, without what it holds."""
    found: Source | None = schema.get("metadata", {}).get(_KEY)
    return found


def marked(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Return the core schema that has the mark of a field; `None` if the field has none.

    Args:
        schema: That of the type of the field.
        definitions: What it may refer to, by name.
    """
    left = dict(definitions)
    while schema is not None and mark_of(schema) is None:
        # An alias that is used twice; or what is around it: a default, `None`, a validator.
        ref = schema.get("schema_ref")
        schema = schema.get("schema") if ref is None else left.pop(ref, None)
    return schema
