"""The kind and the size of a frame: M01 to M04, M11 and M13."""

from functools import cache

import pytest

from tests.faults.message_endpoints import BytesEcho, TextEcho, close_for, typed_and_not
from tests.faults.playing import MARKER, Echo, Noting, play
from wsendpoints import Limits, ServerProtocolError
from wsendpoints.protocol.asgi import Event

anyio_test = pytest.mark.anyio


@anyio_test
@pytest.mark.parametrize(
    ("endpoint", "frame"),
    [
        pytest.param(TextEcho, MARKER.encode(), id="bytes for text"),
        pytest.param(BytesEcho, MARKER, id="text for bytes"),
    ],
)
async def test_m01_frame_of_the_other_kind_closes_with_1003(
    endpoint: type[Echo], frame: str | bytes
) -> None:
    """Text for an endpoint of bytes closes with 1003, and so do bytes for one of text."""
    await close_for(endpoint, frame, 1003)


@anyio_test
@pytest.mark.parametrize(
    ("event", "frame"),
    [
        pytest.param({"text": None, "bytes": b"x"}, b"x", id="bytes"),
        pytest.param({"text": "x", "bytes": None}, "x", id="text"),
    ],
)
async def test_m02_event_with_both_keys_is_normal(event: Event, frame: str | bytes) -> None:
    """Hypercorn's events have both keys, one of them `None`."""

    class Both(Echo):
        pass

    async with play(Both) as client:
        await client.send_event({"type": "websocket.receive", **event})
        assert await client.receive() == frame
        await client.close(1000)
    assert Both.log == ["connect", 1000]


@anyio_test
@pytest.mark.parametrize(
    "event",
    [
        pytest.param({}, id="neither"),
        pytest.param({"text": None, "bytes": None}, id="both None"),
        pytest.param({"text": MARKER, "bytes": b"x"}, id="both"),
        pytest.param({"text": "", "bytes": b""}, id="both empty"),
        pytest.param({"text": b"x"}, id="text of bytes"),
        pytest.param({"bytes": MARKER}, id="bytes of str"),
        pytest.param({"bytes": bytearray(b"x")}, id="bytes of bytearray"),
        pytest.param({"bytes": memoryview(b"x")}, id="bytes of memoryview"),
        pytest.param({"text": 1}, id="text of int"),
    ],
)
async def test_m03_event_without_one_frame_is_the_servers_fault(event: Event) -> None:
    """It closes with 1011, and raises `ServerProtocolError`."""

    class Told(Echo):
        pass

    async with play(Told, raises=ServerProtocolError) as client:
        await client.send_event({"type": "websocket.receive", **event})
        await client.expect_close(1011, "")
    assert Told.log == ["connect", 1011]


@anyio_test
@pytest.mark.parametrize(
    ("endpoint", "frame"),
    [
        pytest.param(TextEcho, "", id="text"),
        pytest.param(BytesEcho, b"", id="bytes"),
        pytest.param(Echo, "", id="either, text"),
        pytest.param(Echo, b"", id="either, bytes"),
    ],
)
async def test_m04_empty_message_is_a_message(endpoint: type[Echo], frame: str | bytes) -> None:
    """An empty frame is handled like any other."""
    async with play(endpoint) as client:
        await client.send(frame)
        assert await client.receive() == frame
        await client.close(1000)
    assert endpoint.log == ["connect", 1000]


@anyio_test
@typed_and_not
@pytest.mark.parametrize("frame", ["", b""], ids=["text", "bytes"])
async def test_m04_empty_message_is_no_json(endpoint: type[Noting], frame: str | bytes) -> None:
    """An empty frame is not JSON."""
    await close_for(endpoint, frame, 1007)


@cache
def million_keys() -> str:
    """Return an object of a million keys."""
    return "{" + ",".join(f'"{number:07}":1' for number in range(1_000_000)) + "}"


@anyio_test
@typed_and_not
@pytest.mark.parametrize("kind", [str, bytes], ids=["text", "bytes"])
async def test_m11_million_keys_are_too_big(endpoint: type[Noting], kind: type) -> None:
    """The size is checked before anything is parsed."""
    frame = million_keys()
    await close_for(endpoint, frame if kind is str else frame.encode(), 1009)


@anyio_test
@pytest.mark.parametrize("character", ["x", "é", "€", "😀"], ids=["1", "2", "3", "4"])
@pytest.mark.parametrize("over", [-1, 0, 1], ids=["below", "at", "over"])
@pytest.mark.parametrize("kind", [str, bytes], ids=["text", "bytes"])
async def test_m13_bytes_of_utf_8_are_counted(character: str, over: int, kind: type) -> None:
    """A message over the limit closes with 1009, one at the limit is handled."""

    class Limited(Echo):
        limits = Limits(max_message_size=1200)

    size = 1200 // len(character.encode())
    text = character * size + ("+" if over > 0 else "")
    text = text[1:] if over < 0 else text
    frame = text if kind is str else text.encode()
    if over > 0:
        await close_for(Limited, frame, 1009)
    else:
        async with play(Limited) as client:
            await client.send(frame)
            assert await client.receive() == frame
            await client.close(1000)
        assert Limited.log == ["connect", 1000]
