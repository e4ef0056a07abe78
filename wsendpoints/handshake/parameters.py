"""The parameters of a connection: read from its handshake, and validated by a model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias, final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from wsendpoints.handshake.misplaced import check_read
from wsendpoints.handshake.request import Request
from wsendpoints.messages.adapters import compile_adapter
from wsendpoints.messages.client_errors import to_client_error
from wsendpoints.messages.error_message import ErrorWriter
from wsendpoints.messages.unions import is_object, name_of
from wsendpoints.messages.validators import Validator
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    Denied,
    ErrorDetails,
)
from wsendpoints.sources import Header, Source, mark_of, marked

__all__ = ["Field", "Parameters", "Place", "holds_several"]

Place: TypeAlias = Literal["path", "query", "header", "cookie"]
"""Where a parameter is in the handshake."""

_ARRAYS: Final = frozenset(
    {"call", "deque", "frozenset", "generator", "list", "named-tuple", "set", "tuple"}
)
"""The types of pydantic's core schemas that hold several values.

A named tuple is a `"call"` in older versions of pydantic.
"""

_INNER: Final = ("schema", "lax_schema", "python_schema", "steps", "choices")
"""The keys of a core schema that hold other schemas.

They are those of a nullable, a default, a validator, a chain and a union.
"""


class Field(NamedTuple):
    """A field of the parameters.

    Attributes:
        names: The names of its parameter: its aliases, in order, its own name, or both.
        multiple: Those names under which it gets all values of the parameter, not only the last.
        is_required: Whether a client is refused that does not give it.
        source: The header or the cookie that it is read from, by name; `None` if it is read from
            the path, or the query.
        marked: The core schema that has the mark for that.
    """

    names: Sequence[str]
    multiple: frozenset[str]
    is_required: bool
    source: Source | None
    marked: Any

    @property
    def place(self) -> Place:
        """Where it is, if it is not in the path."""
        if self.source is None:
            return "query"
        return "header" if isinstance(self.source, Header) else "cookie"


@final
class Parameters:
    """The parameters that a class reads from the handshake of its connections.

    The host's router finds the path parameters. A parameter has the name of its field, or one of
    the field's aliases. The path wins over the query: a field that is in the path is not read from
    the query, under any of its names. If a query parameter was sent several times, a field with a
    list, set or tuple in its type gets all values, in order; any other field gets the last value.
    A field that is marked with `Header` or `Cookie` is read from there alone; several lines of a
    header are several values.

    Text is converted even if the model is strict: `"5"` is an int. The model's `extra` decides
    whether parameters of the path and the query that match no field are ignored, forbidden or kept.

    Args:
        annotation: A pydantic model, a dataclass or a TypedDict.
        where: The name of its declaration, for the text of an error.

    Attributes:
        annotation: The model.
        adapter: Pydantic's adapter for it.
        fields: Its fields.

    Raises:
        ConfigurationError: The annotation is something else, or pydantic can't validate it; or
            something in it is marked, where no mark is read.
    """

    __slots__ = (
        "_elsewhere",
        "_hidden",
        "_multiple",
        "_renamed",
        "_validator",
        "adapter",
        "annotation",
        "fields",
    )

    def __init__(self, annotation: Any, where: str) -> None:
        if not is_object(annotation):
            raise ConfigurationError(
                f"{where}: {name_of(annotation)} has no named fields: use a pydantic model, a "
                "dataclass or a TypedDict"
            )
        self.annotation: Any = annotation
        self.adapter: TypeAdapter[Any] = compile_adapter(annotation, where)
        self._validator = Validator(self.adapter)
        schema = self.adapter.core_schema
        fields = list(_fields_of(schema))
        read = [field.marked for field in fields if field.marked is not None]
        check_read(annotation, schema, read, where)
        self._multiple: frozenset[str] = frozenset[str]().union(*(it.multiple for it in fields))
        # The fields for which `read` has to hide names in the query: those with several names.
        self._renamed: list[Field] = [
            field for field in fields if len(field.names) > 1 and field.source is None
        ]
        self._elsewhere: list[tuple[Field, Source]] = [
            (field, field.source) for field in fields if field.source is not None
        ]
        self._hidden: frozenset[str] = frozenset(
            name for field, _ in self._elsewhere for name in field.names
        )
        self.fields: Sequence[Field] = fields

    def check_path(self, path: str, parameters: Mapping[str, object], where: str) -> None:
        """Check the path of a route.

        A field that the path does not have may be in the query, or in the path of what the route
        is mounted in; and an endpoint may read more from the path than its model.

        Args:
            path: How the path is written, for the text of an error.
            parameters: Its parameters, by name.
            where: The name of the model's declaration, for the text of an error.

        Raises:
            ConfigurationError: The model forbids one of them, so that nobody could connect.
        """
        schema = self.adapter.core_schema
        if not _forbids_others(schema):
            return
        known = {name for field in self.fields if field.source is None for name in field.names}
        for name in parameters:
            if name not in known:
                raise ConfigurationError(
                    f"the path {path!r} has a parameter {name!r}, which {where} forbids: add a "
                    "field for it, or rename it to one"
                )

    def read(self, websocket: Request) -> Any:
        """Return the parameters of a connection: an instance, or a dict for a TypedDict.

        Raises:
            Denied: They are invalid. The status is 422 and the body is JSON:
                `{"errors": [{"loc", "type", "msg"}, ...]}`, with the number of further errors
                under `"more"`, if there are any. `loc` begins with the place, `"path"`, `"query"`,
                `"header"` or `"cookie"`. The body never quotes the values that the client sent.
        """
        path, query = websocket.path_params, websocket.query_params
        hidden = {*path, *self._hidden}
        for field in self._renamed:
            if any(name in path for name in field.names):
                hidden.update(field.names)
        values: dict[str, Any] = {
            name: query.getlist(name) if name in self._multiple else value
            for name, value in query.items()
            if name not in hidden
        }
        values.update(path)
        if self._elsewhere:
            self._read_elsewhere(websocket, values)
        try:
            # Lax, even if the model is strict: a URL holds nothing but text.
            return self._validator.validate_python(values, strict=False)
        except ValidationError as exc:
            # The names of path parameters are the application's, also of those that are no field.
            error = to_client_error(exc, self._validator.places, values, json=False, also=path)
            headers = {"content-type": "application/json"}
            raise Denied(422, headers=headers, body=self._body(error, path)) from None

    def _read_elsewhere(self, websocket: Request, values: dict[str, Any]) -> None:
        headers, cookies = websocket.headers, websocket.cookies
        for field, source in self._elsewhere:
            for name in field.names:
                # One of the path, of the same name.
                values.pop(name, None)
            if isinstance(source, Header):
                found = headers.getlist(source.name)
            else:
                found = [cookies[source.name]] if source.name in cookies else []
            name = field.names[0]
            if found:
                values[name] = found if name in field.multiple else found[-1]

    def _body(self, error: ClientMessageError, path: Mapping[str, Any]) -> bytes:
        message = ErrorWriter("type", None).invalid(error, None)
        body: dict[str, Any] = {"errors": [self._located(it, path) for it in message["errors"]]}
        if "more" in message:
            body["more"] = message["more"]
        return to_json(body)

    def _located(self, error: ErrorDetails, path: Mapping[str, Any]) -> ErrorDetails:
        """Return `error` with its place first in its `loc`, as in FastAPI.

        An error of the model as a whole has no parameter, and counts as the query's.
        """
        name, *rest = error["loc"] or [""]
        for field, source in self._elsewhere:
            if name in field.names:
                return {**error, "loc": [field.place, source.name, *rest]}
        place = "path" if name in path else "query"
        return {**error, "loc": [place, *error["loc"]]}


def _fields_of(schema: Any) -> Iterator[Field]:
    """Yield the fields of a core schema, which has every alias, generated ones too."""
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
            case _:  # a schema that the model made itself, without fields
                return
    for name, field in named:
        paths = _alias_paths(field.get("validation_alias", name))
        names = dict.fromkeys(str(path[0]) for path in paths)
        if by_name:
            names[name] = None
        # The alias is a path into all values of the parameter: `AliasPath("name", 0)`.
        indexed = {str(path[0]) for path in paths if len(path) > 1}
        multiple = {*names} if holds_several(field["schema"], definitions) else indexed
        # Of the three that have fields, a TypedDict alone says so.
        is_required = field.get("required", True) and field["schema"]["type"] != "default"
        found = marked(field["schema"], definitions)
        source = None if found is None else mark_of(found)
        if source is not None and not source.name:
            source = source.of_field(next(iter(names)))
        yield Field([*names], frozenset(multiple), is_required, source, found)


def _forbids_others(schema: Any) -> bool:
    """Return whether what matches no field of a core schema is certainly an error."""
    definitions: dict[str, Any] = {}
    forbids = False
    while True:
        config: dict[str, Any] = schema.get("config") or {}
        forbids |= config.get("extra_fields_behavior") == "forbid"
        match schema:
            case {"type": "definitions", "schema": inner, "definitions": [*every]}:
                definitions = {definition["ref"]: definition for definition in every}
                schema = inner
            case {"type": "definition-ref", "schema_ref": ref}:
                schema = definitions[ref]
            case {"type": "function-before" | "function-wrap"}:
                # It may take away what the model would forbid.
                return False
            case {"schema": inner}:
                schema = inner
            case _:
                return forbids


def _alias_paths(alias: Any) -> list[list[str | int]]:
    """Return the paths to a value: `AliasChoices` has several, any other alias one."""
    if isinstance(alias, str):
        return [[alias]]
    return alias if isinstance(alias[0], list) else [alias]


def holds_several(schema: Any, definitions: Mapping[str, Any]) -> bool:
    """Return whether a core schema is, or may be, that of several values."""
    match schema:
        case {"type": "definition-ref", "schema_ref": ref} if ref in definitions:
            # Each definition is followed once: a root model may contain itself.
            others = {name: it for name, it in definitions.items() if name != ref}
            return holds_several(definitions[ref], others)
        case {"type": "json"}:  # a single text, whatever it contains
            return False
        case {"type": str(kind)} if kind in _ARRAYS:
            return True
        case {"type": "tagged-union", "choices": {**choices}}:
            return holds_several(list(choices.values()), definitions)
        case {"type": str()}:
            return any(holds_several(schema.get(key), definitions) for key in _INNER)
        case [*parts]:  # the steps of a chain, the members of a union, a member with its label
            return any(holds_several(part, definitions) for part in parts)
        case _:
            return False
