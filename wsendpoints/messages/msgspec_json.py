"""`MsgspecJSON`: JSON that msgspec reads and writes, where pydantic need not.

It is chosen, and never taken because it is there: it differs from `encoding = "json"` in what it
takes at the edges.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, final

from wsendpoints.messages.codec import Decode, Encode, MessageCodec, text_event_of
from wsendpoints.messages.codecs import JSONCodec
from wsendpoints.messages.custom import Codec
from wsendpoints.messages.structs import json_decoder, json_encoder, refused_errors
from wsendpoints.messages.validators import Validator
from wsendpoints.messages.writing import json_writer
from wsendpoints.protocol.exceptions import ConfigurationError, InvalidDataError, about

__all__ = ["MsgspecJSON"]


class MsgspecJSON(Codec[str]):
    """JSON, read and written by msgspec where a message has no type, or is a Struct.

    ```python
    class Echo(WebSocketEndpoint):
        encoding = MsgspecJSON()
    ```

    Models are validated and written by pydantic, as with `encoding = "json"`; frames are the same.
    These are the differences, where nothing is declared: an integer beyond 64 bits is a float, and
    a number beyond the range of floats, or a text with an escaped lone surrogate, closes the
    connection with 1007; so does what is nested deeper than Python's recursion limit allows. It
    needs the extra `msgspec`.
    """

    name: str = "JSON"

    def decode(self, frame: str | bytes) -> Any:
        """Return the value of a JSON text, or raise `ValueError`."""
        msgspec: Any = import_module("msgspec")
        try:
            return msgspec.json.decode(frame)
        except msgspec.DecodeError as exc:  # before 0.20 no ValueError
            raise ValueError(str(exc)) from exc

    def encode(self, value: Any) -> str:
        """Return the JSON text of a value."""
        return json_encoder()(value).decode()

    def _compiled(self, where: str) -> MessageCodec:
        try:
            import_module("msgspec")
        except ImportError:
            raise ConfigurationError(
                f"{where} is MsgspecJSON, which needs the package msgspec, and that is not "
                "installed: install wsendpoints[msgspec]"
            ) from None
        return _MsgspecJSONCodec()


@final
class _MsgspecJSONCodec(JSONCodec):
    def __init__(self) -> None:
        self.refused: tuple[type[Exception], ...] = (*super().refused, *refused_errors())
        self._read = json_decoder(Any)

    def decoders(
        self, validator: Validator | None, messages: Sequence[Any]
    ) -> tuple[Decode, Decode]:
        if validator is not None:
            return super().decoders(validator, messages)
        return self._read, self._read

    def encoder_of(self, adapter: Any) -> Encode:
        return text_event_of(json_encoder() if adapter is None else json_writer(adapter))

    def read_value(self, frame: str | bytes) -> Any:
        try:
            return self._read(frame)
        except self.refused:
            raise about(InvalidDataError("not valid JSON"), frame) from None
