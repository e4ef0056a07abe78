"""The example of a central system; `tests/interop/protocols` has real charge points."""

from typing import Any

import pytest

from examples.ocpp_central_system import Ocpp, app
from wsendpoints.dialects import Answer, Call, Failure
from wsendpoints.testing import HandshakeDenied, check_dialect, connect

FRAMES: Any = [
    ([2, "7", "Heartbeat", {}], [Call("Heartbeat", {}, "7")]),
    ([3, "s1", {"status": "Accepted"}], [Answer("s1", {"status": "Accepted"})]),
    ([4, "s1", "NotSupported", "", {}], [Failure("s1", "NotSupported", "", {})]),
]


ANSWERS: list[Any] = [[3, "s1", {"status": "Accepted"}], [4, "s2", "GenericError", "", {}]]
"""To the first question, and to the second."""


def test_dialect_keeps_the_contract() -> None:
    """It reads what it writes, since both sides of OCPP are alike."""
    check_dialect(Ocpp(), FRAMES)


@pytest.mark.anyio
async def test_call_and_question() -> None:
    """A charge point is answered, and is called by the central system."""
    async with connect(app, "/CP1", subprotocols=["ocpp1.6"]) as client:
        await client.send_json([2, "1", "Authorize", {"idTag": "stolen"}])
        text = "this tag was reported as stolen"
        assert await client.receive_json() == [4, "1", "SecurityError", text, {}]
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}
        for answer in ANSWERS:
            await client.send_json([2, "2", "StatusNotification", status])
            frames = [await client.receive_json() for _ in range(2)]
            assert [3, "2", {}] in frames
            (call,) = [frame for frame in frames if frame[0] == 2]
            assert call[2:] == ["RemoteStartTransaction", {"connectorId": 1, "idTag": "fleet"}]
            await client.send_json(answer)


@pytest.mark.anyio
async def test_other_protocols_are_refused() -> None:
    """A charge point names its version."""
    with pytest.raises(HandshakeDenied):
        async with connect(app, "/CP1"):
            pass
