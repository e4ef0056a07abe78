"""Parameters of a connection, from its path and its query: read and validated by a model."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from wsendpoints.handshake.request import Request
from wsendpoints.messages.adapters import compile_adapter
from wsendpoints.messages.client_errors import error_message, to_client_error
from wsendpoints.messages.unions import is_object, name_of
from wsendpoints.protocol.exceptions import ConfigurationError, Denied, ErrorDetails

__all__ = ["Parameters"]

_ARRAYS: Final = frozenset(
    {"call", "deque", "frozenset", "generator", "list", "named-tuple", "set", "tuple"}
)
"""How pydantic's core calls what is made of several values; a named tuple was a call once."""

_WRAPPED: Final = ("schema", "lax_schema", "python_schema", "steps", "choices")
"""Where it has what a nullable, a default, a validator, a chain or a union is of."""


class _Field(NamedTuple):
    keys: frozenset[str]
    """The names that it is read under: its aliases, its own name, or both."""
    several: frozenset[str]
    """Those of them under which it takes all values."""


@final
class Parameters:
    """What a class reads from the path and the query of its connections.

    Path parameters are those that the host's router found. Names are those of the fields, or
    their aliases. A path parameter wins over the query: a field that is in the path is not read
    from the query, under any of its names. Of a query parameter that came several times, a field
    with a list, set or tuple in its type gets all values, in order, and any other the last one.

    Text is converted, in a strict model too: `"5"` is an int. Parameters that are no field are
    ignored, forbidden or kept as the model's `extra` says.

    Args:
        annotation: A pydantic model, a dataclass or a TypedDict.
        where: What declares it, for the text of an error.

    Attributes:
        adapter: Pydantic's adapter for it.

    Raises:
        ConfigurationError: It is something else, or can't be validated.
    """

    __slots__ = ("_fields", "_several", "adapter")

    def __init__(self, annotation: Any, where: str) -> None:
        if not is_object(annotation):
            raise ConfigurationError(
                f"{where}: {name_of(annotation)} has no named fields: use a pydantic model, a "
                "dataclass or a TypedDict"
            )
        self.adapter: TypeAdapter[Any] = compile_adapter(annotation, where)
        fields = list(_fields_of(self.adapter.core_schema))
        self._several: frozenset[str] = frozenset[str]().union(*(it.several for it in fields))
        # A field with one name is no matter: the path's value takes the place of the query's.
        self._fields: list[_Field] = [field for field in fields if len(field.keys) > 1]

    def read(self, websocket: Request) -> Any:
        """Return the parameters of a connection: an instance, or a dict for a TypedDict.

        Raises:
            Denied: They are not valid. The status is 422, the body JSON:
                `{"errors": [{"loc", "type", "msg"}, ...]}`, and under `"more"` how many errors
                were left out, if any were. `loc` begins with `"path"` or `"query"`; none of it
                holds the value that the client sent.
        """
        path, query = websocket.path_params, websocket.query_params
        hidden = set(path)
        for field in self._fields:
            if not field.keys.isdisjoint(path):
                hidden |= field.keys
        values: dict[str, Any] = {
            name: query.getlist(name) if name in self._several else value
            for name, value in query.items()
            if name not in hidden
        }
        values.update(path)
        try:
            # Not as strict as the model may say: there is nothing but text in a URL.
            return self.adapter.validate_python(values, strict=False)
        except ValidationError as exc:
            raise Denied(
                422, headers={"content-type": "application/json"}, body=_body(exc, values, path)
            ) from None


def _body(exc: ValidationError, values: Any, path: Mapping[str, Any]) -> bytes:
    message = error_message(to_client_error(exc, values, json=False), "type")
    told: dict[str, Any] = {"errors": [_place(error, path) for error in message["errors"]]}
    if "more" in message:
        told["more"] = message["more"]
    return to_json(told)


def _place(error: ErrorDetails, path: Mapping[str, Any]) -> ErrorDetails:
    """Return an error with where the parameter stands, as in FastAPI; a model's own: the query."""
    place = "path" if error["loc"] and error["loc"][0] in path else "query"
    return {**error, "loc": [place, *error["loc"]]}


def _fields_of(schema: Any) -> Iterator[_Field]:
    """Read the fields from pydantic's core schema, where each alias is known, generated or not."""
    definitions: dict[str, Any] = {}
    by_name = False
    while True:
        config: dict[str, Any] = schema.get("config") or {}
        by_name |= bool(config.get("validate_by_name") or config.get("populate_by_name"))
        match schema:
            case {"type": "definitions", "schema": inner, "definitions": [*every]}:
                definitions = {definition["ref"]: definition for definition in every}
                schema = inner
            case {"type": "definition-ref", "schema_ref": ref}:
                schema = definitions[ref]
            case {"type": "model-fields" | "typed-dict", "fields": fields}:
                named = list(fields.items())
                break
            case {"type": "dataclass-args", "fields": fields}:
                named = [(field["name"], field) for field in fields]
                break
            case {"schema": inner}:
                schema = inner
            case _:  # one of the model's own making
                return
    for name, field in named:
        paths = _alias_paths(field.get("validation_alias", name))
        keys = {str(path[0]) for path in paths}
        if by_name:
            keys.add(name)
        indexed = {str(path[0]) for path in paths if len(path) > 1}
        several = keys if _takes_several(field["schema"], definitions) else indexed
        yield _Field(frozenset(keys), frozenset(several))


def _alias_paths(alias: Any) -> list[list[str | int]]:
    """Return the ways to a value: `AliasChoices` has several, `AliasPath` one of many steps."""
    if isinstance(alias, str):
        return [[alias]]
    return alias if isinstance(alias[0], list) else [alias]


def _takes_several(schema: Any, definitions: Mapping[str, Any]) -> bool:
    match schema:
        case {"type": "definition-ref", "schema_ref": ref} if ref in definitions:
            # Each once: a root model may be made of itself.
            others = {name: it for name, it in definitions.items() if name != ref}
            return _takes_several(definitions[ref], others)
        case {"type": "json"}:  # one text, whatever is in it
            return False
        case {"type": str(kind)} if kind in _ARRAYS:
            return True
        case {"type": "tagged-union", "choices": {**choices}}:
            return _takes_several(list(choices.values()), definitions)
        case {"type": str()}:
            return any(_takes_several(schema.get(key), definitions) for key in _WRAPPED)
        case [*parts]:  # the steps of a chain, the members of a union, one of them with its label
            return any(_takes_several(part, definitions) for part in parts)
        case _:
            return False
