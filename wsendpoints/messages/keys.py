"""The key of a message: those with an equal one are handled one at a time."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

from wsendpoints.messages.annotations import MISSING
from wsendpoints.messages.fields import FieldReader, may_have
from wsendpoints.messages.options import Options
from wsendpoints.messages.tags import members
from wsendpoints.messages.unions import name_of
from wsendpoints.protocol.exceptions import ConfigurationError, ErrorDetails, InvalidMessageError

__all__ = ["NO_KEY", "KeyOf", "key_reader"]

NO_KEY: Final = object()
"""The key of a message that may be handled beside any other."""

KeyOf = Callable[[Any], Hashable]


def key_reader(options: Options, takes: Any, where: str) -> KeyOf:
    """Return what tells the key of a message.

    Args:
        options: How its handler runs.
        takes: The type of the messages.
        where: The name of the handler, for the text of an error.

    Raises:
        ConfigurationError: The messages do not have the field.
    """
    key = options.key
    if key is None:
        whole = NO_KEY if options.overlap is None else _Whole(where)
        return lambda message: whole
    if callable(key):
        return _checked(key, where)
    types = [] if takes is MISSING else members(takes)
    for member in types:
        if not may_have(member, key, is_attribute=True):
            raise ConfigurationError(
                f"{where} is marked with key={key!r}, but {name_of(member)} has no such field: use "
                "the name of one that it has, or a function of the message"
            )
    return _field_reader(key, types)


class _Whole:
    """The key of all messages of one handler."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __repr__(self) -> str:
        return f"<all of {self._where}>"


def _checked(key: Callable[[Any], Hashable], where: str) -> KeyOf:
    def key_of(message: Any) -> Hashable:
        value = key(message)
        if value is None:
            return NO_KEY
        try:
            hash(value)
        except TypeError:
            raise TypeError(
                f"the key function of {where} returned {value!r}, which can't be a key: return "
                "what has a hash, such as a str or a tuple"
            ) from None
        return value

    return key_of


def _field_reader(field: str, types: Sequence[Any]) -> KeyOf:
    read = FieldReader(field, types)

    def key_of(message: Any) -> Hashable:
        value: Hashable = read(message)
        if value is None:
            return NO_KEY
        try:
            hash(value)
        except TypeError:
            # It is the client that sent an array, or an object.
            error = ErrorDetails(loc=[field], type="key", msg="Input should be a str or a number")
            raise InvalidMessageError([error]) from None
        return value

    return key_of
