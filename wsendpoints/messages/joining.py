"""The union of several types, so arranged that pydantic tries few of them for each message.

It means what the plain union means: what is told apart by a tag, by the first items of arrays, or
by its kind of JSON value, is not tried against the others. One thing differs. A type that takes
anything, such as `dict[str, Any]`, gets what nothing else takes, where pydantic would choose by how
exactly each type takes a message.
"""

import enum
import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from types import NoneType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeAlias,
    final,
    get_args,
    get_origin,
)

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from wsendpoints.messages.adapters import schema_of
from wsendpoints.messages.overlaps import ARRAY, KINDS, OBJECT, Overlaps, Word
from wsendpoints.messages.structs import holds_struct
from wsendpoints.messages.substitution import union_of
from wsendpoints.messages.tags import TagField, grouped, values_of
from wsendpoints.messages.unions import bare, is_object

__all__ = ["join", "takes_anything"]

_Mode: TypeAlias = Literal["left_to_right", "smart"]


class _Member(NamedTuple):
    """A member of a union, with what it takes, and where it stands."""

    type: Any
    takes: Overlaps
    place: int


_Make: TypeAlias = Callable[[Sequence[_Member]], Any]
"""Returns the union of members that something tells apart."""


class _Part(NamedTuple):
    """Members that are told apart at once, as one type; or a single member."""

    type: Any
    members: Sequence[_Member]

    @property
    def is_group(self) -> bool:
        return len(self.members) > 1


class _Run(NamedTuple):
    """Members of a group, or a member of none, without another between them that matters."""

    make: _Make | None
    members: list[_Member]


def join(union: Sequence[Any]) -> Any:
    """Return the union of these types."""
    rest = [member for member in union if member is not None and member is not NoneType]
    if rest and len(rest) < len(union):
        # To pydantic `null` is `None`, whatever a validator of another type makes of it.
        return union_of([join(rest), None])
    groups, _ = grouped([member for member in union if is_object(member)])
    tags = [(group, field.alias) for field, group in groups]
    members = [_member(it, place, tags) for place, it in enumerate(union)]
    last = [it for it in members if _takes_all(it)]
    kinds = _by_kind([it for it in members if it not in last])
    parts = [_joined(some, groups) for some in kinds]
    # The more kinds one takes, the later it comes.
    parts.extend(it.type for it in sorted(last, key=lambda it: len(it.takes.everything)))
    return _one_after_another(parts)


def takes_anything(annotation: Any) -> str | None:
    """Return what a type takes all of, as text: any array or object; `None` if it refuses some.

    A type that takes a text, or a number, is told apart by pydantic itself.
    """
    if holds_struct(annotation):
        return None
    kinds = Overlaps(schema_of(annotation)).everything
    if not kinds & {ARRAY, OBJECT}:
        return None
    return "any JSON value" if kinds == KINDS else f"any JSON {' or '.join(sorted(kinds))}"


def _member(each: Any, place: int, tags: Sequence[tuple[Sequence[Any], str]]) -> _Member:
    tag = next((tag for group, tag in tags if each in group), None)
    return _Member(each, Overlaps(schema_of(each), tag), place)


def _takes_all(member: _Member) -> bool:
    """Whether it takes any array, or any object."""
    return bool(member.takes.everything & {ARRAY, OBJECT})


def _by_kind(members: Sequence[_Member]) -> list[list[_Member]]:
    """Return the members in groups, of which no two take the same kind of JSON value.

    What most messages are comes first.
    """
    groups: list[list[_Member]] = []
    for member in members:
        meeting = [group for group in groups if _kinds_of(group) & member.takes.kinds]
        groups = [group for group in groups if group not in meeting]
        groups.append([*(it for group in meeting for it in group), member])
    for group in groups:
        group.sort(key=lambda it: it.place)
    return sorted(groups, key=lambda it: (OBJECT not in _kinds_of(it), ARRAY not in _kinds_of(it)))


def _kinds_of(group: Sequence[_Member]) -> frozenset[str]:
    return frozenset[str]().union(*(it.takes.kinds for it in group))


def _joined(members: Sequence[_Member], groups: Sequence[tuple[Any, Sequence[Any]]]) -> Any:
    """Return the union of members that take the same kinds of JSON values."""
    tagged = [
        (_tagged(field), some)
        for field, group in groups
        if len(some := [it for it in members if it.type in group]) > 1
    ]
    return _arranged(_with_literals_first(members), [*tagged, *_arrays(members, 0)])


def _tagged(field: TagField) -> _Make:
    if field.alias == field.name:
        return lambda some: Annotated[_union(some), Field(discriminator=field.name)]
    return lambda some: Annotated[
        _union(some),
        _ByTag({value: it.type for it in some for value in values_of(it.type, field)}, field),
    ]


@final
class _ByTag:
    """Has pydantic choose the member of a union by a tag, as the field of the tag is read.

    By its own discriminator a message with the name and the alias of a field is of the type that
    the name says, which then reads the alias.

    Args:
        choices: The type for each value of the tag.
        field: The tag.
    """

    def __init__(self, choices: Mapping[Hashable, Any], field: TagField) -> None:
        self._choices = choices
        self._field = field

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        choices = {value: handler.generate_schema(it) for value, it in self._choices.items()}
        ways: list[list[str | int]] = [[self._field.alias], [self._field.name]]
        return core_schema.tagged_union_schema(choices, ways)


def _arranged(members: Sequence[_Member], groups: Sequence[tuple[_Make, Sequence[_Member]]]) -> Any:
    """Return a union with these groups: first, if nothing depends on the order."""
    parts = [_Part(make(group), group) for make, group in groups]
    if not parts:
        return _union(members)
    rest = [it for it in members if all(it not in part.members for part in parts)]
    parts.extend(_Part(it.type, [it]) for it in rest)
    if all(_precedes(one, two) for n, one in enumerate(parts) for two in parts[n + 1 :]):
        singles = [part.type for part in parts if not part.is_group]
        return _one_after_another(
            [
                *(part.type for part in parts if part.is_group),
                *([_annotated(singles, "smart")] if singles else ()),
            ]
        )
    return _annotated([part.type for part in _in_order(members, groups)], "smart")


def _precedes(one: _Part, two: _Part) -> bool:
    """Whether what the first takes need not be tried against the second."""
    if not one.is_group:
        return True
    return all(
        a.takes.is_distinct_from(b.takes)
        or a.takes.is_preferred_to(b.takes, is_earlier=a.place < b.place)
        for a in one.members
        for b in two.members
    )


def _in_order(
    members: Sequence[_Member], groups: Sequence[tuple[_Make, Sequence[_Member]]]
) -> list[_Part]:
    """Return the parts in the order in which their members were declared, where it matters.

    Of two types that take a message equally well, pydantic chooses the first.
    """
    runs: list[_Run] = []
    for member in members:
        make = next((it for it, group in groups if member in group), None)
        run = None if make is None else _run_for(member, make, runs)
        if run is None:
            runs.append(_Run(make, [member]))
        else:
            run.members.append(member)
    return [
        _Part(make(run) if make is not None and len(run) > 1 else run[0].type, run)
        for make, run in runs
    ]


def _run_for(member: _Member, make: _Make, runs: Sequence[_Run]) -> _Run | None:
    """Return the last run of a member's group, if it does not matter what stands behind that."""
    run: _Run
    for run in reversed(runs):
        if run.make == make:
            return run
        if not all(_is_free(it, member) for it in run.members):
            break
    return None


def _is_free(one: _Member, two: _Member) -> bool:
    """Whether it does not matter which of the two comes first."""
    a, b = one.takes, two.takes
    return a.is_distinct_from(b) or a.is_preferred_to(b) or b.is_preferred_to(a)


def _with_literals_first(members: Sequence[_Member]) -> list[_Member]:
    """Return the members, with the literals that stand behind a type of any text before it.

    The text is the same for both, but each may have a handler.
    """
    found: list[_Member] = []
    for member in members:
        place = len(found)
        while place and _is_literal_text(member) and _takes_any_text(found[place - 1]):
            place -= 1
        found.insert(place, member)
    return found


def _takes_any_text(member: _Member) -> bool:
    return "string" in member.takes.everything


def _is_literal_text(member: _Member) -> bool:
    literal = bare(member.type)
    return get_origin(literal) is Literal and all(type(it) is str for it in get_args(literal))


# Arrays.


class _Names(enum.Enum):
    """What stands for the first item of a named tuple that is written as an object."""

    OBJECT = "an object"

    def __repr__(self) -> str:
        return repr(self.value)


def _arrays(members: Sequence[_Member], start: int) -> list[tuple[_Make, Sequence[_Member]]]:
    """Return the members that are told apart by the item at an index, from this one on."""
    most = max((len(it.takes.words) for it in members), default=0)
    for index in range(start, most):
        group = [it for it in members if _words_at(it, index)]
        if len({_words_at(it, index) for it in group}) > 1:
            return [(functools.partial(_by_item, index), group)]
    return []


def _words_at(member: _Member, index: int) -> frozenset[Word]:
    words = member.takes.words
    return frozenset(words[index]) if index < len(words) else frozenset()


def _by_item(index: int, members: Sequence[_Member]) -> Any:
    """Return the union of types that are told apart by the item at an index."""
    choices: dict[Hashable, Any] = {}
    for word in [word for it in members for word in _words_at(it, index)]:
        some = [it for it in members if word in _words_at(it, index)]
        # Those that have this item in common may differ in a later one.
        choices[word] = _arranged(some, _arrays(some, index + 1))
    if named := [it for it in members if OBJECT in it.takes.kinds]:
        choices[_Names.OBJECT] = _union(named)
    return Annotated[_union(members), _ByItem(index, choices)]


@final
class _ByItem:
    """Has pydantic choose the member of a union by the item of an array at some index.

    Args:
        index: The index.
        choices: The type for each item that may stand there.
    """

    def __init__(self, index: int, choices: Mapping[Hashable, Any]) -> None:
        self._index = index
        self._choices = choices

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        choices = {word: handler.generate_schema(it) for word, it in self._choices.items()}
        item = _item_at(self._index, takes_objects=_Names.OBJECT in choices)
        return core_schema.tagged_union_schema(choices, item)


def _item_at(index: int, *, takes_objects: bool) -> Callable[[Any], Hashable]:
    def item(value: Any) -> Hashable:
        match value:
            case [*_]:
                found: Any = value[index] if len(value) > index else None
                # Pydantic quotes what is none of those expected, and this may be most of a message.
                return None if isinstance(found, list | dict) else found
            case {} if takes_objects:
                return _Names.OBJECT
            case _:
                return None

    # The client is told this name, if no type has such an item.
    item.__name__ = f"item_{index}"
    return item


# Unions.


def _union(members: Sequence[_Member]) -> Any:
    return union_of([it.type for it in members])


def _one_after_another(parts: Sequence[Any]) -> Any:
    return _annotated(parts, "left_to_right")


def _annotated(parts: Sequence[Any], mode: _Mode) -> Any:
    return Annotated[union_of(parts), _InMode(parts, mode)] if len(parts) > 1 else parts[0]


@final
class _InMode:
    """Has pydantic try the members of a union in a mode.

    Unlike its own `Field(union_mode=...)` it may stand at a union with `None`.

    Args:
        parts: The members.
        mode: The mode.
    """

    def __init__(self, parts: Sequence[Any], mode: _Mode) -> None:
        self._parts = parts
        self._mode: _Mode = mode

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        parts: list[Any] = [handler.generate_schema(it) for it in self._parts]
        return core_schema.union_schema(parts, mode=self._mode)
