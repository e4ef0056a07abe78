"""The messages that a class takes from its clients: how a frame becomes one."""

import inspect
import types
import warnings
from collections.abc import Callable
from typing import Any, TypeAlias, assert_never

from wsendpoints.messages.adapters import Encoding, compile_adapter
from wsendpoints.messages.codecs import decode_json
from wsendpoints.messages.unions import find_tag, is_object, join, members, name_of
from wsendpoints.protocol.exceptions import (
    ConfigurationError,
    ConfigurationWarning,
    UnsupportedDataError,
)

__all__ = ["Inbound"]

Decode: TypeAlias = Callable[[Any], Any]
"""Turns a frame into a message.

Raises pydantic's ValidationError for one that is not declared, and ClientMessageError for what
no message is made of.
"""


class Inbound:
    """The messages that a class takes from its clients.

    Args:
        annotation: The union of them; `Any` for no validation.
        encoding: The class's.
        where: What declares them, for the text of an error.

    Attributes:
        messages: The members of the union, but for binary frames beside JSON.
        tag: The field that tells them apart; `None` if there is none.
        decode_text: Turns a text frame into a message.
        decode_binary: The same for a binary frame.

    Raises:
        ConfigurationError: A type can't be validated, or not from frames of this encoding.
    """

    __slots__ = ("decode_binary", "decode_text", "messages", "tag")

    decode_binary: Decode
    decode_text: Decode

    def __init__(self, annotation: Any, encoding: Encoding, where: str) -> None:
        union = [] if annotation is Any else members(annotation)
        takes_frames = encoding == "json" and bytes in union
        self.messages: list[Any] = [
            member for member in union if not (takes_frames and member is bytes)
        ]
        objects = [member for member in self.messages if is_object(member)]
        self.tag: str | None = find_tag(objects)
        if objects and encoding != "json":
            raise ConfigurationError(
                f"{where}: {name_of(objects[0])} is read from JSON, "
                f'but encoding is {encoding!r}: set encoding = "json"'
            )
        if len(objects) > 1 and self.tag is None:
            warnings.warn(
                f"{where}: nothing tells {', '.join(map(name_of, objects))} apart, so that each "
                "message is tried against all of them: give each a field like "
                '`type: Literal["..."] = "..."`, with another value in each',
                ConfigurationWarning,
                stacklevel=_level_of_class_statement(),
            )
        if self.messages:
            validator = compile_adapter(join(self.messages, self.tag), where).validator
            from_json: Decode = validator.validate_json
            from_text: Decode = validator.validate_python
            from_bytes: Decode = validator.validate_python
            if all(message in (str, bytes) for message in self.messages):
                # What pydantic would return, but without the 100 ns that it takes.
                from_text = _text_or(from_text) if str in self.messages else from_text
                from_bytes = bytes if bytes in self.messages else from_bytes
        else:
            # For a frame as it is, its own type is the cheapest function that returns it.
            from_json = _no_text if takes_frames else decode_json
            from_text, from_bytes = str, bytes
        # Decided by encoding here, so that no message pays for it.
        match encoding:
            case "json":
                self.decode_text, self.decode_binary = from_json, from_json
                if takes_frames:
                    self.decode_binary = bytes
            case "text":
                self.decode_text, self.decode_binary = from_text, _no_binary
            case "bytes":
                self.decode_text, self.decode_binary = _no_text, from_bytes
            case None:
                self.decode_text, self.decode_binary = from_text, from_bytes
            case _:
                assert_never(encoding)


def _level_of_class_statement() -> int:
    """Return the `stacklevel` at which a warning points at the class that is being made."""
    level = 0
    frame = inspect.currentframe()
    while frame is not None and _is_between(frame):
        level += 1
        frame = frame.f_back
    return level


def _is_between(frame: types.FrameType) -> bool:
    """Whether a call lies between a class statement and here; `abc` is what makes the class."""
    module: str = frame.f_globals.get("__name__", "")
    return module.startswith(("wsendpoints.", "abc")) or frame.f_code.co_name == "__init_subclass__"


def _text_or(validate: Decode) -> Decode:
    """Return what takes any text; one that may hold a lone surrogate is validated."""

    def decode(frame: str) -> Any:
        return frame if frame.isascii() else validate(frame)

    return decode


def _no_text(frame: str) -> Any:
    raise UnsupportedDataError("this endpoint takes binary frames, not text")


def _no_binary(frame: bytes) -> Any:
    raise UnsupportedDataError("this endpoint takes text frames, not binary")
