"""The encoding "msgpack": a message is MessagePack, in a binary frame.

What reading takes is bounded by the length of a frame, whatever is in it. The package `msgpack` is
an extra: it is imported when a class has this encoding.
"""

import functools
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeAlias, cast, final

from pydantic import TypeAdapter

from wsendpoints.messages.codec import Decode, Encode, refuse_text
from wsendpoints.messages.structs import messagepack_decoder, messagepack_encoder, to_builtins
from wsendpoints.messages.unions import is_struct
from wsendpoints.messages.values import Read, ValuesCodec
from wsendpoints.messages.writing import values_writer
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.protocol.state import SEND

__all__ = ["MAX_DEPTH", "MODE", "MessagePackCodec"]

MODE: Final = "msgpack"
"""What a serializer of a model finds as `info.mode`."""

MAX_DEPTH: Final = 200
"""How deep arrays and maps may be nested, as in pydantic's JSON."""

_ARRAYS_16_32: Final = (b"\xdc", b"\xdd")
_BIN: Final = (b"\xc4", b"\xc5", b"\xc6")
"""The first bytes of the formats (MessagePack specification, "Overview")."""

_NO_HEADERS: Final = bytes(
    byte for byte in range(256) if not (0x80 <= byte <= 0x9F or 0xDC <= byte <= 0xDF)
)
"""The bytes that can't begin an array or a map."""

_TIMESTAMP_AS_DATETIME: Final = 3
"""What the package calls it."""

_Pairs: TypeAlias = Sequence[tuple[Any, Any]]


@final
class MessagePackCodec(ValuesCodec):
    """A message is MessagePack, in a binary frame.

    Its values are ints, floats, strs, bytes, datetimes, lists, and dicts whose keys are strs. What
    has other keys, or an extension type other than the timestamp, is refused.
    """

    name: object = MODE
    format: str = "MessagePack"
    kind: type[str | bytes] = bytes
    frames: Mapping[type, Encode] = MappingProxyType({})

    def require(self, where: str) -> None:
        """Import the package.

        Raises:
            ConfigurationError: It is not installed.
        """
        try:
            import_module("msgpack")
        except ImportError:
            raise ConfigurationError(
                f'{where} is "msgpack", which needs the package msgpack, and that is not '
                "installed: install wsendpoints[msgpack]"
            ) from None

    @property
    def read(self) -> Read:
        """What returns the value of a binary frame."""
        return _reader()

    def struct_decoders(self, annotation: Any) -> tuple[Decode, Decode] | None:
        """Return what reads a message of msgspec's, which reads MessagePack itself."""
        return refuse_text, messagepack_decoder(annotation)

    def struct_encoder(self) -> Encode:
        """Return what sends a Struct, or a value that holds one."""
        write = messagepack_encoder()
        return lambda message: {"type": SEND, "bytes": write(message)}

    def encoder_of(self, adapter: TypeAdapter[Any] | None) -> Encode:
        """Return what sends messages of a type."""
        write = _writer()
        if adapter is None:
            return lambda message: {"type": SEND, "bytes": write(message)}
        to_values = values_writer(adapter, MODE)
        return lambda message: {"type": SEND, "bytes": write(to_values(message))}


@functools.cache
def _reader() -> Read:
    msgpack: Any = import_module("msgpack")
    unpackb, unpacker = msgpack.unpackb, msgpack.Unpacker
    most, arrays, (bin_8, bin_16, bin_32) = MAX_DEPTH, _ARRAYS_16_32, _BIN

    def read(frame: bytes) -> Any:
        is_long = len(frame) > most
        try:
            if is_long and (arrays[0] in frame or arrays[1] in frame):
                # The package makes a list as long as a header says before it reads the items: a
                # thousand headers, one in the other, would take a thousand times the frame.
                whole = unpacker(max_buffer_size=len(frame))
                whole.feed(frame)
                whole.skip()
            if bin_8 in frame or bin_16 in frame or bin_32 in frame:
                # It may have bytes as a key, which the package takes.
                value = unpackb(
                    frame,
                    timestamp=_TIMESTAMP_AS_DATETIME,
                    ext_hook=_refuse,
                    object_pairs_hook=_with_text_keys,
                )
            else:
                value = unpackb(frame, timestamp=_TIMESTAMP_AS_DATETIME, ext_hook=_refuse)
        # A timestamp may be too large for a datetime; without its extension the package recurses.
        except (msgpack.UnpackException, OverflowError, RecursionError) as exc:
            raise ValueError("not MessagePack") from exc
        if is_long and len(frame.translate(None, _NO_HEADERS)) > most and _is_deep(value):
            raise ValueError(f"nested deeper than {most}")
        return value

    return read


def _refuse(code: int, _data: bytes) -> NoReturn:
    raise ValueError(f"an extension type, {code}")


def _with_text_keys(pairs: _Pairs) -> dict[str, Any]:
    found = dict(pairs)
    if not all(type(key) is str for key in found):
        raise ValueError("a key that is no str")
    return found


def _is_deep(value: Any) -> bool:
    level: list[Any] = [value] if type(value) is list or type(value) is dict else []
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            for inner in (cast("dict[str, Any]", outer).values() if type(outer) is dict else outer)
            if type(inner) is list or type(inner) is dict
        ]
        if not level:
            return False
    return True


@functools.cache
def _writer() -> Callable[[Any], bytes]:
    msgpack: Any = import_module("msgpack")
    packb = msgpack.packb

    def write(value: Any) -> bytes:
        try:
            packed: bytes = packb(value, datetime=True, default=_plain)
        except OverflowError as exc:  # an int of more than 64 bits
            raise ValueError(str(exc)) from exc
        return packed

    return write


_dump: Final = values_writer(None, MODE)
_dump_as_json: Final = values_writer(None, "json")


def _plain(value: Any) -> Any:
    """Return what MessagePack has for a value, or what JSON has, if it is of no type of its own."""
    if is_struct(type(value)):
        return to_builtins(value, (bytes, datetime))
    dumped = _dump(value)
    if isinstance(dumped, set | frozenset | deque):
        return list(cast("Iterable[Any]", dumped))
    # A datetime without a time zone is no moment.
    is_same = dumped is value or isinstance(dumped, datetime)
    return _dump_as_json(value) if is_same else dumped
