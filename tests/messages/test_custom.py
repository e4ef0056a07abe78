"""A format of one's own: what it gets, what it has to return, and what is a mistake."""

import json
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import pytest
from pydantic import BaseModel, SerializationInfo, TypeAdapter, model_serializer

from wsendpoints import Codec, WebSocketEndpoint
from wsendpoints.messages.codecs import codec_of
from wsendpoints.messages.custom import CustomCodec
from wsendpoints.messages.validators import Validator
from wsendpoints.protocol.exceptions import (
    ConfigurationError,
    InvalidDataError,
    UnsupportedDataError,
)

F = TypeVar("F", str, bytes)
MOMENT = datetime(2020, 1, 1, tzinfo=UTC)


class OwnError(Exception):
    """What a library raises that knows no ValueError."""


class Lines(Codec[str]):
    """JSON in text frames, reversed."""

    def decode(self, frame: str) -> Any:
        """Read it."""
        return json.loads(frame[::-1])

    def encode(self, value: Any) -> str:
        """Write it."""
        return json.dumps(value)[::-1]


class Reprs(Codec[bytes]):
    """Python's own literals in binary frames, with bytes and datetimes."""

    name = "repr"
    natives = (bytes, datetime)
    errors = (OwnError,)

    def decode(self, frame: bytes) -> Any:
        """Read it."""
        if frame == b"deep":
            raise RecursionError
        if frame == b"broken":
            raise ValueError
        try:
            return eval(frame, {"datetime": __import__("datetime")})  # noqa: S307 - ours
        except SyntaxError as exc:
            raise OwnError from exc

    def encode(self, value: Any) -> bytes:
        """Write it."""
        return repr(value).encode()


class Message(BaseModel):
    """A message with what JSON has not."""

    data: bytes = b"x"
    at: datetime = MOMENT
    id: UUID = UUID(int=1)
    counts: dict[int, set[int]] = {1: {2}}


def test_codec_is_an_encoding() -> None:
    """It is compiled with the class, and has the frames of its brackets."""
    codec = codec_of(Lines(), "Chat: encoding")
    assert isinstance(codec, CustomCodec)
    assert (codec.kind, codec.format, codec.has_values, codec.is_json) == (
        str,
        "Lines",
        True,
        False,
    )


@pytest.mark.parametrize(
    ("codec", "value"),
    [
        pytest.param(
            Lines(),
            {
                "data": "x",
                "at": "2020-01-01T00:00:00Z",
                "id": str(UUID(int=1)),
                "counts": {"1": [2]},
            },
            id="as JSON",
        ),
        pytest.param(
            Reprs(),
            {"data": b"x", "at": MOMENT, "id": str(UUID(int=1)), "counts": {"1": [2]}},
            id="natives",
        ),
    ],
)
@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "any"])
def test_codec_gets_plain_values(codec: Codec[Any], value: Any, is_declared: bool) -> None:
    """Those of JSON, and its natives; whether the type of a message is declared or not."""
    custom = CustomCodec(codec, "Chat")
    event = custom.encoder_of(TypeAdapter(Message) if is_declared else None)(Message())
    frame = event.get("text", event.get("bytes"))
    assert isinstance(frame, custom.kind)
    assert codec.decode(frame) == value
    text, binary = custom.decoders(Validator(TypeAdapter(Message), is_json=False), [Message])
    assert (text if custom.kind is str else binary)(frame) == Message()


def test_keys_are_texts_and_collections_lists() -> None:
    """As in JSON, at any depth."""
    event = CustomCodec(Reprs(), "Chat").encoder_of(None)
    value = {1: ({"x": frozenset({b"y"})}, [None, True, 1.5])}
    assert event(value)["bytes"] == b"{'1': [{'x': [b'y']}, [None, True, 1.5]]}"


@pytest.mark.parametrize(
    ("codec", "frame"),
    [
        pytest.param(Lines(), "]", id="ValueError"),
        pytest.param(Reprs(), b"(", id="its own error"),
        pytest.param(Reprs(), b"deep", id="RecursionError"),
    ],
)
def test_frame_that_is_not_in_the_format_is_refused(codec: Codec[Any], frame: Any) -> None:
    """The client is told the name of the format, and no more."""
    text, binary = CustomCodec(codec, "Chat").decoders(None, [Any])
    with pytest.raises(InvalidDataError) as caught:
        (text if isinstance(frame, str) else binary)(frame)
    assert str(caught.value) == f"not valid {codec.name}"
    assert caught.value.frame == frame


def test_other_exceptions_are_failures_of_the_application() -> None:
    """What a codec does not name is a mistake in it."""
    _, binary = CustomCodec(Reprs(), "Chat").decoders(None, [Any])
    with pytest.raises(ValueError, match=r"^$"):
        binary(b"broken")


def test_frames_of_the_other_kind_are_refused() -> None:
    """With 1003, before the codec sees them."""
    with pytest.raises(UnsupportedDataError, match="takes text frames, not binary"):
        CustomCodec(Lines(), "Chat").decoders(None, [Any])[1](b"1")
    with pytest.raises(UnsupportedDataError, match="takes binary frames, not text"):
        CustomCodec(Reprs(), "Chat").decoders(None, [Any])[0]("1")


def test_frame_of_the_wrong_kind_is_not_sent() -> None:
    """What `encode` returns has to be what the brackets say."""

    class Mixed(Codec[str]):
        def decode(self, frame: str) -> Any:
            return frame

        def encode(self, value: Any) -> Any:
            return b"x"

    with pytest.raises(TypeError, match="a text frame carries a str, not bytes"):
        CustomCodec(Mixed(), "Chat").encoder_of(None)(1)


def test_name_is_that_of_the_class_or_its_own() -> None:
    """A subclass has that of its base."""

    class Others(Reprs):
        """A subclass."""

    assert (Lines.name, Reprs.name, Others.name) == ("Lines", "repr", "repr")
    assert CustomCodec(Others(), "Chat").kind is bytes


def test_codec_without_brackets_is_an_error() -> None:
    """Which frames carry it must be said."""

    class Vague(Codec[F]):
        def decode(self, frame: F) -> Any:
            return frame

        def encode(self, value: Any) -> F:
            raise NotImplementedError

    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (WebSocketEndpoint,), {"encoding": Vague[str]()})

    name = f"{test_codec_without_brackets_is_an_error.__name__}.<locals>"
    assert str(caught.value) == (
        f"Chat: encoding is a {name}.Vague, which does not say what frames carry it: let "
        f"{name}.Vague subclass Codec[bytes], for binary frames, or Codec[str], for text"
    )


def test_serializer_of_a_model_sees_the_name() -> None:
    """In `info.mode`, where the codec has natives."""
    seen: list[str] = []

    class Noting(BaseModel):
        @model_serializer
        def note(self, info: SerializationInfo) -> dict[str, Any]:
            seen.append(info.mode)
            return {}

    CustomCodec(Reprs(), "Chat").encoder_of(TypeAdapter(Noting))(Noting())
    assert seen == ["repr"]


class Moment(msgspec.Struct):
    """A Struct."""

    at: datetime = MOMENT
    id: UUID = UUID(int=1)


def test_struct_is_written_with_the_natives() -> None:
    """Alone, and within other values."""
    codec = CustomCodec(Reprs(), "Chat")
    value = {"at": MOMENT, "id": str(UUID(int=1))}
    assert codec.struct_encoder()(Moment())["bytes"] == repr(value).encode()
    assert codec.encoder_of(None)([Moment()])["bytes"] == repr([value]).encode()
