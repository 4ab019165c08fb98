"""The AC connector of the plant: when its outlet is live, what flows in which phase, what is counted, and the car that plays itself."""

from __future__ import annotations

import pytest

from hil.plant.ac_car import AcAutoStage
from hil.plant.ac_faults import AC_FAULTS, inject_ac
from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.board import CONTACTOR, LOCK
from hil.plant.pilot import Generator
from hil.plant.station import STEP_S, Plant


def run(made: AcOutletPlant, seconds: float, *, request: int = LOCK, generator: Generator = Generator.PWM) -> None:
    """Advance, with a host that orders this all the time."""
    for _ in range(round(seconds / STEP_S)):
        board = made.board
        board.write(board.sequence, generator, 500, request, request ^ 0xFFFF)
        made.step(STEP_S)


def live(power_W: float = 6_900.0, phases: int = 3) -> AcOutletPlant:
    made = AcOutletPlant(1, phases)
    made.plug()
    made.car.pilot = "C"
    made.car.ordered_W = power_W
    run(made, 1.0, request=LOCK)
    run(made, 1.0, request=LOCK | CONTACTOR)
    assert made.contactor_closed
    return made


def test_nothing_is_live_without_an_order() -> None:
    made = AcOutletPlant(1)
    made.plug()
    made.car.pilot, made.car.ordered_W = "C", 5_000.0
    run(made, 1.0)
    assert not made.contactor_closed and made.car.power_W == 0.0
    assert made.voltages_V == (230.0, 230.0, 230.0)  # the meter is before the contactor


def test_power_is_shared_among_the_phases_and_counted_in_both_directions() -> None:
    made = live(6_900.0)
    assert made.currents_A == pytest.approx((10.0, 10.0, 10.0))
    run(made, 3.6, request=LOCK | CONTACTOR)
    imported_Wh = made.import_Wh
    assert made.meter.import_Wh == pytest.approx(imported_Wh) and imported_Wh > 6.9
    made.car.ordered_W = -4_600.0
    run(made, 3.6, request=LOCK | CONTACTOR)
    assert made.currents_A == pytest.approx((-4_600.0 / 690.0,) * 3)
    assert made.meter.export_Wh == pytest.approx(made.export_Wh) and made.export_Wh > 3.0


def test_one_wired_phase_carries_all_and_the_others_have_no_voltage() -> None:
    made = live(2_300.0, phases=1)
    assert made.currents_A == pytest.approx((10.0, 0.0, 0.0))
    assert made.voltages_V == (230.0, 0.0, 0.0)


def test_without_supply_nothing_flows() -> None:
    made = live()
    made.grid.voltage_V = 0.0
    run(made, 0.1, request=LOCK | CONTACTOR)
    assert made.contactor_closed and made.car.power_W == 0.0 and made.currents_A == (0.0, 0.0, 0.0)


def test_an_opening_under_load_is_noted() -> None:
    made = live(6_900.0)
    run(made, 0.2)
    assert not made.contactor_closed and made.opened_under_A == pytest.approx(10.0)


def test_a_car_that_plays_by_itself_waits_for_the_lock_charges_and_leaves() -> None:
    made = AcOutletPlant(1)
    made.auto.enabled = made.auto.follows = True
    made.plug()
    run(made, 1.0, request=0)
    assert made.auto.stage is AcAutoStage.WAITING and made.car.pilot == "B"
    run(made, 1.0)
    assert made.car.pilot == "C"
    run(made, 1.0, request=LOCK | CONTACTOR)
    assert made.car.power_W == pytest.approx(2_000.0)
    run(made, 0.3)
    assert (made.auto.stage, made.car.pilot) == (AcAutoStage.DONE, "B")
    run(made, 0.3, generator=Generator.X1)
    assert made.auto.stage is AcAutoStage.WAITING


def test_a_car_whose_pwm_goes_away_stops_by_itself() -> None:
    made = AcOutletPlant(1)
    made.auto.enabled = made.auto.follows = True
    made.plug()
    run(made, 1.0)
    run(made, 1.0, request=LOCK | CONTACTOR)
    run(made, 0.6, request=LOCK | CONTACTOR, generator=Generator.X1)
    assert made.car.pilot == "B" and made.car.power_W == 0.0


def test_every_fault_can_be_switched_on_and_off() -> None:
    made = live()
    for name in AC_FAULTS:
        inject_ac(made, name, True)
        assert name in made.faults
        run(made, 0.02)
        inject_ac(made, name, False)
        assert name not in made.faults


def test_dc_and_ac_connectors_share_one_clock() -> None:
    made = AcOutletPlant(2)
    plant = Plant(outlets={2: made})
    plant.advance_to(100.0)
    plant.advance_to(100.1)
    assert made.now_s == pytest.approx(100.1, abs=STEP_S)
