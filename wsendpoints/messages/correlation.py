"""Which message an answer belongs to: a field that both have, with the same value in it."""

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import get_type_hints as get_typed_dict_hints
from typing_extensions import is_typeddict

from wsendpoints.messages.fields import MISSING_FIELD, attribute_of, infos_of, reader_of
from wsendpoints.messages.unions import bare
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["MAX_ID_LENGTH", "Correlation", "Id", "bounded"]

Id: TypeAlias = str | int

MAX_ID_LENGTH: Final = 128
"""Characters of a str that is sent back, or digits of an int."""

_MAX_INT: Final = 10**MAX_ID_LENGTH

M = TypeVar("M")

_Fill: TypeAlias = Callable[[Any, Id], Any]


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

    __slots__ = ("_fillers", "_outbound", "_readers", "_value_of", "field")

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
        self._outbound = outbound
        self._readers: dict[type, Callable[[Any], Any] | None] = {}
        self._fillers: dict[type, _Fill] = {}
        if inbound and not any(map(self.may_have, inbound)):
            raise ConfigurationError(
                f"{where}.correlation_id is {field!r}, but no message that it takes has such a "
                f"field: add `{field}: str | None = None` to those that are answered"
            )

    def may_have(self, member: Any) -> bool:
        """Return whether messages of a type may have the field."""
        klass = bare(member)
        if is_typeddict(klass):
            return self.field in klass.__annotations__
        if not isinstance(klass, type):
            return True
        return issubclass(klass, dict) or not infos_of(klass) or self._has(klass)

    def _has(self, klass: type) -> bool:
        return attribute_of(klass, self.field) is not None

    # What came.

    def id_of(self, message: Any, frame: str | bytes) -> Id | None:
        """Return the value that a message has in the field; `None` if there is none to send back.

        It is what the client sent, not what a validator made of that: the client compares it.

        Args:
            message: The message.
            frame: What it was read from.
        """
        klass = message.__class__
        try:
            read = self._readers[klass]
        except KeyError:
            read = self._readers[klass] = reader_of(klass, self.field)
        if read is None:
            return None
        value = read(message)
        if value is None or value is MISSING_FIELD:
            return None
        # A str is what was sent if it stands there, in quotes. Any other value may have been
        # something else, such as an int that was sent as a str.
        if type(value) is str and isinstance(frame, str) and f'"{value}"' in frame:
            return bounded(value)
        return self.id_of_value(self._value_of(frame))

    def id_of_value(self, value: Any) -> Id | None:
        """Return the same for the value of a frame that is no message, but may have the field."""
        return bounded(value.get(self.field)) if isinstance(value, dict) else None

    # What goes out.

    def fill(self, answer: M, id_: Id | None) -> M:
        """Return an answer with a message's id, if it has the field and nothing in it.

        The answer itself stays as it is: it may be sent to others, too.

        Args:
            answer: A model, a dataclass or a dict; anything else is returned as it is.
            id_: The id; `None` if there is none.
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
        read = reader_of(message.__class__, self.field)
        value = None if read is None else read(message)
        return None if value is MISSING_FIELD else value

    def _filler(self, klass: type) -> _Fill:
        if issubclass(klass, dict):
            return self._fill_dict
        attribute = attribute_of(klass, self.field)
        if attribute is None:
            return _leave
        takes = _taker(klass, attribute)
        if issubclass(klass, BaseModel):
            return partial(_fill_model, attribute, takes)
        return partial(_fill_attribute, attribute, takes)

    def _fill_dict(self, answer: dict[Any, Any], id_: Id) -> dict[Any, Any]:
        if self.field in answer or not self._is_in_dict(answer):
            return answer
        return {**answer, self.field: id_}

    def _is_in_dict(self, answer: Mapping[Any, Any]) -> bool:
        """Whether a dict may have the field: unless it is declared as one that does not."""
        declared = [klass for member in self._outbound if is_typeddict(klass := bare(member))]
        fitting = [klass for klass in declared if _fits(answer, klass)]
        return not fitting or any(self.field in get_typed_dict_hints(it) for it in fitting)


def bounded(value: Any) -> Id | None:
    """Return a value that may be sent back: a short str, or an int; `None` for any other."""
    if isinstance(value, str):
        return value if len(value) <= MAX_ID_LENGTH else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -_MAX_INT < value < _MAX_INT else None
    return None


def _fits(answer: Mapping[Any, Any], declared: Any) -> bool:
    return bool(
        declared.__required_keys__ <= answer.keys() <= get_typed_dict_hints(declared).keys()
    )


def _leave(answer: Any, _id: Id) -> Any:
    return answer


def _fill_model(attribute: str, takes: Callable[[Id], Any], answer: Any, id_: Id) -> Any:
    if attribute in answer.model_fields_set or (value := takes(id_)) is None:
        return answer
    return answer.model_copy(update={attribute: value})


def _fill_attribute(attribute: str, takes: Callable[[Id], Any], answer: Any, id_: Id) -> Any:
    if getattr(answer, attribute) is not None or (value := takes(id_)) is None:
        return answer
    filled = copy.copy(answer)
    object.__setattr__(filled, attribute, value)
    return filled


def _taker(klass: type, attribute: str) -> Callable[[Id], Any]:
    """Return what makes of an id the value of an attribute; `None` if that would be another one."""
    info = infos_of(klass)[attribute]
    annotation: Any = info.annotation if info is not None else _hint_of(klass, attribute)
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)

    def take(id_: Id) -> Any:
        try:
            value = adapter.validate_python(id_)
        except ValidationError:
            return None
        # A UUID is written as it came; what is a str or an int must be that very one.
        return value if value == id_ or (str(value) == id_ and not isinstance(value, int)) else None

    return take


def _hint_of(klass: type, attribute: str) -> Any:
    try:
        return get_type_hints(klass, include_extras=True)[attribute]
    except (NameError, TypeError):
        return Any
