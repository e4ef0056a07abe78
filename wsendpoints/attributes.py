"""Attributes of an endpoint: those that must be given, and those of each connection's own."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field
from typing import Annotated, Any, Final, TypeAlias, TypeVar, get_args, get_origin

from typing_extensions import Format, get_annotations

from wsendpoints.messages.annotations import attribute_type
from wsendpoints.messages.substitution import is_union
from wsendpoints.messages.unions import bare, name_of
from wsendpoints.mistakes.defaults import is_field
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = [
    "Given",
    "Own",
    "Required",
    "check_attributes",
    "check_given",
    "read_own",
    "read_required",
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

_COMPILED: Final = frozenset({"encoding", "sends"})

_SPECIAL: Final[Mapping[Any, Any]] = {
    None: type(None),
    # PEP 484, "The numeric tower".
    float: (int, float),
    complex: (int, float, complex),
}


Required: TypeAlias = Mapping[str, Any]
"""The types of what must be given, by name; `Any` where the type is not known."""

Own: TypeAlias = Sequence[tuple[str, Callable[[], Any]]]
"""What makes the values that each connection has of its own, with their names."""


def read_required(cls: type, above: Required) -> Required:
    """Return what the instances of a class must be given.

    Args:
        cls: The class, which is being made.
        above: The same of the class above it. Types that are local to a function can be looked up
            only while the class that names them is being made.
    """
    annotations: dict[str, Any] = {}
    for klass in reversed(cls.__mro__):
        annotations.update(get_annotations(klass, format=Format.FORWARDREF))
    given = {
        name: _given_type(cls, name, annotation, above.get(name, Any))
        for name, annotation in annotations.items()
    }
    return {name: type_ for name, type_ in given.items() if type_ is not MISSING}


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


def _given_type(cls: type, name: str, annotation: Any, known: Any) -> Any:
    """Return the type of an attribute that must be given; `MISSING` for any other."""
    text = getattr(annotation, "__forward_arg__", annotation)
    if not isinstance(text, str) and get_origin(annotation) is not Annotated:
        return MISSING
    try:
        resolved = attribute_type(cls, name)
    except (AttributeError, LookupError, SyntaxError, TypeError, ValueError):
        # A name in it is imported for type checkers alone, or is local to where a class above was
        # made. Or this is none of ours: what others annotate need not mean anything.
        is_given = _WRITTEN.match(text) if isinstance(text, str) else _is_given(annotation)
        return known if is_given else MISSING
    return resolved.__origin__ if _is_given(resolved) else MISSING


def _is_given(annotation: Any) -> bool:
    return get_origin(annotation) is Annotated and _REQUIRED in annotation.__metadata__


def check_attributes(cls: type, given: Mapping[str, Any], required: Required) -> None:
    """Check what is to be set on the instances of a class, where the class is mounted.

    Args:
        cls: The class.
        given: The values, by name.
        required: What must be given.

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
    _refuse_missing(cls, [name for name in required if name not in given], cls)
    for name, type_ in required.items():
        if name in given and not _is_instance(given[name], type_):
            called = name_of(type_)
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
    _refuse_missing(type(endpoint), required, endpoint)


def _refuse_missing(cls: type, names: Iterable[str], holder: object) -> None:
    # A class may set it for all subclasses.
    if missing := [name for name in names if not hasattr(holder, name)]:
        values = ", ".join(f"{name}=..." for name in missing)
        raise ConfigurationError(
            f"{cls.__qualname__} is not given {' and '.join(missing)}, which it requires: mount "
            f"`{cls.__name__}.as_asgi({values})`, or call `{cls.__name__}.serve(websocket, "
            f"{values})`"
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
