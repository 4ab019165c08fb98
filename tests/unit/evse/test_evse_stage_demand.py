"""The order to the power stage: off by default, inside every rating, zero when the car is silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chargepoint.evse.events import AvailabilityChanged
from chargepoint.model.car import ControlMode, EnergyService
from chargepoint.model.demand import FrequencyWattLaw, Phase, PilotCommand, Setpoint, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.limits import ZERO, Interval, PowerLimits
from chargepoint.power.link_codec import decode_down, encode_down

LAW = FrequencyWattLaw(0.0, ((49.8, -5000.0), (50.2, 5000.0)))
SETPOINT = Setpoint(EvseId(1), 5000.0, Interval(-18_000, 22_000), Source.CSMS, None, "5 kW", 1e9, law=LAW)
HUGE = PowerLimits(1e131, 1e131, 1e131, 1e131, 1e131, 1e131)


@pytest.mark.parametrize("phase", list(Phase))
def test_without_a_transaction_everything_is_off(station: Any, phase: Phase) -> None:
    station.see(pilot=ControlPilot.C)
    station.connect()
    station.asks(phase)
    order = station.order(SETPOINT)
    assert (order.phase, order.power_W, order.limits_W, order.law) == (Phase.OFF, 0.0, ZERO, None)


def test_in_transfer_the_setpoint_goes_down(station: Any) -> None:
    station.transferring()
    order = station.order(SETPOINT)
    assert (order.phase, order.power_W, order.limits_W, order.law) == (
        Phase.TRANSFER,
        5000.0,
        Interval(-18_000, 22_000),
        LAW,
    )
    assert (order.lease_s, order.lock, order.pilot, order.duty_percent) == (0.5, True, PilotCommand.PWM, 5.0)
    assert order.dc.limits == PowerLimits(280.0, 450.0, 32.0, 30.0, 22_000.0, 18_000.0)


@pytest.mark.parametrize("loop_timeout_s", [0.5, 1.5])
def test_a_silent_car_gets_zero_at_once_and_again_when_it_speaks(
    new_station: Callable[..., Any], loop_timeout_s: float
) -> None:
    station = new_station(loop_timeout_s=loop_timeout_s)
    station.see()
    station.transferring()
    station.t += loop_timeout_s
    assert station.order(SETPOINT).power_W == 5000.0
    station.t += 0.001
    order = station.order(SETPOINT)
    assert (order.phase, order.power_W, order.limits_W, order.law) == (Phase.TRANSFER, 0.0, ZERO, None)
    station.asks(Phase.TRANSFER)
    assert station.order(SETPOINT).power_W == 5000.0


def test_a_stopping_session_gets_zero(station: Any) -> None:
    station.transferring()
    station.present()
    order = station.order(SETPOINT)
    assert (order.phase, order.power_W, order.limits_W, order.law) == (Phase.TRANSFER, 0.0, ZERO, None)


def test_only_a_bidirectional_service_discharges(station: Any) -> None:
    station.transferring(service=EnergyService.DC)
    assert station.order(SETPOINT).dc.limits.discharge_current_max_A == 0.0
    assert station.order(SETPOINT).dc.limits.charge_current_max_A == 32.0


@pytest.mark.parametrize(
    ("asked_A", "charge_A", "discharge_A"),
    [(None, 0, 0), (0.0, 0, 0), (12.0, 12, 0), (-9.0, 0, 9), (1e131, 32, 0), (-1e131, 0, 30)],
)
def test_a_scheduled_car_gets_no_more_than_it_asks(
    station: Any, asked_A: float | None, charge_A: float, discharge_A: float
) -> None:
    station.transferring(mode=ControlMode.SCHEDULED, target_current_A=asked_A)
    order = station.order(SETPOINT)
    limits = order.dc.limits
    assert (limits.charge_current_max_A, limits.discharge_current_max_A) == (charge_A, discharge_A)


@pytest.mark.parametrize("target_V", [-1e131, -1.0, 0.0, None, 400.0, 1e131])
@pytest.mark.parametrize("service", [EnergyService.DC, EnergyService.DC_BPT])
def test_no_number_of_the_car_passes_the_ratings(station: Any, target_V: float | None, service: EnergyService) -> None:
    station.transferring(limits=HUGE, target_voltage_V=target_V, service=service)
    order = station.order(SETPOINT)
    assert (order.dc.limits.voltage_max_V, order.dc.limits.voltage_min_V) == (1000.0, 1000.0)
    assert order.dc.voltage_target_V == min(max(target_V or 0.0, 0.0), 1000.0)
    assert order.dc.limits.charge_current_max_A == 32.0
    assert decode_down(encode_down(order)) == order


def test_a_lowered_maximum_voltage_reaches_the_stage_at_once(station: Any) -> None:
    station.transferring()
    limits = replace(station.session.view.car.limits, voltage_max_V=380.0)
    station.asks(Phase.TRANSFER, limits=limits)
    assert station.order(SETPOINT).dc.limits.voltage_max_V == 380.0


def test_without_ratings_nothing_is_ordered(station: Any) -> None:
    station.transferring()
    station.see(capabilities=None)
    assert station.order(SETPOINT).phase is Phase.OFF


@pytest.mark.parametrize(
    ("pilot", "command"),
    [
        (ControlPilot.A, PilotCommand.X1),
        (ControlPilot.B, PilotCommand.PWM),
        (ControlPilot.C, PilotCommand.PWM),
        (ControlPilot.D, PilotCommand.PWM),
        (ControlPilot.E, PilotCommand.X1),
        (ControlPilot.F, PilotCommand.X1),
        (ControlPilot.UNKNOWN, PilotCommand.X1),
    ],
)
def test_the_pilot_talks_to_a_car_that_is_there(station: Any, pilot: ControlPilot, command: PilotCommand) -> None:
    station.see(pilot=pilot)
    order = station.order()
    assert (order.pilot, order.duty_percent) == (command, 5.0 if command is PilotCommand.PWM else 100.0)


def test_an_inoperative_connector_shows_f_but_ends_nothing(station: Any) -> None:
    station.transferring()
    station.feed(AvailabilityChanged(False))
    assert station.order().pilot is PilotCommand.PWM
    station.car_ends()
    station.see(stage=Stage.OFF)
    assert station.order().pilot is PilotCommand.F


def test_the_pilot_stays_while_the_car_still_says_goodbye(station: Any) -> None:
    station.transferring()
    station.present()
    station.see(stage=Stage.OFF)  # the transaction is over, the session of the car is not
    assert station.order().pilot is PilotCommand.PWM
    assert station.order().lock
    station.car_ends()
    station.t += 1.5
    assert station.order().pilot is PilotCommand.PWM
    station.t += 0.1
    assert station.order().pilot is PilotCommand.X1
    assert not station.order().lock
