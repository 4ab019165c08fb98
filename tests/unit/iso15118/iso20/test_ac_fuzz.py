"""Whatever numbers an AC car sends: an answer or an end with a reason, and an order within the ratings of the outlet."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepoint.evse.stage_order import energise
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import ac
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.rational import number
from chargepoint.model.car import ControlMode
from chargepoint.model.demand import AcOrder, Phase, PilotCommand, Setpoint, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Stage
from chargepoint.model.limits import Interval
from chargepoint.power.link_codec import decode_down, encode_down
from tests.unit.iso15118.any_message import fits
from tests.unit.iso15118.iso20.ac_car import AC_CAPABILITIES, ScriptedAcCar
from tests.unit.iso15118.iso20.test_secc_fuzz import EXTREMES, ends_well, of_iso20

pytestmark = pytest.mark.slow

ABSURD = [
    (State.CHARGE_PARAMETER_DISCOVERY, ac.AC_ChargeParameterDiscoveryReq),
    (State.SCHEDULE_EXCHANGE, cm.ScheduleExchangeReq),
    (State.POWER_DELIVERY, cm.PowerDeliveryReq),
    (State.CHARGE_LOOP, ac.AC_ChargeLoopReq),
    (State.CHARGE_LOOP, cm.PowerDeliveryReq),
]
MODES = st.sampled_from(list(ControlMode))


@pytest.mark.parametrize(("state", "kind"), ABSURD, ids=[f"{s.value}-{k.__name__}" for s, k in ABSURD])
@settings(suppress_health_check=list(HealthCheck))
@given(data=st.data(), mode=MODES, bidirectional=st.booleans())
def test_decodable_ac_messages_with_absurd_content(
    state: State, kind: type, data: st.DataObject, mode: ControlMode, bidirectional: bool
) -> None:
    car = ScriptedAcCar(mode, bidirectional).reach(state)
    message = data.draw(of_iso20(kind, car.header()).filter(fits))
    answers = car.send(message) + car.see(stage=Stage.TRANSFER) + car.wait(2.0)
    assert [type(a).__name__ for a in answers] == [kind.__name__.removesuffix("Req") + "Res"]
    ends_well(car)


@settings(suppress_health_check=list(HealthCheck))
@given(data=st.data(), mode=MODES, bidirectional=st.booleans(), setpoint_W=st.floats(-1e5, 1e5))
def test_absurd_demands_never_pass_the_ratings_of_the_outlet(
    data: st.DataObject, mode: ControlMode, bidirectional: bool, setpoint_W: float
) -> None:
    car = ScriptedAcCar(mode, bidirectional).reach(State.CHARGE_PARAMETER_DISCOVERY)
    names = ["EVMaximumChargePower", "EVMaximumChargePower_L2", "EVMaximumChargePower_L3"]
    names += ["EVMaximumDischargePower", "EVMaximumDischargePower_L2"] if bidirectional else []
    sent = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names, EXTREMES)))
    car.ask(car.charge_parameters(**sent))
    if car.secc.ended:
        return
    car.step(State.SCHEDULE_EXCHANGE)
    car.send(car.power_delivery(profile_W=(0,)))
    car.see(stage=Stage.TRANSFER, setpoint_W=setpoint_W)
    name = f"{'BPT_' if bidirectional else ''}{mode.value.capitalize()}_AC_CLReqControlMode"
    mode_of_car: Any = data.draw(of_iso20(getattr(ac, name), car.header()))
    given_mode = car.ask(car.charge_loop(mode_of_car)).CLResControlMode
    parts = (getattr(given_mode, f"EVSETargetActivePower{phase}") for phase in ("", "_L2", "_L3"))
    target_W = sum(number(part) for part in parts if part is not None)
    assert (-11_000.0 if bidirectional else 0.0) - 1 <= target_W <= 22_000.0 + 1
    demand = car.demands()[-1]
    limits = Interval(-11_000, 22_000)
    setpoint = Setpoint(EvseId(1), limits.clamp(setpoint_W), limits, Source.CSMS, None, "", 1e9)
    order = energise(demand, AC_CAPABILITIES, setpoint, 50.0, 0.5, PilotCommand.PWM, flowing=True)
    assert order.phase is Phase.TRANSFER
    assert decode_down(encode_down(order)) == order
    assert isinstance(order.order, AcOrder)
    assert order.order.phases == 3
    assert all(0 <= one_A <= 32 for one_A in order.order.phase_limits_A)
    assert 0 <= demand.limits.charge_current_max_A <= 32
    assert 0 <= demand.limits.charge_power_max_W <= 22_080
