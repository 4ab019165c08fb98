"""An AC session of ISO 15118-2: the car follows EVSEMaxCurrent."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.iso2.physical import amperes
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import (
    ChargeProgress,
    EnergyTransferMode,
    EVSENotification,
    ResponseCode,
)
from chargepoint.iso15118.physical_value import number
from chargepoint.model.car import CarSessionEnded, ControlMode, EnergyService, ServiceSelected, SessionEnd
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from tests.unit.iso15118.iso2.car import BEFORE, Iso2Car


def test_a_session_goes_from_its_setup_to_its_stop() -> None:
    car = Iso2Car(ac=True)
    car.agree()
    answers = {state: car.step(state) for state in BEFORE[True][:-1]}
    stopped = car.ask(car.session_stop())
    (discovered,) = answers[Iso2State.SERVICE_DISCOVERY]
    assert discovered.ChargeService.SupportedEnergyTransferMode.EnergyTransferMode == (
        EnergyTransferMode.AC_three_phase_core,
        EnergyTransferMode.AC_single_phase_core,
    )
    (parameters,) = answers[Iso2State.CHARGE_PARAMETER_DISCOVERY]
    ours = parameters.EVSEChargeParameter
    assert isinstance(ours, iso2.AC_EVSEChargeParameter)
    assert (number(ours.EVSENominalVoltage), number(ours.EVSEMaxCurrent)) == (230.0, 16.0)
    assert ours.AC_EVSEStatus == iso2.AC_EVSEStatus(
        NotificationMaxDelay=0, EVSENotification=EVSENotification.None_, RCD=False
    )
    entry = parameters.SASchedules.SAScheduleTuple[0].PMaxSchedule.PMaxScheduleEntry[0]
    assert number(entry.PMax) == 3 * 230 * 16
    (started,) = answers[Iso2State.POWER_DELIVERY]
    assert isinstance(started.EVSEStatus, iso2.AC_EVSEStatus)
    assert stopped.ResponseCode is ResponseCode.OK
    (selected,) = car.learned(ServiceSelected)
    assert (selected.service, selected.control_mode) == (EnergyService.AC, ControlMode.SCHEDULED)
    assert next(d.phase for d in car.demands() if d.phase is not Phase.OFF) is Phase.TRANSFER
    assert car.learned(CarSessionEnded)[-1].end is SessionEnd.TERMINATED


@pytest.mark.parametrize(
    ("setpoint_W", "current_A"),
    [(11_040.0, 16.0), (6_900.0, 10.0), (7_000.0, 10.1), (0.0, 0.0), (-5_000.0, 0.0), (20_000.0, 16.0)],
)
def test_the_current_of_each_phase_makes_the_set_point(setpoint_W: float, current_A: float) -> None:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_LOOP)
    car.see(setpoint_W=setpoint_W)
    assert number(car.loop().EVSEMaxCurrent) == current_A


def test_a_car_of_one_phase_gets_the_current_of_one_phase() -> None:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    answer = car.ask(car.charge_parameters(EnergyTransferMode.AC_single_phase_core, EVMaxCurrent=amperes(32)))
    assert answer.ResponseCode is ResponseCode.OK
    limits = car.demands()[-1].limits
    assert (limits.charge_power_max_W, limits.charge_current_max_A) == (3_680.0, 16.0)
    assert car.demands()[-1].phases == 1
    car.step(Iso2State.POWER_DELIVERY)
    car.see(setpoint_W=2_300.0)
    assert number(car.loop().EVSEMaxCurrent) == 10.0


def test_an_outlet_of_one_phase_offers_one() -> None:
    car = Iso2Car(ac=True, phases=1)
    car.agree()
    car.step(Iso2State.SESSION_SETUP)
    (discovered,) = car.step(Iso2State.SERVICE_DISCOVERY)
    modes = discovered.ChargeService.SupportedEnergyTransferMode.EnergyTransferMode
    assert modes == (EnergyTransferMode.AC_single_phase_core,)


def test_the_start_awaits_the_contactor_for_four_seconds() -> None:
    car = Iso2Car(ac=True).reach(Iso2State.POWER_DELIVERY)
    assert car.send(car.power_delivery()) == []
    assert car.wait(3.9) == []
    (answer,) = car.see(stage=Stage.TRANSFER, voltage_V=230.0)
    assert answer.ResponseCode is ResponseCode.OK


def test_the_stop_awaits_the_open_contactor() -> None:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_LOOP)
    assert car.send(car.power_delivery(ChargeProgress.Stop)) == []
    assert car.see(stage=Stage.OPENING) == []
    (answer,) = car.see(stage=Stage.OFF)
    assert answer.ResponseCode is ResponseCode.OK


def test_a_car_that_asks_slowly_keeps_its_power() -> None:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_LOOP)
    for _ in range(5):
        car.wait(8.0)
        assert car.loop().ResponseCode is ResponseCode.OK
    assert car.demands()[-1].good_for_s == 10.0


def test_a_residual_current_is_shown() -> None:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_LOOP)
    car.see(residual_current=True)
    assert car.loop().AC_EVSEStatus.RCD is True


@pytest.mark.parametrize("changes", [{"emergency": True}, {"capabilities": None}])
def test_a_loop_without_a_stage_or_in_an_emergency_fails(changes: dict[str, bool | None]) -> None:
    car = Iso2Car(ac=True).reach(Iso2State.CHARGE_LOOP)
    car.see(**changes)
    answer = car.loop()
    assert answer.ResponseCode is ResponseCode.FAILED
    assert answer.AC_EVSEStatus.EVSENotification is EVSENotification.StopCharging
    assert number(answer.EVSEMaxCurrent) == 0
    assert car.learned(CarSessionEnded)[-1].end is SessionEnd.STOPPED_BY_STATION
