"""AC_ChargeLoop: the target in each control mode, phases, limits of this loop, meter, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chargepoint.iso15118.conversation.row import Answer, Refusal
from chargepoint.iso15118.iso20 import ac_charge_loop as message
from chargepoint.iso15118.iso20.ac_phases import PhaseLimits
from chargepoint.iso15118.iso20.services import MobilityNeedsMode
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.messages import ac
from chargepoint.iso15118.messages.common_types import DisplayParameters, EvseNotification, ResponseCode
from chargepoint.iso15118.rational import rational
from chargepoint.iso15118.steps.power_profile import AgreedProfile
from chargepoint.iso15118.steps.transfer import Transfer
from chargepoint.model.car import ControlMode, EnergyService
from chargepoint.model.image import MeterRegisters
from chargepoint.model.station_view import Wish, WishForCar
from tests.unit.iso15118.iso20.ac_car import AC_CAPABILITIES
from tests.unit.iso15118.iso20.ac_situation import HEADER, UTC_S, choice, powers, session, situation
from tests.unit.iso15118.iso20.conftest import ac_control_mode

DYNAMIC, SCHEDULED = ControlMode.DYNAMIC, ControlMode.SCHEDULED
AC, AC_BPT = EnergyService.AC, EnergyService.AC_BPT
VARIANTS = [(mode, service) for mode in ControlMode for service in (AC, AC_BPT)]
EVENLY = PhaseLimits((3_700.0,) * 3, (0.0,) * 3, (3_400.0,) * 3)
TARGET = "EVSETargetActivePower"


def request(
    mode: ControlMode = DYNAMIC,
    service: EnergyService = AC_BPT,
    soc: int | None = None,
    meter: bool = False,
    **changes: Any,
) -> ac.AC_ChargeLoopReq:
    numbers = {name: v if name == "DepartureTime" else rational(v) for name, v in changes.items()}
    return ac.AC_ChargeLoopReq(
        Header=HEADER,
        DisplayParameters=None if soc is None else DisplayParameters(PresentSOC=soc),
        MeterInfoRequested=meter,
        CLReqControlMode=ac_control_mode(mode, service.bidirectional, **numbers),
    )


def answered(
    asked: ac.AC_ChargeLoopReq | None = None, before: Session | None = None, **around: Any
) -> tuple[Any, Session]:
    """The response's control mode with the session after it; the code is OK."""
    reply = message.respond(asked or request(), before or session(), situation(**around))
    assert isinstance(reply, Answer), reply
    assert reply.response.ResponseCode is ResponseCode.OK
    return reply.response.CLResControlMode, reply.session


def scheduled(planned_W: float | None, service: EnergyService = AC_BPT, **more: Any) -> Session:
    profile = None if planned_W is None else AgreedProfile(1, UTC_S - 10, ((3600, planned_W),))
    return session(chosen=choice(service, SCHEDULED), profile=profile, **more)


# -- the control mode ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "service"), VARIANTS)
def test_the_answer_has_the_control_mode_of_the_request(mode: ControlMode, service: EnergyService) -> None:
    given, _ = answered(request(mode, service), session(chosen=choice(service, mode)))
    wanted = f"{'BPT_' if service is AC_BPT else ''}{mode.value.capitalize()}_AC_CLResControlMode"
    assert type(given).__name__ == wanted


@pytest.mark.parametrize(("mode", "service"), VARIANTS)
@pytest.mark.parametrize(("other_mode", "other_service"), VARIANTS)
def test_another_control_mode_than_the_chosen_one_is_refused(
    mode: ControlMode, service: EnergyService, other_mode: ControlMode, other_service: EnergyService
) -> None:
    before = session(chosen=choice(other_service, other_mode))
    reply = message.respond(request(mode, service), before, situation())
    if (mode, service) == (other_mode, other_service):
        assert isinstance(reply, Answer)
    else:
        assert isinstance(reply, Refusal)
        assert reply.code is ResponseCode.FAILED
        assert other_service.value in reply.why


@pytest.mark.parametrize(("mode", "service"), VARIANTS)
def test_a_refusal_is_a_whole_message_that_lets_nothing_flow(mode: ControlMode, service: EnergyService) -> None:
    response = message.refuse(request(mode, service), ResponseCode.FAILED, session(), situation())
    assert response.ResponseCode is ResponseCode.FAILED
    assert powers(response.CLResControlMode, TARGET) == (0, None, None)
    assert response.EVSEStatus is not None
    assert response.EVSEStatus.EVSENotification is EvseNotification.Terminate


# -- the target in Dynamic mode -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setpoint_W", "target_W"), [(5_000, 5_000), (-4_000, -4_000), (0, 0), (99_000, 11_000), (-99_000, -10_000)]
)
def test_the_target_is_the_setpoint_within_the_limits_of_the_car(setpoint_W: float, target_W: float) -> None:
    given, _ = answered(setpoint_W=setpoint_W)
    assert powers(given, TARGET) == (target_W, None, None)


def test_without_a_discharge_service_the_target_is_never_negative() -> None:
    given, _ = answered(request(service=AC), session(chosen=choice(AC)), setpoint_W=-4_000.0)
    assert powers(given, TARGET) == (0, None, None)


def test_a_setpoint_that_is_not_known_is_0_W() -> None:
    given, _ = answered()
    assert powers(given, TARGET) == (0, None, None)


def test_a_derated_outlet_lowers_the_target_and_never_raises_it_above_the_announced() -> None:
    derated = replace(AC_CAPABILITIES, charge_power_max_W=3_000.0)
    assert powers(answered(setpoint_W=9_000.0, capabilities=derated)[0], TARGET) == (3_000, None, None)
    before = session(offered=derated)
    assert powers(answered(before=before, setpoint_W=9_000.0)[0], TARGET) == (3_000, None, None)


def test_in_standby_nothing_flows() -> None:
    given, _ = answered(before=session(transfer=Transfer(standby=True)), setpoint_W=9_000.0)
    assert powers(given, TARGET) == (0, None, None)


def test_nobody_asks_for_reactive_power_or_a_frequency() -> None:
    reply = message.respond(request(), session(), situation(frequency_Hz=49.9))
    assert isinstance(reply, Answer)
    assert reply.response.EVSETargetFrequency is None
    assert powers(reply.response.CLResControlMode, "EVSETargetReactivePower") == (None, None, None)


def test_the_station_s_mobility_needs_come_in_mode_2_only() -> None:
    around: dict[str, Any] = {"target_soc_percent": 80.0, "minimum_soc_percent": 30.0, "departure_s": 3600.0}
    given, _ = answered(**around)
    assert (given.DepartureTime, given.MinimumSOC, given.TargetSOC, given.AckMaxDelay) == (None,) * 4
    given, _ = answered(before=session(chosen=choice(mobility=MobilityNeedsMode.SECC)), **around)
    assert (given.DepartureTime, given.MinimumSOC, given.TargetSOC, given.AckMaxDelay) == (3600, 30, 80, 30)


# -- the target in Scheduled mode ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("planned_W", "setpoint_W", "target_W"),
    [
        (7_000, 7_000, None),
        (7_000, 9_000, None),  # more than planned is no target
        (7_000, 5_000, 5_000),  # a lower limit goes out at once
        (7_000, 0, 0),
        (-6_000, -6_000, None),
        (-6_000, -2_000, -2_000),
        (-6_000, 0, 0),
        (0, 0, None),
        (None, 11_000, None),
        (None, 5_000, 5_000),
    ],
)
def test_a_scheduled_car_gets_a_target_only_where_less_than_planned_may_flow(
    planned_W: float | None, setpoint_W: float, target_W: float | None
) -> None:
    """K16.FR.11 of OCPP."""
    given, _ = answered(request(SCHEDULED), scheduled(planned_W), setpoint_W=setpoint_W)
    assert powers(given, TARGET) == (target_W, None, None)


def test_after_its_profile_a_scheduled_car_has_no_plan() -> None:
    profile = AgreedProfile(1, UTC_S - 100, ((50, 2_000.0),))
    before = session(chosen=choice(AC_BPT, SCHEDULED), profile=profile)
    assert before.planned_power_W(UTC_S) is None
    assert before.planned_power_W(UTC_S - 90) == 2_000.0


def test_a_dynamic_car_has_no_plan_whatever_profile_it_sent() -> None:
    assert session(profile=AgreedProfile(1, UTC_S - 10, ((3600, 1.0),))).planned_power_W(UTC_S) is None


# -- phases -------------------------------------------------------------------------------------------------------------


def test_a_car_with_limits_by_phase_gets_its_target_by_phase() -> None:
    given, _ = answered(before=session(phase_limits=EVENLY), setpoint_W=9_000.0)
    assert powers(given, TARGET) == (3_000, 3_000, 3_000)
    given, _ = answered(before=session(phase_limits=EVENLY), setpoint_W=-6_000.0)
    assert powers(given, TARGET) == (-2_000, -2_000, -2_000)


def test_limits_of_a_phase_in_this_loop_move_the_target_to_the_others() -> None:
    asked = request(
        EVMaximumChargePower=1_000, EVMaximumChargePower_L2=3_700, EVMaximumChargePower_L3=3_700,
        EVMaximumDischargePower=500, EVMaximumDischargePower_L2=3_400, EVMaximumDischargePower_L3=3_400,
    )  # fmt: skip
    before = session(phase_limits=EVENLY)
    assert powers(answered(asked, before, setpoint_W=8_000.0)[0], TARGET) == (1_000, 3_500, 3_500)
    assert powers(answered(asked, before, setpoint_W=-6_500.0)[0], TARGET) == (-500, -3_000, -3_000)


def test_limits_of_a_phase_never_exceed_the_announced() -> None:
    asked = request(EVMaximumChargePower=9_000, EVMaximumChargePower_L2=9_000, EVMaximumChargePower_L3=0)
    given, after = answered(asked, session(phase_limits=EVENLY), setpoint_W=11_000.0)
    assert powers(given, TARGET) == (3_700, 3_700, 0)
    assert after.limits is not None
    assert after.limits.charge_power_max_W == 11_000


def test_present_power_is_the_measured_sum_and_left_out_where_phases_are_asked() -> None:
    given, _ = answered(power_W=4_100.0, setpoint_W=5_000.0)
    assert powers(given, "EVSEPresentActivePower") == (4_100, None, None)
    given, _ = answered(before=session(phase_limits=EVENLY), power_W=4_100.0)
    assert powers(given, "EVSEPresentActivePower") == (None, None, None)
    given, _ = answered(power_W=None)
    assert powers(given, "EVSEPresentActivePower") == (None, None, None)


# -- what the car says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "charge_W", "discharge_W"),
    [
        ({"EVMaximumChargePower": 6_000}, 6_000, 10_000),
        ({"EVMaximumChargePower": 99_000}, 11_000, 10_000),
        ({"EVMaximumChargePower": -1}, 0, 10_000),
        ({"EVMaximumDischargePower": 4_000}, 11_000, 4_000),
        ({"EVMaximumDischargePower": -4_000}, 11_000, 4_000),
        ({"EVMaximumDischargePower": -99_000}, 11_000, 10_000),
    ],
)
def test_limits_of_the_loop_tighten_the_announced(sent: dict[str, Any], charge_W: float, discharge_W: float) -> None:
    _, after = answered(request(**sent))
    assert after.limits is not None
    assert (after.limits.charge_power_max_W, after.limits.discharge_power_max_W) == (charge_W, discharge_W)
    assert after.announced == session().announced


def test_a_scheduled_car_need_not_repeat_its_limits() -> None:
    _, after = answered(request(SCHEDULED), scheduled(None))
    assert after.limits == session().announced


def test_present_power_of_the_car_is_the_sum_of_its_phases() -> None:
    _, after = answered(request(EVPresentActivePower=3_000))
    assert after.transfer.present_power_W == 3_000
    phases: dict[str, Any] = {
        "EVPresentActivePower": 3_000,
        "EVPresentActivePower_L2": 2_000,
        "EVPresentActivePower_L3": 500,
    }
    _, after = answered(request(**phases))
    assert after.transfer.present_power_W == 5_500


def test_energy_requests_and_display_are_kept() -> None:
    asked = request(soc=61, DepartureTime=1800, EVMaximumV2XEnergyRequest=900, EVMinimumV2XEnergyRequest=-100)
    _, after = answered(asked)
    energy = after.energy
    assert (energy.target_Wh, energy.max_Wh, energy.min_Wh) == (30_000, 40_000, -10_000)
    assert (energy.max_v2x_Wh, energy.min_v2x_Wh, energy.departure_at_s) == (900, -100, 1000 + 1800)
    assert energy.soc_percent == 61
    _, later = answered(request(), after)
    assert later.energy.departure_at_s == 1000 + 1800
    assert later.transfer.loops == 2


# -- meter, wishes, faults ----------------------------------------------------------------------------------------------


def test_the_meter_comes_in_the_first_loop_and_when_asked() -> None:
    meter = MeterRegisters(5000.4, 700.6, 230.0, 10.0, 2300.0, 0.0)

    def given(asked: ac.AC_ChargeLoopReq, before: Session) -> Any:
        reply = message.respond(asked, before, situation(meter=meter, meter_id="M7"))
        assert isinstance(reply, Answer)
        return reply.response.MeterInfo

    first = given(request(), session())
    assert (first.MeterID, first.ChargedEnergyReadingWh, first.BPT_DischargedEnergyReadingWh) == ("M7", 5000, None)
    running = session(transfer=Transfer(loops=3))
    assert given(request(), running) is None
    assert given(request(meter=True), running).BPT_DischargedEnergyReadingWh == 700


def test_a_wish_of_the_station_goes_out_and_normal_operation_has_no_status() -> None:
    reply = message.respond(request(), session(), situation(wish=WishForCar(Wish.TERMINATE, 0.0)))
    assert isinstance(reply, Answer)
    assert reply.response.EVSEStatus.EVSENotification is EvseNotification.Terminate
    reply = message.respond(request(), session(), situation())
    assert isinstance(reply, Answer)
    assert reply.response.EVSEStatus is None


@pytest.mark.parametrize(
    ("view", "code"),
    [({"emergency": True}, ResponseCode.FAILED_ContactorError), ({"capabilities": None}, ResponseCode.FAILED)],
)
def test_a_fault_of_the_station_ends_the_loop(view: dict[str, Any], code: ResponseCode) -> None:
    reply = message.respond(request(), session(), situation(**view))
    assert isinstance(reply, Refusal)
    assert (reply.code, reply.ours) == (code, True)


@pytest.mark.parametrize(
    ("outside_s", "code"), [(5, "OK"), (15, "WARNING_EVPowerProfileViolation"), (75, "FAILED_EVPowerProfileViolation")]
)
def test_power_beyond_profile_and_order_is_warned_then_refused(outside_s: float, code: str) -> None:
    before = scheduled(2_000.0, transfer=Transfer(outside_profile_since_s=1000.0 - outside_s))
    reply = message.respond(request(SCHEDULED), before, situation(power_W=9_000.0))
    given = reply.code if isinstance(reply, Refusal) else reply.response.ResponseCode  # type: ignore[union-attr]
    assert given.value == code


def test_power_that_the_station_orders_against_the_profile_is_no_violation() -> None:
    before = scheduled(2_000.0, transfer=Transfer(outside_profile_since_s=900.0))
    _, after = answered(request(SCHEDULED), before, power_W=-5_000.0, setpoint_W=-5_000.0)
    assert after.transfer.outside_profile_since_s is None
