"""The example of a central system, with the charge points of the package ocpp."""

import asyncio
import json
from importlib import import_module
from typing import Any, Final

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

pytestmark = pytest.mark.anyio

# Its types are those of another world: its own tests pass texts for enumerations, too.
v16: Final[Any] = import_module("ocpp.v16")
v201: Final[Any] = import_module("ocpp.v201")
exceptions: Final[Any] = import_module("ocpp.exceptions")
datatypes: Final[Any] = import_module("ocpp.v201.datatypes")


async def test_charge_point_of_1_6(netloc: str) -> None:
    """It boots, is refused, sends what is wrong, and is called in turn."""
    url = f"ws://{netloc}/ocpp/CP1"
    async with connect(url, subprotocols=[Subprotocol("ocpp1.6")], proxy=None) as connection:
        charger = v16.ChargePoint("CP1", connection, 10)
        started: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def start_charging(id_tag: str, connector_id: int) -> Any:
            started.set_result((id_tag, connector_id))
            return v16.call_result.RemoteStartTransaction("Accepted")

        charger.route_map["RemoteStartTransaction"] = {"_on_action": start_charging}
        serving = asyncio.create_task(charger.start())
        try:
            booted = await charger.call(v16.call.BootNotification("model", "vendor"))
            assert (booted.status, booted.interval) == ("Accepted", 300)
            await charger.call(v16.call.Heartbeat())
            with pytest.raises(exceptions.SecurityError) as refused:
                await charger.call(v16.call.Authorize("stolen"), suppress=False)
            assert refused.value.description == "this tag was reported as stolen"
            with pytest.raises(exceptions.NotImplementedError) as unknown:
                await charger.call(v16.call.DataTransfer("vendor"), suppress=False)
            assert unknown.value.description == "there is no such method"
            with pytest.raises(exceptions.TypeConstraintViolationError) as wrong:
                await charger.call(
                    v16.call.Authorize(None), suppress=False, skip_schema_validation=True
                )
            assert wrong.value.details["errors"][0]["loc"] == ["idTag"]
            status = v16.call.StatusNotification(2, "NoError", "Preparing")
            await charger.call(status)
            assert await asyncio.wait_for(started, 60) == ("fleet", 2)
        finally:
            serving.cancel()


async def test_charge_point_of_2_0_1(netloc: str) -> None:
    """The other version is the other subprotocol, with other payloads."""
    url = f"ws://{netloc}/ocpp/CP2"
    async with connect(url, subprotocols=[Subprotocol("ocpp2.0.1")], proxy=None) as connection:
        assert connection.subprotocol == "ocpp2.0.1"
        charger = v201.ChargePoint("CP2", connection, 10)
        serving = asyncio.create_task(charger.start())
        try:
            station = datatypes.ChargingStationType("model", "vendor")
            boot = v201.call.BootNotification(station, "PowerUp")
            assert (await charger.call(boot)).status == "Accepted"
            assert (await charger.call(v201.call.Heartbeat())).current_time
        finally:
            serving.cancel()


NO_MESSAGE = "a message begins with 2, 3 or 4"
NO_CALL = "a call is [2, id, action, payload]"


@pytest.mark.parametrize(
    ("frame", "id_", "code", "text"),
    [
        pytest.param("{", "-1", "GenericError", "not valid JSON", id="not JSON"),
        pytest.param("[]", "-1", "ProtocolError", NO_MESSAGE, id="no message"),
        pytest.param('[2, "7", "Heartbeat"]', "7", "ProtocolError", NO_CALL, id="no payload"),
    ],
)
async def test_frames_of_no_charge_point(
    netloc: str, frame: str, id_: str, code: str, text: str
) -> None:
    """What is no message of OCPP is answered by an error of OCPP."""
    url = f"ws://{netloc}/ocpp/CP3"
    async with connect(url, subprotocols=[Subprotocol("ocpp1.6")], proxy=None) as connection:
        await connection.send(frame)
        assert json.loads(await connection.recv()) == [4, id_, code, text, {}]
