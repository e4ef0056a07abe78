"""What encodings have in common whose frames hold a value, in a format that is not JSON."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError

from wsendpoints.messages.client_errors import to_client_error
from wsendpoints.messages.codec import (
    Decode,
    Encode,
    MessageCodec,
    refuse_binary,
    refuse_text,
)
from wsendpoints.messages.places import Places
from wsendpoints.messages.structs import values_decoder
from wsendpoints.messages.validators import Validator
from wsendpoints.messages.writing import ToJSON
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import ClientMessageError, InvalidDataError, about

__all__ = ["Read", "ValuesCodec"]

Read: TypeAlias = Callable[[Any], Any]
"""Returns the value of a frame."""


class ValuesCodec(MessageCodec):
    """A message is a value, which is validated as it is read.

    Attributes:
        format: How the format is called, for the text of an error.
        kind: The kind of frame that has it; the other one is refused.
        errors: What `read` raises for a frame that is not in this format.
    """

    has_values: bool = True
    is_json: bool = False
    format: str
    kind: type[str | bytes]
    errors: tuple[type[Exception], ...] = (ValueError,)

    @property
    @abstractmethod
    def read(self) -> Read:
        """What returns the value of a frame; one of `errors` is raised if it has none."""

    @abstractmethod
    def encoder_of(self, adapter: TypeAdapter[Any] | None) -> Encode:
        """Return what sends messages of a type."""

    def encoder(self, to_json: ToJSON) -> Encode:
        """Return what sends a message of any type: its JSON is of no use here."""
        return self.encoder_of(None)

    def decoders(
        self, validator: Validator | None, messages: Sequence[Any]
    ) -> tuple[Decode, Decode]:
        """Return what reads a message from a text frame, and from a binary one."""
        decode = self._decoder() if validator is None else validator.reading(self._decoder())
        return (decode, refuse_binary) if self.kind is str else (refuse_text, decode)

    def _decoder(self) -> Decode:
        # In variables: each message would pay for the look-ups.
        read, errors, text = self.read, self.errors, f"not valid {self.format}"

        def decode(frame: Any) -> Any:
            try:
                return read(frame)
            except errors:
                raise about(InvalidDataError(text), frame) from None

        return decode

    def struct_decoders(self, annotation: Any) -> tuple[Decode, Decode] | None:
        """Return what reads a message of msgspec's."""
        convert, read = values_decoder(annotation), self._decoder()

        def decode(frame: Any) -> Any:
            return convert(read(frame))

        return (decode, refuse_binary) if self.kind is str else (refuse_text, decode)

    def read_value(self, frame: str | bytes) -> Any:
        """Return the value of a frame."""
        return self._decoder()(frame)

    def client_error(
        self, exc: ValidationError, places: Places, frame: str | bytes
    ) -> ClientMessageError:
        """Return what a failed validation means."""
        error = to_client_error(exc, places, self.read(frame), json=False)
        return about(error, frame, self.value_of)

    def error_event(self, message: Mapping[str, Any]) -> Event | None:
        """Return the event that sends an error message."""
        return self.encoder_of(None)(message)

    def value_of(self, frame: str | bytes) -> Any:
        """Return the value that a frame holds, not validated; `None` if it holds none."""
        try:
            return self.read(frame) if isinstance(frame, self.kind) else None
        except self.errors:
            return None
