"""VehicleCheckIn and VehicleCheckOut: answered where the car selected ParkingStatus."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.iso20 import vehicle_check_in as message
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import ResponseCode
from tests.unit.iso15118.iso20.dc_situation import HEADER, UTC_S, answered, session, situation

SESSION = session(State.CHARGE_LOOP, added_services=((66, 1),))


@pytest.mark.parametrize(
    ("added", "applies"), [(((66, 1),), True), (((65, 4), (66, 2)), True), (((65, 4),), False), ((), False)]
)
def test_it_belongs_to_parking_status(added: tuple[tuple[int, int], ...], applies: bool) -> None:
    assert message.applies(session(State.CHARGE_LOOP, added_services=added)) is applies


@pytest.mark.parametrize("status", list(cm.EvCheckInStatus))
@pytest.mark.parametrize("method", list(cm.ParkingMethod))
def test_check_in(status: cm.EvCheckInStatus, method: cm.ParkingMethod) -> None:
    asked = cm.VehicleCheckInReq(Header=HEADER, EVCheckInStatus=status, ParkingMethod=method)
    response, after = answered(message.respond_in(asked, SESSION, situation()))
    assert (response.ResponseCode, response.ParkingSpace, after) == (ResponseCode.OK, None, SESSION)


@pytest.mark.parametrize("status", list(cm.EvCheckOutStatus))
def test_check_out(status: cm.EvCheckOutStatus) -> None:
    asked = cm.VehicleCheckOutReq(Header=HEADER, EVCheckOutStatus=status, CheckOutTime=UTC_S)
    response, _ = answered(message.respond_out(asked, SESSION, situation()))
    assert response.EVSECheckOutStatus is cm.EvseCheckOutStatus.Completed
