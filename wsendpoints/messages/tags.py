"""The members of a union of messages, and the field that tells them apart."""

import enum
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typing_extensions import get_type_hints

from wsendpoints.messages.adapters import schema_of
from wsendpoints.messages.core_schemas import definitions_of
from wsendpoints.messages.substitution import is_union
from wsendpoints.messages.unions import bare, is_object, name_of, without_alias
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = [
    "TagField",
    "changing",
    "clash",
    "find_tag",
    "grouped",
    "members",
    "objects_in",
    "refuse_plain_enums",
    "untagged",
    "values_of",
]

Tag: TypeAlias = str

_USUAL_TAG: Final = "type"

_TRANSPARENT: Final = frozenset(
    {
        "dataclass",
        "dataclass-field",
        "default",
        "definitions",
        "function-after",
        "model",
        "model-field",
        "typed-dict-field",
    }
)
"""What hands on what the client wrote to the schema within, as it is."""


class TagField(NamedTuple):
    """A field by its name in the class, and by the one that clients use."""

    name: str
    alias: str


def members(annotation: Any) -> list[Any]:
    """Return the members of a union, with nested unions and named aliases of unions flattened.

    An annotation that is not a union is its only member. So is a union with a discriminator, if
    `join` would not choose the same one for its members.
    """
    annotation = without_alias(annotation)
    if is_union(annotation):
        every = (member for part in typing.get_args(annotation) for member in members(part))
        return _each_once(every)
    if typing.get_origin(annotation) is Annotated and all(
        map(_is_redundant, annotation.__metadata__)
    ):
        inner = members(annotation.__origin__)
        written = [it.discriminator for it in annotation.__metadata__ if it.discriminator]
        if len(inner) > 1 and (not written or _is_chosen(written[-1], inner)):
            return inner
    return [annotation]


def _is_chosen(name: object, union: Sequence[Any]) -> bool:
    """Return whether a discriminator is the field that tells these apart, in any union.

    One with an alias is not: a discriminator is read by its name first, and else by its alias.
    """
    tags = _tags(union) if all(map(is_object, union)) else []
    usual = [field for field in tags if field.alias == _USUAL_TAG]
    chosen = next(iter(usual or tags[:1]), None) if usual or len(tags) == 1 else None
    return chosen is not None and chosen.name == chosen.alias == name


def objects_in(annotations: Sequence[Any]) -> list[Any]:
    """Return the objects among types, those in unions with a discriminator too."""
    every: list[Any] = []
    for annotation in map(without_alias, annotations):
        inner = typing.get_args(annotation)[0] if _is_discriminated(annotation) else None
        every.extend([annotation] if inner is None else objects_in(members(inner)))
    return [member for member in every if is_object(member)]


def _is_discriminated(annotation: Any) -> bool:
    return typing.get_origin(annotation) is Annotated and any(
        isinstance(it, FieldInfo) and isinstance(it.discriminator, str)
        for it in annotation.__metadata__
    )


def find_tag(objects: Sequence[Any]) -> Tag | None:
    """Return the name of the field that tells the messages apart, as clients write it.

    Each of them has this field, with a `Literal` type, and no value occurs in two of them, and no
    function of the application's can change it before pydantic reads it. If there are several such
    fields, it is `"type"`, or else the field that is declared first.
    """
    field = _choose(_tags(objects))
    return None if field is None else field.alias


def clash(one: Any, other: Any, every: Sequence[Any] = ()) -> str | None:
    """Return what a message has that both types accept, as text; `None` if they are distinct.

    Args:
        one: A type.
        other: Another one.
        every: All types of messages. What is the same constant in all of them, such as the version
            of a protocol, is no clash, unless it is called like a tag.
    """
    if one == other:
        return name_of(one)
    for value in _literals(bare(one)):
        if value in _literals(bare(other)):
            return repr(value)
    fields, others = _literal_fields(one), _literal_fields(other)
    if any(_are_distinct([*fields[it], *others[it]]) for it in fields if it in others):
        return None
    for field in fields:
        if _is_constant(field, every):
            continue
        for value in fields[field]:
            if value in others.get(field, ()):
                return f"{field.alias}={value!r}"
    return None


def _is_constant(field: TagField, every: Sequence[Any]) -> bool:
    found = [tuple(_literal_fields(member).get(field, ())) for member in every]
    return field.alias != _USUAL_TAG and len(set(found)) == 1 and len(found[0]) == 1


def refuse_plain_enums(objects: Sequence[Any], where: str) -> None:
    """Refuse a tag that no JSON text can have.

    Raises:
        ConfigurationError: It is a member of an `Enum` that is neither a string nor a number.
    """
    groups, _ = grouped(objects)
    if (tag := _choose(_common(list(map(_literal_fields, objects))))) is not None:
        groups.append((tag, [*objects]))
    for field, group in groups:
        for member in group:
            for value in typing.get_args(bare(_fields(member)[field.name].annotation)):
                if isinstance(value, enum.Enum) and not isinstance(value, str | int | float):
                    kind = type(value).__name__
                    raise ConfigurationError(
                        f"{where}: the tag {field.alias!r} of {name_of(member)} is {value}, and "
                        f"no JSON text has a member of {kind}, which is a plain Enum: make "
                        f"{kind} a StrEnum"
                    )


def _choose(tags: Sequence[TagField]) -> TagField | None:
    usual = [field for field in tags if field.alias == _USUAL_TAG]
    return next(iter([*usual, *tags]), None)


def untagged(objects: Sequence[Any]) -> list[Any]:
    """Return the objects that `join` can't tell apart from the others by a tag."""
    _, rest = grouped(objects)
    return rest


def changing(objects: Sequence[Any]) -> list[Any]:
    """Return the objects with a function that may change their tag; none if they have no tag."""
    field = _choose(_common(list(map(_literal_fields, objects))))
    return [it for it in objects if field is not None and field not in _fixed_fields(it)]


def grouped(objects: Sequence[Any]) -> tuple[list[tuple[TagField, list[Any]]], list[Any]]:
    """Return the objects in groups, each with the field that tells its members apart; and the rest.

    If there is such a field of all of them, that is the only group.
    """
    groups: list[tuple[TagField, list[Any]]] = []
    rest = [*objects]
    while True:
        field, group = _largest_group(rest)
        if field is None:
            return groups, rest
        groups.append((field, group))
        rest = [member for member in rest if member not in group]


def _largest_group(objects: Sequence[Any]) -> tuple[TagField | None, list[Any]]:
    found: dict[TagField, list[Any]] = {}
    for member in objects:
        for field in _fixed_fields(member):
            found.setdefault(field, []).append(member)
    groups = {field: _distinct(field, group) for field, group in found.items()}
    most = max((len(group) for group in groups.values()), default=0)
    if most < 2:
        return None, []
    chosen = _choose([field for field, group in groups.items() if len(group) == most])
    return chosen, groups[chosen] if chosen else []


def _distinct(field: TagField, group: Sequence[Any]) -> list[Any]:
    """Return those objects of a group that share no value of this field with another one."""
    values = [set(_literal_fields(member)[field]) for member in group]
    return [
        member
        for number, member in enumerate(group)
        if all(number == other or not values[number] & values[other] for other in range(len(group)))
    ]


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


def _tags(objects: Sequence[Any]) -> list[TagField]:
    """Return the fields that tell these apart, and are read as the client wrote them."""
    # The only object is not joined with others.
    fields_of = _fixed_fields if objects[1:] else _literal_fields
    return _common(list(map(fields_of, objects)))


def _common(objects: Sequence[Mapping[TagField, Sequence[Any]]]) -> list[TagField]:
    """Return the fields that every object has, with no value in common."""
    if not objects:
        return []
    first, *others = objects
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


def values_of(member: Any, field: TagField) -> Sequence[Any]:
    """Return the values of an object's tag."""
    return _literal_fields(member)[field]


def _literal_fields(member: Any) -> dict[TagField, Sequence[Any]]:
    """Return the fields of an object that have a `Literal` type, with their values."""
    return {
        TagField(name, alias): values
        for name, info in _fields(member).items()
        if (values := _literals(bare(info.annotation)))
        and isinstance(alias := info.validation_alias or info.alias or name, str)
    }


def _fixed_fields(member: Any) -> dict[TagField, Sequence[Any]]:
    """Return the `Literal` fields of an object that are read as the client wrote them."""
    fields = _literal_fields(member)
    schema: Any = schema_of(member) if fields else None
    return {field: fields[field] for field in fields if _is_fixed(schema, field.name)}


def _is_fixed(schema: Any, name: str) -> bool:
    """Whether nothing but pydantic's own code comes before the values of a `Literal` field.

    A validator in any other mode than "after", and an `__init__`, may change what the client wrote.
    """
    if schema is None:
        return True
    definitions = definitions_of(schema)
    while schema is not None:
        match schema:
            case {"type": "definition-ref", "schema_ref": ref}:
                schema = definitions[ref]
            case {"type": "model", "custom_init": True}:
                return False
            case {"type": "model-fields" | "typed-dict", "fields": {**fields}}:
                schema = fields.get(name)
            case {"type": "dataclass-args", "fields": [*arguments]}:
                schema = next((it for it in arguments if it["name"] == name), None)
            case {"type": kind, "schema": inner} if kind in _TRANSPARENT:
                schema = inner
            case _:
                return bool(schema["type"] == "literal")
    return False


def _literals(annotation: Any) -> Sequence[Any]:
    """Return the values of a `Literal` as clients write them: of a member of an enum, its value."""
    values = typing.get_args(annotation) if typing.get_origin(annotation) is Literal else ()
    return [value.value if isinstance(value, enum.Enum) else value for value in values]


def _fields(member: Any) -> Mapping[str, FieldInfo]:
    klass = bare(member)
    if not is_object(klass) or klass is BaseModel:
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
