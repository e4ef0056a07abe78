"""Which message an answer belongs to: a field that both have, with the same value in it."""

import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel, RootModel
from pydantic_core import SchemaSerializer
from typing_extensions import is_typeddict

from wsendpoints.messages.adapters import compile_adapter
from wsendpoints.messages.fields import NO_DEFAULT, Field, may_have, written_field
from wsendpoints.messages.recognition import Recognizer
from wsendpoints.messages.unions import bare, runtime_types
from wsendpoints.messages.validators import compile_validator
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["MAX_ID_LENGTH", "Correlation", "Id", "bounded"]

Id: TypeAlias = str | int

MAX_ID_LENGTH: Final = 128
"""Characters of a str that is sent back, or digits of an int."""

_MAX_INT: Final = 10**MAX_ID_LENGTH

M = TypeVar("M")

_Fill: TypeAlias = Callable[[Any, Id], Any]

_Take: TypeAlias = Callable[[Id], Any]
"""Returns the value that stands for an id in a field; `None` if the field would change it."""


class Correlation:
    """Reads and writes the field by which a class's messages belong together.

    Args:
        field: Its name in JSON.
        inbound: The types that the class takes; empty if that is anything.
        outbound: The types that it sends; empty if that is anything.
        value_of: Returns the value of a frame, `None` if it has none.
        where: The name of the class, for the text of an error.

    Raises:
        ConfigurationError: It is no name of a field, or none of the messages has it.
    """

    __slots__ = ("_dicts", "_fillers", "_is_decoded", "_outbound", "_value_of", "field")

    def __init__(
        self,
        field: object,
        inbound: Sequence[Any],
        outbound: Sequence[Any],
        value_of: Callable[[Any], Any],
        where: str,
    ) -> None:
        if not isinstance(field, str) or not field:
            raise ConfigurationError(
                f"{where}.correlation_id is {field!r}: use the name of the field that a message "
                'and its answers have in common, such as "id"'
            )
        self.field: str = field
        self._value_of = value_of
        # Without a type, a message is what the frame holds.
        self._is_decoded = not inbound
        self._outbound = outbound
        self._fillers: dict[type, _Fill] = {}
        self._dicts: list[_DeclaredDict] = [*_declared_dicts(outbound, field, where)]
        if inbound and not any(map(self.may_have, inbound)):
            raise ConfigurationError(
                f"{where}.correlation_id is {field!r}, but no message that it takes has such a "
                f"field: add `{field}: str | None = None` to those that are answered"
            )

    def may_have(self, member: Any) -> bool:
        """Return whether messages of a type may have the field."""
        return may_have(member, self.field)

    # What came.

    def id_of(self, message: Any, frame: str | bytes) -> Id | None:
        """Return the value that a message has in the field; `None` if there is none to send back.

        It is what the client sent, not what a validator made of that: the client compares it. So it
        is read from the frame, whatever class the message has.

        Args:
            message: The message.
            frame: What it was read from.
        """
        if isinstance(message, bytes):  # a binary frame, which holds no value
            return None
        return self.id_of_value(message if self._is_decoded else self._value_of(frame))

    def id_of_value(self, value: Any) -> Id | None:
        """Return the same for the value of a frame that is no message, but may have the field."""
        return bounded(value.get(self.field)) if value.__class__ is dict else None

    # What goes out.

    def fill(self, answer: M, id_: Id | None) -> M:
        """Return an answer with a message's id, if it has the field and leaves it unset.

        The answer itself stays as it is: it may be sent to others, too.

        Args:
            answer: A model, a dataclass or a dict; anything else is returned as it is. A model
                tells what was set. Elsewhere a field is unset that is `None`, or has its default.
            id_: The id; `None` if there is none. It is left out where the field has a type that
                would change it, as an `int` changes `"5"`.
        """
        if id_ is None:
            return answer
        klass = answer.__class__
        try:
            fill = self._fillers[klass]
        except KeyError:
            fill = self._fillers[klass] = self._filler(klass)
        filled: M = fill(answer, id_)
        return filled

    def read_own(self, message: Any) -> Any:
        """Return what the application itself has in the field of a message; `None` for nothing."""
        klass = message.__class__
        if issubclass(klass, dict):
            keys = (it.key for it in self._dicts if it.key in message)
            return message.get(next(keys, self.field))
        if issubclass(klass, RootModel):
            return self.read_own(message.root)
        field = written_field(klass, self.field)
        return None if field is None else getattr(message, field.name)

    def _filler(self, klass: type) -> _Fill:
        if issubclass(klass, dict):
            return self._fill_dict
        if issubclass(klass, RootModel):
            return self._fill_root
        field = written_field(klass, self.field)
        if field is None:
            return _leave
        take = _taker(field)
        if issubclass(klass, BaseModel):
            return partial(_fill_model, field.name, take)
        return partial(_fill_attribute, field, take)

    def _fill_root(self, answer: Any, id_: Id) -> Any:
        root = self.fill(answer.root, id_)
        return answer if root is answer.root else answer.model_copy(update={"root": root})

    def _fill_dict(self, answer: dict[Any, Any], id_: Id) -> dict[Any, Any]:
        if not self._outbound:
            return answer if self.field in answer else {**answer, self.field: id_}
        for declared in self._dicts:
            value = None if declared.key in answer else declared.take(id_)
            if value is not None and declared.recognizer.is_one(
                filled := {**answer, declared.key: value}
            ):
                return filled
        return answer


class _DeclaredDict(NamedTuple):
    """A type of dicts that a class sends, and that have the field."""

    key: str
    take: _Take
    recognizer: Recognizer


def _declared_dicts(outbound: Sequence[Any], field: str, where: str) -> Iterator[_DeclaredDict]:
    for member in outbound:
        if runtime_types(member) not in (None, frozenset({dict})):
            continue
        recognizer = Recognizer(compile_adapter(member, where))
        if not is_typeddict(bare(member)):
            yield _DeclaredDict(field, _as_it_is, recognizer)
        elif (found := written_field(member, field)) is not None:
            yield _DeclaredDict(found.name, _taker(found), recognizer)


def bounded(value: Any) -> Id | None:
    """Return a value that may be sent back: a short str, or an int; `None` for any other."""
    if isinstance(value, str):
        return value if len(value) <= MAX_ID_LENGTH else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -_MAX_INT < value < _MAX_INT else None
    return None


def _as_it_is(id_: Id) -> Id:
    return id_


def _leave(answer: Any, _id: Id) -> Any:
    return answer


def _fill_model(name: str, take: _Take, answer: Any, id_: Id) -> Any:
    if name in answer.model_fields_set or (value := take(id_)) is None:
        return answer
    return answer.model_copy(update={name: value})


def _fill_attribute(field: Field, take: _Take, answer: Any, id_: Id) -> Any:
    own = getattr(answer, field.name)
    is_unset = own is None or (field.default is not NO_DEFAULT and own == field.default)
    if not is_unset or (value := take(id_)) is None:
        return answer
    if not dataclasses.is_dataclass(answer):
        return answer.__replace__(**{field.name: value})
    filled = copy.copy(answer)
    # It may be frozen.
    object.__setattr__(filled, field.name, value)
    return filled


def _taker(field: Field) -> _Take:
    if field.schema is None:
        return _as_it_is
    validate = compile_validator(field.schema).validate_python
    write = SchemaSerializer(field.schema).to_python

    def take(id_: Id) -> Any:
        try:
            value = validate(id_)
            written = write(value, mode="json")
        except ValueError:  # pydantic's of either kind
            return None
        return value if type(written) is type(id_) and written == id_ else None

    return take
