"""Attributes of an endpoint: those that must be given, or resolved, and each connection's own."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass
from inspect import Parameter
from typing import Annotated, Any, Final, TypeAlias, TypeVar, get_args, get_origin

from typing_extensions import Format, get_annotations

from wsendpoints.markers import Host, Mark, marks_in
from wsendpoints.messages.annotations import open_type
from wsendpoints.messages.substitution import is_union
from wsendpoints.messages.unions import bare, name_of, without_alias
from wsendpoints.mistakes.defaults import is_field
from wsendpoints.mistakes.resolved import check_no_source, check_resolved
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = [
    "Given",
    "Need",
    "Own",
    "Required",
    "check_attributes",
    "check_given",
    "check_types",
    "read_own",
    "read_required",
    "resolved_parameters",
]

T = TypeVar("T")


class _Required:
    def __repr__(self) -> str:
        return "required"


_REQUIRED: Final = _Required()

Given: TypeAlias = Annotated[T, _REQUIRED]
"""The annotation of an attribute that must be given where the endpoint is mounted.

```python
class Chat(WebSocketEndpoint):
    db: Given[DB]


app = Chat.as_asgi(db=DB())
```

`as_asgi` and `serve` raise `ConfigurationError` without it, and if it is no instance of `DB`. An
attribute with another annotation is optional. To type checkers, `db` is a `DB`.
"""

_WRITTEN: Final = re.compile(r"[\w.]*\bGiven\s*\[")
"""How `Given` is written in an annotation that is a string, and can't be resolved."""

_MARKED: Final = re.compile(
    r"Annotated\[.*\b(Depends|Security|Path|Query|Header|Cookie|Parameter|Dependency)\(", re.DOTALL
)
"""How a mark for a framework is written there."""

_COMPILED: Final = frozenset({"encoding", "sends"})

_MOUNTED: Final[Mapping[Host, str]] = {
    "FastAPI": "`app.websocket(path)({}.as_route())`",
    "Litestar": "`websocket(path)(as_handler({}))`",
}
"""How a class is mounted for a framework to resolve what it requires."""

_RESOLVED: Final[Mapping[Host, tuple[str, str]]] = {
    "FastAPI": ("Annotated[..., Depends(...)]", "{}.as_route({})"),
    "Litestar": ("Given[...]", "as_handler({}, {})"),
}
"""How an attribute is annotated for a framework, and how it is given to all connections there."""

_SPECIAL: Final[Mapping[Any, Any]] = {
    None: type(None),
    # PEP 484, "The numeric tower".
    float: (int, float),
    complex: (int, float, complex),
}


@dataclass(frozen=True, slots=True)
class Need:
    """What an attribute needs before a connection is served.

    Attributes:
        type: The type of what must be given; `Any` where that is not known, or no matter.
        marks: How the annotation tells frameworks to resolve it.
        annotation: The annotation, as they read it.
    """

    type: Any = Any
    marks: frozenset[Mark] = frozenset()
    annotation: Any = Any

    @property
    def hosts(self) -> Collection[Host]:
        """The frameworks that resolve it."""
        return {host for host, _ in self.marks}


Required: TypeAlias = Mapping[str, Need]
"""What must be given, or resolved, by name."""

Own: TypeAlias = Sequence[tuple[str, Callable[[], Any]]]
"""What makes the values that each connection has of its own, with their names."""


def read_required(cls: type, above: Required) -> Required:
    """Return what the instances of a class must be given.

    Args:
        cls: The class, which is being made.
        above: The same of the class above it. Types that are local to a function can be looked up
            only while the class that names them is being made.

    Raises:
        ConfigurationError: A framework can't resolve what is marked for it.
    """
    annotations: dict[str, Any] = {}
    for klass in reversed(cls.__mro__):
        annotations.update(get_annotations(klass, format=Format.FORWARDREF))
    needs = {
        name: _need_of(cls, name, annotation, above.get(name))
        for name, annotation in annotations.items()
    }
    return {name: need for name, need in needs.items() if need is not None}


def read_own(cls: type) -> Own:
    """Return what each instance of a class has of its own, by `field` of dataclasses."""
    values: dict[str, Any] = {}
    for klass in reversed(cls.__mro__):
        values.update(vars(klass))
    return [(name, _maker_of(it)) for name, it in values.items() if is_field(it)]


def _maker_of(own: "Field[Any]") -> Callable[[], Any]:
    if own.default_factory is not MISSING:
        return own.default_factory
    return lambda: own.default


def _need_of(cls: type, name: str, annotation: Any, known: Need | None) -> Need | None:
    """Return what an attribute needs; `None` for one that may be missing."""
    text = getattr(annotation, "__forward_arg__", annotation)
    if not isinstance(text, str) and get_origin(without_alias(annotation)) is not Annotated:
        return None
    try:
        annotation = open_type(cls, name)
    except (AttributeError, LookupError, SyntaxError, TypeError, ValueError):
        # A name in it is imported for type checkers alone, or is local to where a class above was
        # made. Or this is none of ours: what others annotate need not mean anything.
        if isinstance(text, str):
            if _MARKED.match(text):
                if known is None:
                    raise
                return known
            return (known or Need()) if _WRITTEN.match(text) else None
        type_ = known.type if known else Any
    else:
        type_ = getattr(annotation, "__origin__", Any)
    return _read_need(cls, name, without_alias(annotation), type_)


def _read_need(cls: type, name: str, annotation: Any, type_: Any) -> Need | None:
    metadata: Sequence[Any] = getattr(annotation, "__metadata__", ())
    for value in metadata:
        check_no_source(value, f"{cls.__qualname__}.{name} is annotated with {value!r}", name)
    marks = marks_in(metadata)
    check_resolved(cls, name, marks)
    is_given = _REQUIRED in metadata
    if not (is_given or marks):
        return None
    return Need(type_ if is_given else Any, frozenset(marks), annotation)


def resolved_parameters(
    cls: type, given: Collection[str], required: Required, host: Host
) -> Sequence[Parameter]:
    """Return what a framework resolves, as the parameters of a function.

    Args:
        cls: The class.
        given: The names of what is given already.
        required: What the class requires.
        host: The framework. Litestar resolves what is not marked, too, by the name.

    Raises:
        ConfigurationError: It can't resolve something.
    """
    parameters: list[Parameter] = []
    for name, need in required.items():
        if name in given or not (need.marks or not hasattr(cls, name)):
            continue
        if host not in need.hosts and (need.marks or host == "FastAPI"):
            annotation, way = _RESOLVED[host]
            raise ConfigurationError(
                f"{cls.__qualname__}.{name} is required, and {host} can't resolve it: annotate it, "
                f"as in `{name}: {annotation}`, or give it, as in "
                f"`{way.format(cls.__name__, f'{name}=...')}`"
            )
        default = _default_of(cls, name)
        kind = Parameter.KEYWORD_ONLY
        parameters.append(Parameter(name, kind, default=default, annotation=need.annotation))
    return parameters


def _default_of(cls: type, name: str) -> Any:
    value = getattr(cls, name, Parameter.empty)
    return _maker_of(value)() if is_field(value) else value


def check_attributes(
    cls: type, given: Mapping[str, Any], required: Required, resolved: Collection[str] = ()
) -> None:
    """Check what is to be set on the instances of a class, where the class is mounted.

    Args:
        cls: The class.
        given: The values, by name.
        required: What must be given.
        resolved: The names of what a framework resolves for each connection.

    Raises:
        ConfigurationError: The class does not declare one, or has compiled it; or one that it
            requires is missing, or is no instance of the declared class.
    """
    for name in given:
        # The encodings of subprotocols are, too; their names are not.
        if name in _COMPILED or (name == "subprotocols" and isinstance(given[name], Mapping)):
            raise ConfigurationError(
                f"{cls.__qualname__}.{name} is compiled with the class: set it in a subclass"
            )
        value = getattr(cls, name, None)
        is_value = value is not None and not callable(value) and not isinstance(value, property)
        if name.startswith("_") or not (is_value or _is_annotated(cls, name)):
            raise ConfigurationError(
                f"{cls.__qualname__} declares no attribute {name!r}: annotate it in the class, "
                f"as `{name}: ...`"
            )
    _refuse_missing(cls, {**given, **dict.fromkeys(resolved)}, required, cls)
    check_types(cls, given, required)


def check_types(cls: type, given: Mapping[str, Any], required: Required) -> None:
    """Check the classes of what is set on the instances of a class.

    Args:
        cls: The class.
        given: The values, by name.
        required: What must be given.

    Raises:
        ConfigurationError: One is no instance of the declared class.
    """
    for name, need in required.items():
        if name in given and not _is_instance(given[name], need.type):
            called = name_of(need.type)
            raise ConfigurationError(
                f"{cls.__qualname__}.{name} is declared as Given[{called}], but what is given is "
                f"of the class {type(given[name]).__name__}: give an instance of {called}"
            )


def check_given(endpoint: object, required: Required) -> None:
    """Check that an instance has what its class requires.

    A class that is mounted itself, as in Starlette's `WebSocketRoute`, is not checked before.

    Raises:
        ConfigurationError: Something is missing.
    """
    _refuse_missing(type(endpoint), vars(endpoint), required, endpoint)


def _refuse_missing(cls: type, given: Collection[str], required: Required, holder: object) -> None:
    missing = [
        name
        for name, need in required.items()
        # A class may set it for all subclasses, but not what a framework would have resolved.
        if name not in given and (need.marks or not hasattr(holder, name))
    ]
    if not missing:
        return
    values = ", ".join(f"{name}=..." for name in missing)
    name = cls.__name__
    ways = [f"mount `{name}.as_asgi({values})`", f"call `{name}.serve(websocket, {values})`"]
    hosts = {host for it in missing for host in required[it].hosts}
    for host, mounted in _MOUNTED.items():
        if host in hosts:
            ways.append(f"have {host} resolve that: {mounted.format(name)}")
    *others, last = ways
    raise ConfigurationError(
        f"{cls.__qualname__} is not given {' and '.join(missing)}, which it requires: "
        f"{', '.join(others)}, or {last}"
    )


def _is_annotated(cls: type, name: str) -> bool:
    # An annotation may name what is imported for type checkers alone.
    every = (get_annotations(base, format=Format.FORWARDREF) for base in cls.__mro__)
    return any(name in annotations for annotations in every)


def _is_instance(value: object, declared: Any) -> bool:
    """Whether a value is of a type, as far as its class tells: of `list[int]` it is the list."""
    declared = bare(declared)
    if is_union(declared):
        return any(_is_instance(value, member) for member in get_args(declared))
    klass = get_origin(declared) or declared
    try:
        return isinstance(value, _SPECIAL.get(klass, klass))
    except TypeError:
        # A protocol that is not for run time, a TypedDict, a type variable, `Literal`.
        return True
