"""DC_ChargeLoop: present values, limits of all four control modes, what the car says, and each refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chargepoint.iso15118.iso20 import dc_charge_loop as message
from chargepoint.iso15118.iso20.services import MobilityNeedsMode
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.common_types import DisplayParameters, EvseNotification, RationalNumber, ResponseCode
from chargepoint.iso15118.rational import number, rational
from chargepoint.iso15118.steps.transfer import Transfer
from chargepoint.model.car import ControlMode, EnergyService
from chargepoint.model.demand import Phase
from chargepoint.model.image import MeterRegisters, StageCapabilities
from chargepoint.model.limits import Interval
from chargepoint.model.station_view import Wish, WishForCar
from tests.unit.iso15118.iso20.dc_situation import (
    CAPABILITIES,
    HEADER,
    LIMITS,
    answered,
    choice,
    refused,
    session,
    situation,
)

DYNAMIC, SCHEDULED = ControlMode.DYNAMIC, ControlMode.SCHEDULED
WAYS = [(m, s) for m in (DYNAMIC, SCHEDULED) for s in (EnergyService.DC_BPT, EnergyService.DC)]
ALL_WAYS = pytest.mark.parametrize(("mode", "service"), WAYS, ids=[f"{m.value}-{s.value}" for m, s in WAYS])
METER = MeterRegisters(5000.4, 700.6, 400.0, 10.0, 4000.0, 0.0)


def control(mode: ControlMode, service: EnergyService, **changes: Any) -> Any:
    both = "BPT_" if service.bidirectional else ""
    kind = getattr(dc, f"{both}{mode.value.capitalize()}_DC_CLReqControlMode")
    values: dict[str, Any] = {"EVTargetCurrent": rational(12), "EVTargetVoltage": rational(410)}
    if mode is DYNAMIC:
        values = {
            "EVTargetEnergyRequest": rational(30_000),
            "EVMaximumEnergyRequest": rational(40_000),
            "EVMinimumEnergyRequest": rational(-10_000),
            "EVMaximumChargePower": rational(50_000),
            "EVMinimumChargePower": rational(0),
            "EVMaximumChargeCurrent": rational(125),
            "EVMaximumVoltage": rational(450),
            "EVMinimumVoltage": rational(280),
        }
        if service.bidirectional:
            values |= {
                "EVMaximumDischargePower": rational(18_000),
                "EVMinimumDischargePower": rational(0),
                "EVMaximumDischargeCurrent": rational(50),
            }
    return kind(**{**values, **changes})


def request(
    mode: ControlMode = DYNAMIC, service: EnergyService = EnergyService.DC_BPT, **more: Any
) -> dc.DC_ChargeLoopReq:
    meter, display = more.pop("meter", False), more.pop("display", None)
    chosen = more.pop("control", None) or control(mode, service, **more)
    return dc.DC_ChargeLoopReq(
        Header=HEADER,
        DisplayParameters=display,
        MeterInfoRequested=meter,
        EVPresentVoltage=rational(401),
        CLReqControlMode=chosen,
    )


def loop(
    mode: ControlMode = DYNAMIC,
    service: EnergyService = EnergyService.DC_BPT,
    mobility: MobilityNeedsMode = MobilityNeedsMode.EVCC,
    **more: Any,
) -> Session:
    transfer = more.pop("transfer", Transfer(Phase.TRANSFER, loops=5))
    return session(State.CHARGE_LOOP, choice(service, mode, mobility), transfer=transfer, **more)


@ALL_WAYS
def test_the_answer_has_the_control_mode_of_the_request(mode: ControlMode, service: EnergyService) -> None:
    response, after = answered(message.respond(request(mode, service), loop(mode, service), situation()))
    assert type(response.CLResControlMode).__name__ == type(control(mode, service)).__name__.replace("Req", "Res")
    assert (response.ResponseCode, after.transfer.loops) == (ResponseCode.OK, 6)
    assert after.transfer.present_voltage_V == 401


@ALL_WAYS
@pytest.mark.parametrize("negative", [True, False])
def test_limits_are_those_of_now_and_never_above_those_announced(
    mode: ControlMode, service: EnergyService, negative: bool
) -> None:
    better = StageCapabilities(100.0, 1500.0, 500.0, 500.0, 1e6, 1e6)  # derating ended since
    for limits_W, charge_W, discharge_W in (
        (Interval(-4000.0, 11_000.0), 11_000, 4000),
        (Interval(-1e9, 1e9), 22_000, 20_000),
        (Interval(0.0, 0.0), 0, 0),
        (Interval(-5.0, -1.0), 0, 5),
        (Interval(3000.0, 9000.0), 9000, 0),
    ):
        at = situation({"negative_discharge_limits": negative}, capabilities=better, limits_W=limits_W)
        response, _ = answered(message.respond(request(mode, service), loop(mode, service), at))
        sent = response.CLResControlMode
        assert number(sent.EVSEMaximumChargePower) == charge_W
        assert number(sent.EVSEMaximumChargeCurrent) == 32
        assert number(sent.EVSEMaximumVoltage) == 1000
        if service.bidirectional:
            sign = -1 if negative else 1
            assert number(sent.EVSEMaximumDischargePower) == sign * discharge_W
            assert number(sent.EVSEMaximumDischargeCurrent) == sign * 30
            assert number(sent.EVSEMinimumVoltage) == 150


@pytest.mark.parametrize(
    ("voltage_V", "current_A", "flags"),
    [
        (400.0, 10.0, (False, False, False)),
        (400.0, 32.0, (False, True, False)),
        (400.0, -30.0, (False, True, False)),
        (999.5, 10.0, (False, False, True)),
        (688.0, 32.0, (True, True, False)),
        (700.0, -28.6, (True, False, False)),
    ],
)
def test_reached_limits_are_flagged(voltage_V: float, current_A: float, flags: tuple[bool, bool, bool]) -> None:
    response, _ = answered(message.respond(request(), loop(), situation(voltage_V=voltage_V, current_A=current_A)))
    found = (
        response.EVSEPowerLimitAchieved,
        response.EVSECurrentLimitAchieved,
        response.EVSEVoltageLimitAchieved,
    )
    assert found == flags


def test_mobility_needs_of_the_station_only_where_they_were_agreed() -> None:
    view: dict[str, Any] = {"departure_s": 600.0, "minimum_soc_percent": 20.0, "target_soc_percent": 80.0}
    silent, _ = answered(message.respond(request(), loop(), situation(**view)))
    mode = silent.CLResControlMode
    assert (mode.DepartureTime, mode.MinimumSOC, mode.TargetSOC, mode.AckMaxDelay) == (None, None, None, None)
    spoken, _ = answered(message.respond(request(), loop(mobility=MobilityNeedsMode.SECC), situation(**view)))
    mode = spoken.CLResControlMode
    assert (mode.DepartureTime, mode.MinimumSOC, mode.TargetSOC, mode.AckMaxDelay) == (600, 20, 80, 30)


@pytest.mark.parametrize(("loops", "asked", "sent"), [(0, False, True), (1, False, False), (1, True, True)])
@pytest.mark.parametrize("service", [EnergyService.DC_BPT, EnergyService.DC])
def test_the_meter_reading(service: EnergyService, loops: int, asked: bool, sent: bool) -> None:
    at = situation(meter=METER, meter_id="M" * 40, meter_utc_s=1_800_000_123)
    before = loop(DYNAMIC, service, transfer=Transfer(Phase.TRANSFER, loops=loops))
    response, after = answered(message.respond(request(DYNAMIC, service, meter=asked), before, at))
    info = response.MeterInfo
    assert (info is not None) is sent
    if sent:
        assert (info.MeterID, info.ChargedEnergyReadingWh, info.MeterTimestamp) == ("M" * 32, 5000, 1_800_000_123)
        assert info.BPT_DischargedEnergyReadingWh == (700 if service.bidirectional and asked else None)
        assert after.meter_sent == info


def test_a_meter_that_does_not_answer_has_no_reading() -> None:
    response, _ = answered(message.respond(request(meter=True), loop(), situation(meter=None)))
    assert response.MeterInfo is None


@pytest.mark.parametrize("wish", list(Wish))
def test_each_wish_of_the_station(wish: Wish) -> None:
    response, _ = answered(message.respond(request(), loop(), situation(wish=WishForCar(wish, 1007.2))))
    assert response.EVSEStatus.EVSENotification is EvseNotification(wish.value)
    assert response.EVSEStatus.NotificationMaxDelay == 8


def test_without_a_wish_there_is_no_status() -> None:
    assert answered(message.respond(request(), loop(), situation()))[0].EVSEStatus is None


# -- the car's own values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("volts", "amperes", "target_V", "target_A"),
    [(410, 12, 410, 12), (0, 12, 395.0, 12), (900, -8, 450, -8), (-5, 0, 395.0, 0)],
)
def test_the_targets_of_a_scheduled_car(volts: float, amperes: float, target_V: float, target_A: float) -> None:
    before = loop(SCHEDULED, transfer=Transfer(Phase.TRANSFER, target_voltage_V=395.0, loops=1))
    asked = request(SCHEDULED, EVTargetVoltage=rational(volts), EVTargetCurrent=rational(amperes))
    _, after = answered(message.respond(asked, before, situation()))
    assert (after.transfer.target_voltage_V, after.transfer.target_current_A) == (target_V, target_A)


def test_a_dynamic_car_has_no_target() -> None:
    _, after = answered(message.respond(request(), loop(), situation()))
    assert after.transfer.target_current_A is None


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"EVMaximumChargePower": rational(8000)}, "charge_power_max_W", 8000),
        ({"EVMaximumChargePower": rational(90_000)}, "charge_power_max_W", 50_000),
        ({"EVMaximumChargePower": rational(-5)}, "charge_power_max_W", 0),
        ({"EVMaximumChargeCurrent": rational(-5)}, "charge_current_max_A", 0),
        ({"EVMaximumVoltage": rational(420)}, "voltage_max_V", 420),
        ({"EVMaximumVoltage": rational(900)}, "voltage_max_V", 450),
        ({"EVMinimumVoltage": rational(300)}, "voltage_min_V", 300),
        ({"EVMinimumVoltage": rational(10)}, "voltage_min_V", 280),
        ({"EVMaximumDischargePower": rational(-5000)}, "discharge_power_max_W", 5000),
        ({"EVMaximumDischargePower": rational(99_000)}, "discharge_power_max_W", 18_000),
        ({"EVMaximumDischargeCurrent": rational(-20)}, "discharge_current_max_A", 20),
        ({"EVMaximumChargePower": RationalNumber(Exponent=127, Value=32767)}, "charge_power_max_W", 50_000),
        ({"EVMaximumChargePower": RationalNumber(Exponent=-128, Value=1)}, "charge_power_max_W", pytest.approx(0.0)),
    ],
)
def test_limits_of_the_loop_tighten_those_announced(changes: dict[str, Any], field: str, value: object) -> None:
    _, after = answered(message.respond(request(**changes), loop(), situation()))
    assert getattr(after.limits, field) == value


def test_limits_that_are_not_repeated_are_as_announced() -> None:
    before = loop(SCHEDULED, limits=replace(LIMITS, charge_power_max_W=1.0))
    _, after = answered(message.respond(request(SCHEDULED), before, situation()))
    assert after.limits == LIMITS


def test_what_the_car_says_for_people_is_kept_until_it_says_otherwise() -> None:
    said = DisplayParameters(PresentSOC=55, MinimumSOC=20, TargetSOC=80, MaximumSOC=95, RemainingTimeToTargetSOC=900)
    _, first = answered(message.respond(request(display=said), loop(), situation()))
    assert (first.energy.soc_percent, first.energy.minimum_soc_percent, first.energy.target_soc_percent) == (55, 20, 80)
    assert (first.display.maximum_soc_percent, first.display.to_target_soc_s) == (95, 900)
    hot = DisplayParameters(
        PresentSOC=56, InletHot=True, ChargingComplete=False, BatteryEnergyCapacity=rational(77_000)
    )
    _, second = answered(message.respond(request(display=hot), first, situation()))
    assert (second.energy.soc_percent, second.energy.target_soc_percent) == (56, 80)
    assert (second.display.inlet_hot, second.display.charging_complete, second.display.capacity_Wh) == (
        True,
        False,
        77_000,
    )
    assert second.display.to_target_soc_s == 900
    _, third = answered(message.respond(request(), second, situation()))
    assert (third.display, third.energy.soc_percent) == (second.display, 56)


def test_energy_requests_and_departure_of_the_loop() -> None:
    asked = request(
        DepartureTime=1234, EVMaximumV2XEnergyRequest=rational(9000), EVMinimumV2XEnergyRequest=rational(-50)
    )
    _, after = answered(message.respond(asked, loop(), situation()))
    energy = after.energy
    assert (energy.target_Wh, energy.max_Wh, energy.min_Wh) == (30_000, 40_000, -10_000)
    assert (energy.max_v2x_Wh, energy.min_v2x_Wh, energy.departure_at_s) == (9000, -50, 1000 + 1234)


# -- refusals --------------------------------------------------------------------------------------------------------------


@ALL_WAYS
def test_another_control_mode_is_refused(mode: ControlMode, service: EnergyService) -> None:
    for other_mode, other_service in WAYS:
        if (other_mode, other_service) != (mode, service):
            asked = request(control=control(other_mode, other_service))
            found = refused(message.respond(asked, loop(mode, service), situation()))
            assert found.code.value.startswith("FAILED")
            assert not found.ours


@pytest.mark.parametrize(
    ("view", "code"),
    [
        ({"emergency": True}, ResponseCode.FAILED_ContactorError),
        ({"voltage_V": None}, ResponseCode.FAILED),
        ({"current_A": None}, ResponseCode.FAILED),
        ({"capabilities": None}, ResponseCode.FAILED),
    ],
)
def test_what_is_wrong_with_the_station_has_its_code(view: dict[str, Any], code: ResponseCode) -> None:
    found = refused(message.respond(request(), loop(), situation(**view)))
    assert (found.code, found.ours) == (code, True)


@ALL_WAYS
def test_a_refusal_lets_nothing_flow_and_shows_what_is_measured(mode: ControlMode, service: EnergyService) -> None:
    at = situation(voltage_V=402.0, current_A=9.0)
    response = message.refuse(request(mode, service), ResponseCode.FAILED, loop(mode, service), at)
    assert (number(response.EVSEPresentVoltage), number(response.EVSEPresentCurrent)) == (402, 9)
    assert response.EVSEStatus is not None
    assert response.EVSEStatus.EVSENotification is EvseNotification.Terminate
    sent = response.CLResControlMode
    powers = [getattr(sent, name) for name in sent.__slots__ if isinstance(getattr(sent, name), RationalNumber)]
    assert powers
    assert all(number(power) == 0 for power in powers)
    assert CAPABILITIES.charge_power_max_W > 0
