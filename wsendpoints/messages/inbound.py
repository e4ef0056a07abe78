"""The messages that a class takes from its clients: how a frame becomes one."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core.core_schema import any_schema

from wsendpoints.messages.adapters import compile_adapter
from wsendpoints.messages.class_statement import warn
from wsendpoints.messages.codecs import Decode, MessageCodec, refuse_text
from wsendpoints.messages.joining import join, takes_anything
from wsendpoints.messages.places import Places
from wsendpoints.messages.recursion import recursive_union
from wsendpoints.messages.structs import (
    compile_structs,
    holds_struct,
    refused_errors,
    struct_error,
    struct_tag,
)
from wsendpoints.messages.tags import (
    changing,
    find_tag,
    members,
    objects_in,
    refuse_plain_enums,
    untagged,
)
from wsendpoints.messages.unions import is_object, name_of
from wsendpoints.messages.unmarked import check_structs_unmarked, check_unmarked
from wsendpoints.messages.validators import Validator
from wsendpoints.protocol.exceptions import ClientMessageError, ConfigurationError, about

__all__ = ["Inbound"]


class Inbound:
    """The messages that a class takes from its clients.

    Args:
        annotation: The union of them; `Any` for no validation.
        codec: That of the class's encoding.
        where: What declares them, for the text of an error.

    Attributes:
        messages: The members of the union, without the binary frames that stand beside JSON.
        tag: The field that tells them apart; `None` if there is none.
        decode_text: Turns a text frame into a message.
        decode_binary: The same for a binary frame.
        places: Where a message may be invalid.
        refused: What they raise for a message that is none of these; `client_error` tells why.

    Raises:
        ConfigurationError: A type can't be validated, or not from frames of this encoding.
    """

    __slots__ = (
        "_codec",
        "decode_binary",
        "decode_text",
        "messages",
        "places",
        "refused",
        "tag",
    )

    decode_binary: Decode
    decode_text: Decode

    def __init__(self, annotation: Any, codec: MessageCodec, where: str) -> None:
        union = [] if annotation is Any else members(annotation)
        takes_frames = codec.has_values and bytes in codec.frames and bytes in union
        self.messages: list[Any] = [
            member for member in union if not (takes_frames and member is bytes)
        ]
        objects = [member for member in self.messages if is_object(member)]
        self.tag: str | None = find_tag(objects_in(self.messages))
        if objects and not codec.has_values:
            raise ConfigurationError(
                f"{where}: {name_of(objects[0])} is read from JSON, "
                f'but encoding is {codec.name!r}: set encoding = "json"'
            )
        self._codec = codec
        self.refused: tuple[type[Exception], ...] = codec.refused
        if any(map(holds_struct, self.messages)):
            self._compile_structs(where)
        else:
            self._compile(objects, where)
        if takes_frames:
            self.decode_binary = bytes
            if not self.messages:
                self.decode_text = refuse_text

    def _compile(self, objects: Sequence[Any], where: str) -> None:
        refuse_plain_enums(objects, where)
        wide = _refuse_rivals(self.messages, where)
        if why := _why_slow([member for member in objects if member not in wide]):
            warn(f"{where}: {why}")
        validator: Validator | None = None
        if self.messages:
            adapter = check_unmarked(compile_adapter(join(self.messages), where), where)
            if union := recursive_union(adapter.core_schema):
                warn(
                    f"{where}: {' | '.join(union)} is a part of itself, and nothing tells its "
                    "members apart, so that each level of a message is tried against all of them, "
                    "and a small message may take long: give each a field like "
                    '`type: Literal["..."] = "..."`, and the union `Field(discriminator="type")`'
                )
            validator = Validator(adapter, is_json=self._codec.is_json)
        # Where an error may be: nowhere, without validation.
        self.places: Places = Places(any_schema()) if validator is None else validator.places
        # Chosen here, so that no message pays for the choice.
        self.decode_text, self.decode_binary = self._codec.decoders(validator, self.messages)

    def _compile_structs(self, where: str) -> None:
        self.tag = self.tag or struct_tag(self.messages)
        decoders = compile_structs(self.messages, self._codec.struct_decoders, where)
        if decoders is None:
            name = name_of(next(filter(holds_struct, self.messages)))
            raise ConfigurationError(
                f"{where}: {name} is read from JSON, but encoding is {self._codec.name!r}: set "
                'encoding = "json"'
            )
        check_structs_unmarked(self.messages, where)
        self.decode_text, self.decode_binary = decoders
        self.refused = refused_errors()
        self.places = Places(any_schema())

    def client_error(self, exc: Any, frame: str | bytes) -> ClientMessageError:
        """Return what a refusal means, in words that may be shown to the client.

        Args:
            exc: What was raised, one of `refused`.
            frame: The frame.
        """
        if isinstance(exc, ValidationError):
            return self._codec.client_error(exc, self.places, frame)
        try:
            # msgspec looks at no more than it needs.
            value = self._codec.read_value(frame)
        except ClientMessageError as unreadable:
            return unreadable
        return about(struct_error(exc, value), frame, self._codec.value_of)


def _refuse_rivals(messages: Sequence[Any], where: str) -> list[Any]:
    """Return the types that take anything, and so get what nothing else takes.

    Raises:
        ConfigurationError: Two of them take the same.
    """
    found: dict[str, Any] = {}
    for member in messages:
        what = takes_anything(member)
        if what is None:
            continue
        if what in found:
            raise ConfigurationError(
                f"{where}: {name_of(found[what])} and {name_of(member)} both take {what}, so that "
                "one of them would get nothing: remove one"
            )
        found[what] = member
    return list(found.values())


def _why_slow(objects: Sequence[Any]) -> str | None:
    """Return why messages are tried against types that are not theirs; `None` if they are not."""
    rest = untagged(objects)
    at_fault = [member for member in changing(objects) if member in rest]
    if at_fault:
        return (
            f"a validator of {_names(at_fault)} may change the tag before it is read, so that each "
            f"message is tried against {_names(rest)}, whatever its tag: make it one of mode "
            '"after", or write the union with `Field(discriminator=...)`, which reads the tag first'
        )
    if len(rest) < 2:
        return None
    return (
        f"nothing tells {_names(rest)} apart, so that each message is tried against all of them: "
        'give each a field like `type: Literal["..."] = "..."`, with another value in each'
    )


def _names(objects: Sequence[Any]) -> str:
    return ", ".join(map(name_of, objects))
