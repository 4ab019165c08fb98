"""Whatever a car of DIN sends, in whatever state: the engine answers or ends with a reason, and never raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepoint.iso15118.din.rows import ROWS
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages import din70121 as din
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import CarSessionEnded
from chargepoint.model.image import Stage
from tests.unit.iso15118.any_message import any_of

if TYPE_CHECKING:
    from tests.unit.iso15118.din.conftest import DinCar

pytestmark = pytest.mark.slow

NewCar = Callable[..., "DinCar"]
STATES = [state for state in DinState if state is not DinState.ENDED]
REQUESTS = sorted(ROWS, key=lambda kind: kind.__name__)
PLACES = [(state, kind) for state in STATES for kind in REQUESTS if state in ROWS[kind].moves]
ROOMY = settings(suppress_health_check=list(HealthCheck))
EXTREMES = st.builds(
    din.PhysicalValue,
    Multiplier=st.integers(-3, 3),
    Unit=st.none() | st.sampled_from(list(din.UnitSymbol)),
    Value=st.sampled_from([-32768, -1, 0, 1, 400, 32767]) | st.integers(-32768, 32767),
)


def ends_well(car: DinCar) -> None:
    ends = [e for e in car.events if isinstance(e, CarSessionEnded)]
    assert len(ends) == (1 if car.secc.ended else 0)
    assert all(end.detail for end in ends)


@pytest.mark.parametrize(("state", "kind"), PLACES, ids=[f"{s.value}-{k.__name__}" for s, k in PLACES])
@ROOMY
@given(data=st.data())
def test_decodable_messages_with_absurd_content(
    new_car: NewCar, state: DinState, kind: type, data: st.DataObject
) -> None:
    car = new_car().reach(state)
    body = data.draw(any_of(kind, {din.PhysicalValue: EXTREMES}))
    answers = [*car.send(body), *car.see(stage=Stage.TRANSFER), *car.wait(2.0)]
    assert [type(a).__name__ for a in answers] == [kind.__name__.removesuffix("Req") + "Res"]
    ends_well(car)


@ROOMY
@given(state=st.sampled_from(STATES), data=st.binary(max_size=80))
def test_random_payloads_anywhere(new_car: NewCar, state: DinState, data: bytes) -> None:
    car = new_car().reach(state)
    car.send_bytes(frame(PayloadType.EXI_SAP, b"\x80" + data))
    car.wait(2.0)
    ends_well(car)


@ROOMY
@given(state=st.sampled_from(STATES), kind=st.sampled_from(REQUESTS), at=st.integers(0, 400), bit=st.integers(0, 7))
def test_mutated_frames_anywhere(new_car: NewCar, state: DinState, kind: type, at: int, bit: int) -> None:
    car = new_car().reach(state)
    data = bytearray(car.frame_of(car.request(kind)))
    data[8 + at % (len(data) - 8)] ^= 1 << bit
    car.send_bytes(bytes(data))
    car.wait(2.0)
    ends_well(car)


@ROOMY
@given(data=st.data())
def test_absurd_demands_are_finite_and_never_negative(new_car: NewCar, data: st.DataObject) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    car.send(data.draw(any_of(din.CurrentDemandReq, {din.PhysicalValue: EXTREMES})))
    demand = car.demands()[-1]
    assert demand.limits.charge_current_max_A >= 0
    assert demand.limits.charge_power_max_W >= 0
    assert demand.limits.voltage_max_V > 0
    assert demand.target_current_A is None or demand.target_current_A >= 0
    assert demand.target_voltage_V is None or 0 < demand.target_voltage_V <= demand.limits.voltage_max_V
