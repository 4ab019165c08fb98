"""A whole AC session by the real stage, with board and SDM630 on their wires: charge, feed, stop, and who is asked first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.image import AcSupply, Contactor, ControlPilot, Stage
from hil.plant.ac_faults import inject_ac
from hil.plant.pilot import Generator
from tests.joined.ac_loop import CHARGE_W, DISCHARGE_W, RATINGS, AcLoop


def test_a_car_charges_and_feeds_and_both_directions_are_metered() -> None:
    loop = AcLoop()
    loop.transfer()
    assert loop.image is not None
    assert loop.image.power_W == pytest.approx(CHARGE_W, rel=0.01)
    assert (loop.image.contactor, loop.image.frequency_Hz) == (Contactor.CLOSED, 50.0)
    assert loop.image.voltage_V == 230.0 and loop.image.insulation_ohm is None
    loop.order(Phase.TRANSFER, DISCHARGE_W)
    loop.plant.car.ordered_W = DISCHARGE_W
    loop.run(6.0)
    assert loop.image.power_W == pytest.approx(DISCHARGE_W, rel=0.01)
    assert loop.image.current_A == pytest.approx(DISCHARGE_W / 230.0, rel=0.01)
    loop.plant.car.ordered_W = 0.0
    loop.order(Phase.OFF)
    loop.until(lambda: loop.at(Stage.OFF))
    loop.run(1.0)
    assert loop.image.meter is not None and not loop.plant.contactor_closed
    assert loop.image.meter.import_Wh == pytest.approx(loop.plant.import_Wh, rel=0.01, abs=0.1)
    assert loop.image.meter.export_Wh == pytest.approx(loop.plant.export_Wh, rel=0.01, abs=0.1)
    assert loop.plant.export_Wh > 10.0
    assert loop.plant.opened_under_A < 1.0
    assert set(loop.trips) == set() and loop.image.faults == frozenset()


def test_transfer_is_shown_only_once_the_contactor_was_seen_closed() -> None:
    loop = AcLoop()
    loop.plug()
    inject_ac(loop.plant, "contactor_slow", True, 0.08)
    loop.order(Phase.TRANSFER)
    loop.plant.car.pilot = "C"
    loop.until(lambda: loop.at(Stage.CLOSING))
    assert not loop.plant.contactor_closed
    loop.until(lambda: loop.at(Stage.TRANSFER))
    assert loop.plant.contactor_closed


def test_a_car_that_goes_back_to_b_is_opened_without_a_fault_and_not_closed_again_by_the_same_demand() -> None:
    loop = AcLoop()
    loop.transfer()
    loop.plant.car.ordered_W = 0.0
    loop.run(1.0)
    loop.plant.car.pilot = "B"
    at_s = loop.now_s
    loop.until(lambda: not loop.plant.contactor_closed)
    assert loop.now_s - at_s <= 0.1  # IEC 61851-1 Table A.6
    assert loop.image is not None and loop.image.faults == frozenset()
    loop.plant.car.pilot = "C"
    loop.run(5.0)
    assert not loop.plant.contactor_closed
    loop.order(Phase.OFF)
    loop.run(0.2)
    loop.order(Phase.TRANSFER)
    loop.until(lambda: loop.at(Stage.TRANSFER))


def test_a_stop_keeps_the_5_percent_for_the_messages_then_takes_the_pwm_away_and_opens_at_its_bound() -> None:
    loop = AcLoop()
    loop.transfer()
    loop.order(Phase.OFF)
    loop.run(0.8)
    assert (loop.plant.board.generator, loop.plant.board.duty_percent) == (Generator.PWM, 5.0)
    loop.run(0.4)
    assert loop.plant.board.generator is Generator.X1 and loop.plant.contactor_closed
    loop.run(5.0)
    assert not loop.plant.contactor_closed


def test_a_daemon_that_fell_silent_and_comes_back_closes_nothing_by_its_old_demand() -> None:
    loop = AcLoop()
    loop.transfer()
    kept, loop.demand = loop.demand, None
    loop.run(10.0)
    assert FaultCode.LEASE_LOST in loop.trips and not loop.plant.contactor_closed
    loop.demand = kept
    loop.plant.car.pilot = "C"
    loop.run(5.0)
    assert loop.image is not None and loop.image.faults == frozenset()
    assert not loop.plant.contactor_closed


def test_a_new_process_obeys_no_demand_that_an_old_one_may_have_begun() -> None:
    loop = AcLoop()
    loop.plant.plug()
    loop.plant.car.pilot = "C"
    loop.order(Phase.TRANSFER)
    loop.run(4.0)
    assert loop.image is not None and loop.image.permitted and not loop.plant.contactor_closed


def test_the_outlets_capabilities_shrink_with_a_lost_sensor() -> None:
    loop = AcLoop()
    loop.transfer()
    inject_ac(loop.plant, "temperature_sensor", True, "positive")
    loop.run(1.5)
    assert loop.image is not None and loop.image.capabilities is not None and loop.image.capabilities.ac is not None
    assert loop.image.capabilities.ac.current_max_A == 16.0
    assert loop.at(Stage.TRANSFER)


def test_a_cable_of_13_A_at_a_socket_bounds_what_is_offered_and_a_car_that_takes_more_is_opened() -> None:
    loop = AcLoop(ratings=replace(RATINGS, socket=True), proximity=True)
    loop.plant.board.plug_ohm = 1500
    loop.transfer(12.0 * 690.0)
    assert loop.image is not None and loop.image.capabilities is not None and loop.image.capabilities.ac is not None
    assert loop.image.capabilities.ac.current_max_A == 13.0
    assert loop.at(Stage.TRANSFER)
    loop.plant.car.ordered_W = CHARGE_W  # 15.9 A in each phase
    loop.run(5.0)
    assert FaultCode.CURRENT_EXCEEDED not in loop.trips
    loop.until(lambda: FaultCode.CURRENT_EXCEEDED in loop.trips, 3.0)
    loop.until(lambda: not loop.plant.contactor_closed, 3.5)


def test_one_phase_that_is_wired_needs_no_others() -> None:
    single = replace(RATINGS, supply=AcSupply(230.0, 50.0, 1, 32.0), charge_power_max_W=7_360.0)
    loop = AcLoop(ratings=single)
    loop.plug()
    loop.order(Phase.TRANSFER, 3_600.0, phases=1)
    loop.plant.car.pilot = "C"
    loop.until(lambda: loop.at(Stage.TRANSFER))
    loop.plant.car.ordered_W = 3_600.0
    loop.run(6.5)
    assert loop.at(Stage.TRANSFER) and set(loop.trips) == set()
    assert loop.image is not None and loop.image.pilot is ControlPilot.C
    assert loop.image.power_W == pytest.approx(3_600.0, rel=0.01)


def test_a_defect_in_the_stage_opens_and_needs_a_person() -> None:
    loop = AcLoop()
    loop.transfer()
    loop.stage.fail_safe(RuntimeError("a defect"), loop.now_s)
    loop.run(0.2)
    assert not loop.plant.contactor_closed
    loop.run(3.0)
    loop.stage.reset_faults("a test")
    loop.run(3.0)
    assert loop.image is not None and loop.image.faults == frozenset()
    assert not loop.plant.contactor_closed  # the demand of before begins nothing


@pytest.mark.parametrize("code", [FaultCode.OVER_CURRENT, FaultCode.RCD, FaultCode.METER_PLAUSIBILITY])
def test_a_latch_of_before_the_restart_holds_until_a_person_resets_it(code: FaultCode) -> None:
    loop = AcLoop(kept={code: "before the restart"})
    loop.order(Phase.OFF)
    loop.plant.plug()
    loop.run(1.0)
    loop.order(Phase.TRANSFER)
    loop.plant.car.pilot = "C"
    loop.run(3.0)
    assert loop.image is not None and code in loop.image.faults and not loop.plant.contactor_closed
    loop.order(Phase.OFF)
    loop.stage.reset_faults("a test")
    loop.run(2.0)
    assert loop.image.faults == frozenset()
    loop.order(Phase.TRANSFER)
    loop.until(lambda: loop.at(Stage.TRANSFER))


def test_a_welded_contactor_that_was_exchanged_can_be_reset_without_a_new_process() -> None:
    loop = AcLoop()
    loop.transfer(0.0)
    inject_ac(loop.plant, "contactor_welded", True)
    loop.order(Phase.OFF)
    loop.run(8.0)
    assert FaultCode.CONTACTOR_WELDED in loop.trips
    assert loop.plant.board.lock_state == 2  # live: not to be unplugged
    inject_ac(loop.plant, "contactor_welded", False)
    loop.run(1.0)
    loop.stage.reset_faults("a test")
    loop.run(3.0)
    assert loop.image is not None and loop.image.faults == frozenset()


def test_a_car_that_is_above_its_limit_again_and_again_is_opened() -> None:
    loop = AcLoop()
    loop.plant.car.charge_power_max_W = 22_000.0
    loop.transfer(10.0 * 690.0)
    for _ in range(5):
        loop.plant.car.ordered_W = 20.0 * 690.0  # where 16 A in each phase were given
        loop.run(4.5)
        loop.plant.car.ordered_W = 10.0 * 690.0
        loop.run(1.0)  # the charger follows within 0.3 s
        if FaultCode.CURRENT_EXCEEDED in loop.trips:
            break
    assert FaultCode.CURRENT_EXCEEDED in loop.trips
    loop.until(lambda: not loop.plant.contactor_closed, 3.5)


def test_a_lost_sensor_of_an_ac_connector_is_no_contact_of_direct_current() -> None:
    loop = AcLoop()
    loop.transfer()
    inject_ac(loop.plant, "temperature_sensor", True, "positive")
    loop.run(1.5)
    details = [event.detail for event in loop.events if isinstance(event, InterlockTripped)]
    assert any("first contact" in detail for detail in details) and not any("DC" in detail for detail in details)
