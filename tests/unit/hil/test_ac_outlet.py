"""The AC outlet of the bench: when its contactor closes and opens, what flows, what is counted, what trips."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import AcSupply, Contactor, ControlPilot, EvseImage, Lock, Stage
from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.station import STEP_S

EVSE = EvseId(1)
TRANSFER = StageDemand(EVSE, 1, 0.5, Phase.TRANSFER, PilotCommand.PWM, 5.0, lock=True, power_W=7_000.0)
OFF = replace(TRANSFER, phase=Phase.OFF, power_W=0.0)


def outlet(phases: int = 3) -> AcOutletPlant:
    return AcOutletPlant(EVSE, AcSupply(230.0, 50.0, phases, 32.0), 22_000.0, 11_000.0)


def run(made: AcOutletPlant, seconds: float, demand: StageDemand | None = TRANSFER) -> EvseImage:
    """Advance, renewing the demand each 100 ms as the daemon does; None: the daemon is silent."""
    for step in range(round(seconds / STEP_S)):
        if demand is not None and step % 50 == 0:
            made.take_demand(demand)
        made.step(STEP_S)
    return made.image()


def charging(power_W: float = 7_000.0) -> AcOutletPlant:
    made = outlet()
    made.plug()
    made.car.pilot = "C"
    made.car.ordered_W = power_W
    run(made, 2.0)
    assert made.stage is Stage.TRANSFER
    return made


def test_before_the_first_order_nothing_is_live() -> None:
    image = run(outlet(), 0.5, demand=None)
    assert (image.stage, image.contactor, image.pilot) == (Stage.OFF, Contactor.OPEN, ControlPilot.F)
    assert (image.voltage_V, image.current_A, image.phase) == (0.0, 0.0, Phase.OFF)


def test_the_contactor_waits_for_pilot_c() -> None:
    made = outlet()
    made.plug()
    assert run(made, 1.0).contactor is Contactor.OPEN
    assert made.pilot is ControlPilot.B
    made.car.pilot = "C"
    image = run(made, 0.5)
    assert (image.contactor, image.stage, image.voltage_V) == (Contactor.CLOSED, Stage.TRANSFER, 230.0)
    made.car.pilot = "B"
    image = run(made, 0.2)
    assert (image.contactor, image.stage) == (Contactor.OPEN, Stage.OFF)


def test_the_contactor_waits_for_the_lock() -> None:
    made = outlet()
    made.lock_stuck = True
    made.plug()
    made.car.pilot = "C"
    image = run(made, 2.0)
    assert (image.lock, image.contactor) == (Lock.UNLOCKED, Contactor.OPEN)


def test_power_follows_the_cars_order_and_is_counted_in_both_directions() -> None:
    made = charging(7_000.0)
    image = run(made, 3.6)
    assert image.power_W == pytest.approx(7_000.0)
    assert image.current_A == pytest.approx(7_000.0 / 230.0)  # the sum of the three phases
    assert image.meter is not None
    imported_Wh = image.meter.import_Wh
    assert imported_Wh == pytest.approx(7_000.0 * 5.2 / 3600.0, rel=0.1)
    made.car.ordered_W = -5_000.0
    image = run(made, 3.6)
    assert image.power_W == pytest.approx(-5_000.0)
    assert image.meter is not None
    assert image.meter.export_Wh == pytest.approx(5_000.0 * 3.2 / 3600.0, rel=0.1)
    assert image.meter.import_Wh >= imported_Wh
    assert made.import_Wh == pytest.approx(image.meter.import_Wh)


def test_the_on_board_charger_has_a_slope_and_limits() -> None:
    made = charging(0.0)
    made.car.slope_W_per_s = 1_000.0
    made.car.ordered_W = 50_000.0
    assert run(made, 1.0).power_W == pytest.approx(1_000.0, rel=0.01)
    made.car.slope_W_per_s = 1e6
    assert run(made, 0.1).power_W == pytest.approx(made.car.charge_power_max_W)


def test_a_full_battery_takes_nothing() -> None:
    made = charging(7_000.0)
    made.car.battery.soc_percent = 100.0
    assert run(made, 1.0).power_W == 0.0


def test_off_opens() -> None:
    image = run(charging(), 0.2, OFF)
    assert (image.stage, image.contactor, image.power_W) == (Stage.OFF, Contactor.OPEN, 0.0)


def test_an_expired_lease_opens_and_the_next_order_clears_the_fault() -> None:
    made = charging()
    image = run(made, 0.4, demand=None)
    assert image.contactor is Contactor.CLOSED
    image = run(made, 0.2, demand=None)
    assert (image.contactor, image.stage, image.phase) == (Contactor.OPEN, Stage.FAULTED, Phase.OFF)
    assert image.faults == {FaultCode.LEASE_LOST}
    image = run(made, 0.5)
    assert image.faults == frozenset()
    assert image.stage is Stage.TRANSFER
    assert [type(event) for event in made.events] == [InterlockTripped, FaultCleared]


def test_a_lost_daemon_opens_at_once() -> None:
    made = charging()
    made.daemon_lost()
    assert run(made, 0.05, demand=None).contactor is Contactor.OPEN


@pytest.mark.parametrize("code", [FaultCode.RCD, FaultCode.EMERGENCY_STOP])
def test_a_trip_opens_and_stays_until_it_is_reset(code: FaultCode) -> None:
    made = charging()
    made.causes.add(code)
    image = run(made, 0.1)
    assert (image.contactor, image.stage, image.pilot, image.permitted) == (
        Contactor.OPEN, Stage.FAULTED, ControlPilot.F, False,
    )  # fmt: skip
    made.reset("somebody")
    assert made.latched == {code}  # the cause is still there
    made.causes.discard(code)
    assert run(made, 0.1).stage is Stage.FAULTED
    made.reset("somebody")
    assert run(made, 0.5).stage is Stage.TRANSFER


def test_a_contactor_that_does_not_close_trips_after_three_seconds() -> None:
    made = outlet()
    made.contactor.stuck_open = True
    made.plug()
    made.car.pilot = "C"
    assert run(made, 3.0).faults == frozenset()
    assert run(made, 0.5).faults == {FaultCode.CONTACTOR_NOT_CLOSED}


def test_a_slow_contactor_closes_late_and_trips_nothing() -> None:
    made = outlet()
    made.contactor.close_s = 2.0
    made.plug()
    made.car.pilot = "C"
    assert run(made, 1.5).contactor is Contactor.OPEN
    image = run(made, 1.0)
    assert (image.contactor, image.faults) == (Contactor.CLOSED, frozenset())


def test_a_welded_contactor_is_reported() -> None:
    made = charging()
    made.contactor.welded = True
    image = run(made, 0.5, OFF)
    assert (image.contactor, image.stage) == (Contactor.WELDED, Stage.OPENING)
    assert image.faults == {FaultCode.CONTACTOR_WELDED}
    assert image.lock is Lock.LOCKED


def test_a_car_beyond_the_rating_trips() -> None:
    made = charging()
    made.car.disobedient_W = 30_000.0
    assert FaultCode.OVER_CURRENT in run(made, 1.5).faults


def test_frequency_and_capabilities_go_up() -> None:
    made = outlet(phases=1)
    made.grid.frequency_Hz = 49.7
    image = run(made, 0.1, OFF)
    assert image.frequency_Hz == 49.7
    assert image.capabilities is not None
    assert image.capabilities.ac == AcSupply(230.0, 50.0, 1, 32.0)
    assert image.capabilities.charge_power_max_W == 230.0 * 32.0  # not the rating of three phases
    made.grid.voltage_V = 0.0
    assert run(made, 0.1, OFF).frequency_Hz is None


def test_no_supply_no_power() -> None:
    made = charging()
    made.grid.voltage_V = 0.0
    image = run(made, 0.1)
    assert (image.contactor, image.power_W) == (Contactor.CLOSED, 0.0)


def test_a_car_without_pilot_wire_follows_the_stations_order() -> None:
    made = outlet()
    made.auto.enabled = made.auto.follows = True
    made.plug()
    assert run(made, 1.0, OFF).pilot is ControlPilot.B
    image = run(made, 2.0)
    assert (image.pilot, image.stage) == (ControlPilot.C, Stage.TRANSFER)
    assert image.power_W == pytest.approx(7_000.0)
    assert run(made, 1.0, OFF).pilot is ControlPilot.B
    assert run(made, 2.0, replace(TRANSFER, power_W=-3_000.0)).power_W == pytest.approx(-3_000.0)
