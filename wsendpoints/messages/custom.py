"""`Codec`: a format of the user's own, given as `encoding`, and how it is used in place of JSON."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import (
    Any,
    ClassVar,
    Final,
    Generic,
    TypeAlias,
    TypeVar,
    cast,
    final,
    get_args,
    get_origin,
)

from pydantic import TypeAdapter
from typing_extensions import get_original_bases

from wsendpoints.messages.codec import Encode, Encoding, MessageCodec
from wsendpoints.messages.structs import to_builtins
from wsendpoints.messages.unions import is_struct
from wsendpoints.messages.values import Read, ValuesCodec
from wsendpoints.messages.writing import ToValues, values_writer
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.protocol.frames import check_binary, check_text
from wsendpoints.protocol.state import SEND

__all__ = ["AnyEncoding", "Codec", "CustomCodec", "Subprotocols"]

F = TypeVar("F", str, bytes)

_PLAIN: Final = frozenset({bool, float, int, str, type(None)})


class Codec(ABC, Generic[F]):
    """A format for messages: subclass it, and give an instance as `encoding`.

    ```python
    class CBOR(Codec[bytes]):
        natives = (bytes, datetime)
        errors = (cbor2.CBORDecodeError,)

        def decode(self, frame: bytes) -> Any:
            return cbor2.loads(frame)

        def encode(self, value: Any) -> bytes:
            return cbor2.dumps(value)


    class Chat(WebSocketEndpoint):
        encoding = CBOR()
    ```

    What is in the brackets is the kind of frame that carries it, `str` for text and `bytes` for
    binary; frames of the other kind are refused with 1003. Messages are validated, told apart,
    answered and sent as with `encoding = "json"`: a codec only turns a frame into plain values, and
    plain values into a frame. One instance serves all connections, so it has no state of one.

    What a frame may cost is up to `decode`: a client may send anything up to
    `limits.max_message_size`, such as a header that announces more than follows.

    Attributes:
        name: How the format is called, in `not valid ...`, and in what a serializer of a model
            finds as `info.mode`; the name of the class by default.
        natives: The types that `encode` takes beyond those of JSON, such as `bytes` and
            `datetime`. What is of another type is written as in JSON.
        errors: What `decode` raises for a frame that is not in this format.
    """

    name: str = ""
    natives: tuple[type, ...] = ()
    errors: tuple[type[Exception], ...] = (ValueError,)

    _kind: ClassVar[Any] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take the kind of frame from the brackets."""
        super().__init_subclass__(**kwargs)
        for base in get_original_bases(cls):
            if get_origin(base) is Codec:
                (cls._kind,) = get_args(base)
        cls.name = cls.name or cls.__name__

    def _compiled(self, where: str) -> MessageCodec:
        """Return what reads and writes messages in this format."""
        return CustomCodec(self, where)

    @abstractmethod
    def decode(self, frame: F) -> Any:
        """Return the value of a frame: None, bools, numbers, texts, lists, dicts, and natives.

        Args:
            frame: What the client sent.

        Raises:
            Exception: It is not in this format: one of `errors`, whose text is not shown. The
                connection is closed with 1007. `RecursionError` counts as one; any other is a
                failure of the application.
        """

    @abstractmethod
    def encode(self, value: Any) -> F:
        """Return the frame for a value.

        Args:
            value: One made of None, bools, numbers, texts, lists, dicts with texts as keys, and
                natives.

        Raises:
            ValueError: It can't be written.
        """


AnyEncoding: TypeAlias = Encoding | Codec[Any]
"""What `encoding` of an endpoint may be."""

Subprotocols: TypeAlias = Sequence[str] | Mapping[str, AnyEncoding]
"""What `subprotocols` of an endpoint may be: names, or names with encodings."""


@final
class CustomCodec(ValuesCodec):
    """A format of the user's own, as what reads and writes messages.

    Args:
        codec: The format.
        where: The name of the class that has it, for the text of an error.

    Raises:
        ConfigurationError: It does not say which frames carry it.
    """

    frames: Mapping[type, Encode] = MappingProxyType({})

    def __init__(self, codec: Codec[Any], where: str) -> None:
        kind: Any = codec._kind  # pyright: ignore[reportPrivateUsage]  # its own module
        if kind not in (str, bytes):
            name = type(codec).__qualname__
            raise ConfigurationError(
                f"{where} is a {name}, which does not say what frames carry it: let "
                f"{name} subclass Codec[bytes], for binary frames, or Codec[str], for text"
            )
        self.name: object = codec
        self.format: str = codec.name
        self.kind: type[str | bytes] = kind
        self.errors: tuple[type[Exception], ...] = (*codec.errors, RecursionError)
        self._natives = codec.natives
        self._codec = codec

    @property
    def read(self) -> Read:
        """What returns the value of a frame."""
        return self._codec.decode

    def encoder_of(self, adapter: TypeAdapter[Any] | None) -> Encode:
        """Return what sends messages of a type."""
        to_values = values_writer(adapter, self.format if self._natives else "json")
        if not self._natives:
            return self._encoder(to_values)
        plain = _plain_for(self._natives)
        return self._encoder(lambda message: plain(to_values(message)))

    def struct_encoder(self) -> Encode:
        """Return what sends a Struct, or a value that holds one."""
        return self._encoder(lambda message: to_builtins(message, self._natives))

    def _encoder(self, to_values: ToValues) -> Encode:
        write = self._codec.encode
        key, check = ("text", check_text) if self.kind is str else ("bytes", check_binary)
        return lambda message: {"type": SEND, key: check(write(to_values(message)))}


def _plain_for(natives: tuple[type, ...]) -> ToValues:
    """Return what makes of a value one in which all is as in JSON, except for the natives."""
    to_json = values_writer(None, "json")

    def plain(value: Any) -> Any:
        if type(value) in _PLAIN or isinstance(value, natives):
            return value
        match value:
            case {**members}:
                names: Any = members
                if any(type(name) is not str for name in members):
                    names = to_json(dict.fromkeys(members))
                return dict(zip(names, map(plain, members.values()), strict=True))
            case list() | tuple() | set() | frozenset():
                return [plain(item) for item in cast("Iterable[Any]", value)]
            case _:
                is_own = is_struct(type(value))
                return to_builtins(value, natives) if is_own else to_json(value)

    return plain
