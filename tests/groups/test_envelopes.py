"""What goes from process to process: it is read back as it was, and nothing else is read."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.connection.outboxes import boxes
from wsendpoints.groups import envelopes as module
from wsendpoints.groups.envelopes import Envelope, Envelopes

WRONG: Final = r"an envelope of another version|not enough values to unpack"


@given(data=st.binary() | st.sampled_from([b"|", b"||||", b"1|", b"a|b|"]), is_said=st.booleans())
def test_message_is_read_back(data: bytes, *, is_said: bool) -> None:
    """Whatever bytes it is; and by whom it was said."""
    ours, theirs = Envelopes(), Envelopes()
    sealed = ours.seal(data, is_said=is_said)
    assert ours.open(sealed) == Envelope(True, is_said, b"1", data)
    assert theirs.open(sealed) == Envelope(False, is_said, b"1", data)


def test_each_has_an_id() -> None:
    """It tells a message from all others of a process."""
    ours = Envelopes()
    assert len({ours.open(ours.seal(b"same")).id for _ in range(300)}) == 300


@given(st.binary())
def test_garbage_is_none(garbage: bytes) -> None:
    """It begins with another version, if it has parts at all."""
    with pytest.raises(ValueError, match=WRONG):
        Envelopes().open(garbage if not garbage.startswith(b"1|") else garbage[1:])


@pytest.mark.parametrize(
    "sealed",
    [
        b"",
        b"1",
        b"1|node|1|s",
        b"0|node|1|s|data",
        b"2|node|1|s|data",
        b"11|node|1|s|data",
        b"|node|1|s|data",
        b"1|node|1||data",
        b"1|node|1|x|data",
        b"1|node|1|su|data",
        b"1|node|1|data with | in it",
    ],
)
def test_envelope_of_another_version_is_none(sealed: bytes) -> None:
    """Nor is what lacks a part."""
    with pytest.raises(ValueError, match=WRONG):
        Envelopes().open(sealed)


@pytest.mark.anyio
async def test_whom_a_message_leaves_out_is_remembered() -> None:
    """By the process that said it alone: another one has other members."""
    async with boxes() as some:
        left_out = frozenset({some.open().box, some.open().box})
        ours, theirs = Envelopes(), Envelopes()
        sealed = ours.seal(b"x", excluded=left_out)
        # It has the same id as that of the other process.
        theirs.seal(b"y", excluded=frozenset({some.open().box}))
        everybodys = ours.seal(b"x")
        assert ours.excluded(ours.open(sealed)) == left_out
        assert ours.excluded(ours.open(everybodys)) == frozenset()
        assert theirs.excluded(theirs.open(sealed)) == frozenset()


@pytest.mark.anyio
async def test_only_the_last_that_leave_somebody_out_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They take no more memory, though nothing may ever come back."""
    monkeypatch.setattr(module, "_REMEMBERED", 3)
    async with boxes() as some:
        left_out = frozenset({some.open().box})
        ours = Envelopes()
        opened = [ours.open(ours.seal(b"x", excluded=left_out)) for _ in range(5)]
        ours.seal(b"to all")
        assert [ours.excluded(it) for it in opened] == [frozenset()] * 2 + [left_out] * 3
