"""The members of a union of messages, and the field that tells them apart."""

import dataclasses
import enum
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, NewType, TypeAlias, Union

from pydantic import BaseModel, Field, RootModel
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType, TypeIs, get_type_hints, is_typeddict

__all__ = [
    "clash",
    "find_tag",
    "is_alias",
    "is_class",
    "is_object",
    "is_union",
    "join",
    "members",
    "name_of",
    "runtime_types",
    "union_of",
]

Tag: TypeAlias = str

_USUAL_TAG: Final = "type"

_ALIASES: Final = (TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType))
"""The alias type of typing_extensions, and that of Python 3.12's `type` statement."""

_BUILTINS: Final = frozenset(
    {bool, bytes, dict, float, frozenset, int, list, set, str, tuple, types.NoneType}
)


class _Field(NamedTuple):
    """A field by its name in the class, and by the one that clients use."""

    name: str
    alias: str


def members(annotation: Any) -> list[Any]:
    """Return the members of a union, with nested unions and named aliases of unions flattened.

    An annotation that is not a union is its only member.
    """
    annotation = _without_alias(annotation)
    origin = typing.get_origin(annotation)
    if is_union(annotation):
        every = (member for part in typing.get_args(annotation) for member in members(part))
        return _each_once(every)
    if origin is Annotated and all(map(_is_redundant, annotation.__metadata__)):
        inner = members(annotation.__origin__)
        if len(inner) > 1:
            return inner
    return [annotation]


def is_union(annotation: Any) -> bool:
    """Return whether an annotation is written as a union, by `|`, `Union` or `Optional`."""
    return typing.get_origin(annotation) in {Union, types.UnionType}


def is_alias(annotation: Any) -> bool:
    """Return whether an annotation is a named alias, without type arguments."""
    return typing.get_origin(annotation) is None and isinstance(annotation, _ALIASES)


def is_class(annotation: Any) -> TypeIs[type[Any]]:
    """Return whether an annotation is a class, and not a generic alias such as `list[int]`."""
    return isinstance(annotation, type) and typing.get_origin(annotation) is None


def is_object(member: Any) -> bool:
    """Return whether a message of this type is a JSON object with declared fields."""
    klass = _bare(member)
    return is_typeddict(klass) or (
        is_class(klass)
        and not issubclass(klass, RootModel)
        and (issubclass(klass, BaseModel) or dataclasses.is_dataclass(klass))
    )


def runtime_types(member: Any) -> frozenset[type] | None:
    """Return the classes of the values that pydantic returns for this type; `None` if unknown.

    They are unknown for a type such as pydantic's `PastDate`, whose values are dates.
    """
    member = _bare(member)
    if is_typeddict(member):
        return frozenset({dict})
    origin = typing.get_origin(member)
    if origin is Literal:
        return frozenset(map(type, typing.get_args(member)))
    klass = origin or member
    if (
        klass in _BUILTINS
        or is_object(klass)
        or (is_class(klass) and issubclass(klass, BaseModel | enum.Enum))
    ):
        return frozenset({klass})
    return None


def find_tag(objects: Sequence[Any]) -> Tag | None:
    """Return the name of the field that tells the messages apart, as clients write it.

    Each of them has this field, with a `Literal` type, and no value occurs in two of them. If
    there are several such fields, it is `"type"`, or else the field that is declared first.
    """
    tags = [field.alias for field in _tags(objects)]
    return _USUAL_TAG if _USUAL_TAG in tags else next(iter(tags), None)


def clash(one: Any, other: Any) -> str | None:
    """Return what a message has that both types accept, as text; `None` if they are distinct."""
    if one == other:
        return name_of(one)
    for value in _literals(_bare(one)):
        if value in _literals(_bare(other)):
            return repr(value)
    if _tags([one, other]):
        return None
    fields, others = _literal_fields(one), _literal_fields(other)
    for field in fields:
        for value in fields[field]:
            if value in others.get(field, ()):
                return f"{field.alias}={value!r}"
    return None


def join(union: Sequence[Any], tag: Tag | None) -> Any:
    """Return the union of these types, with the tag as its discriminator if there is one.

    Without one, pydantic tries each member: that is five times slower, and an invalid message
    has the errors of all members.
    """
    objects = [member for member in union if is_object(member)]
    if tag is None or len(objects) < 2:
        return union_of(union)
    others = [member for member in union if not is_object(member)]
    name = next(field.name for field in _literal_fields(objects[0]) if field.alias == tag)
    return union_of([Annotated[union_of(objects), Field(discriminator=name)], *others])


def union_of(types_: Sequence[Any]) -> Any:
    """Return the union of these types."""
    return Union[tuple(types_)]  # noqa: UP007 - `|` can't join a sequence


def name_of(declared: Any) -> str:
    """Return the name of a type for the text of an error."""
    if typing.get_origin(declared) is Annotated:
        declared = declared.__origin__
    return declared.__name__ if is_class(declared) else repr(declared)


def _each_once(every: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for member in every:
        if member not in found:
            found.append(member)
    return found


def _is_redundant(metadata: object) -> bool:
    """Return whether a union may be flattened without this metadata.

    That is a `Field` with at most a description and a discriminator, which `find_tag` finds too.
    """
    return (
        isinstance(metadata, FieldInfo)
        and not metadata.metadata
        and isinstance(metadata.discriminator, str | None)
    )


def _without_alias(annotation: Any) -> Any:
    """Return the type that a named alias stands for, with its type arguments substituted."""
    while isinstance(alias := typing.get_origin(annotation) or annotation, _ALIASES):
        given = dict(zip(alias.__type_params__, typing.get_args(annotation), strict=False))
        annotation = alias.__value__
        parameters = getattr(annotation, "__parameters__", ())
        if given and parameters:
            annotation = annotation[tuple(given[parameter] for parameter in parameters)]
    return annotation


def _bare(member: Any) -> Any:
    """Return the type within aliases, `Annotated` and `NewType`; of a generic type, its class."""
    while True:
        member = _without_alias(member)
        origin: Any = typing.get_origin(member)
        if isinstance(member, NewType):
            member = member.__supertype__
        elif origin is Annotated:
            member = member.__origin__
        elif dataclasses.is_dataclass(origin) or is_typeddict(origin):
            # With type arguments. (A generic model with type arguments is a class itself.)
            return origin
        else:
            return member


def _tags(objects: Sequence[Any]) -> list[_Field]:
    """Return the fields that every object has, with no value in common."""
    if not objects:
        return []
    first, *others = (_literal_fields(member) for member in objects)
    return [
        field
        for field, values in first.items()
        if all(field in fields for fields in others)
        and _are_distinct([*values, *(value for fields in others for value in fields[field])])
        # In the only message, a field with several values is an option, not a tag.
        and (others or len(values) == 1 or field.alias == _USUAL_TAG)
    ]


def _are_distinct(values: Sequence[Any]) -> bool:
    return len(set(values)) == len(values)


def _literal_fields(member: Any) -> dict[_Field, Sequence[Any]]:
    """Return the fields of an object that have a `Literal` type, with their values."""
    return {
        _Field(name, alias): values
        for name, info in _fields(member).items()
        if (values := _literals(_bare(info.annotation)))
        and isinstance(alias := info.validation_alias or info.alias or name, str)
    }


def _literals(annotation: Any) -> Sequence[Any]:
    """Return the values of a `Literal` as clients write them: of a member of an enum, its value."""
    values = typing.get_args(annotation) if typing.get_origin(annotation) is Literal else ()
    return [value.value if isinstance(value, enum.Enum) else value for value in values]


def _fields(member: Any) -> Mapping[str, FieldInfo]:
    klass = _bare(member)
    if not is_object(klass):
        return {}
    if issubclass(klass, BaseModel):
        klass.model_rebuild(raise_errors=False)
        fields: Mapping[str, FieldInfo] = klass.model_fields
        return fields
    try:
        hints = get_type_hints(klass, include_extras=True)
    except NameError:
        # Compiling the type fails on this too, with an error that explains it.
        return {}
    known: Mapping[str, FieldInfo] = getattr(klass, "__pydantic_fields__", {})
    return {name: known.get(name) or _field_info(klass, name, hints[name]) for name in hints}


def _field_info(klass: Any, name: str, hint: Any) -> FieldInfo:
    field = getattr(klass, "__dataclass_fields__", {}).get(name)
    default: object = getattr(field, "default", None)
    if isinstance(default, FieldInfo):
        return FieldInfo.from_annotated_attribute(hint, default)
    return FieldInfo.from_annotation(hint)
