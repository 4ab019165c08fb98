"""What an AC outlet offers and allows: by its ratings, its cable, the temperature, and the daemon's order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargepoint.model.demand import AcOrder, Phase, PilotCommand, StageDemand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import AcReading, AcSupply, Contactor, ControlPilot, Lock, MeterRegisters
from chargepoint.model.limits import ZERO, Interval
from chargepoint.ports import IoState
from chargepoint.power.ac_outlet import AcOutlet, AcRatings
from chargepoint.power.device_guard import DeviceGuard
from chargepoint.power.device_readings import AcReadings, young_enough_ac

RATINGS = AcRatings(AcSupply(230.0, 50.0, 3, 32.0), 22_000.0, 11_000.0)
METER = MeterRegisters(
    0.0, 0.0, 230.0, 30.0, 6_900.0, 10.0, ac=AcReading((230.0,) * 3, (16.0, 15.0, -1.0), (0.0,) * 3, 50.0)
)
IO = IoState(
    ControlPilot.C, 5.0, 6.0, -12.0, 680.0, Lock.LOCKED, True, True, True, False, False, frozenset(), frozenset(), ()
)
SEEN = AcReadings(IO, None, METER, None, Contactor.CLOSED)
DEMAND = StageDemand(
    EvseId(1), 1, 0.5, Phase.TRANSFER, PilotCommand.PWM, 5.0, True, 7_000.0, Interval(0.0, 11_000.0),
    order=AcOrder.even(3, 16.0),
)  # fmt: skip


def test_a_fixed_cable_offers_the_ratings_and_less_while_warm() -> None:
    outlet = AcOutlet(RATINGS)
    offered = outlet.capabilities(SEEN, 1.0)
    assert offered.ac == RATINGS.supply and offered.charge_power_max_W == 22_000.0
    assert offered.charge_current_max_A == pytest.approx(22_000.0 / 230.0)
    assert outlet.capabilities(SEEN, 1.0) is offered  # not made anew in each cycle
    warm = outlet.capabilities(SEEN, 0.5)
    assert warm.ac is not None and warm.ac.current_max_A == 16.0
    assert warm.charge_power_max_W == 3 * 230.0 * 16.0


def test_a_socket_offers_what_the_cable_bears() -> None:
    outlet = AcOutlet(replace(RATINGS, socket=True))
    offered = outlet.capabilities(SEEN, 1.0)
    assert offered.ac is not None and offered.ac.current_max_A == 20.0  # 680 ohm
    assert outlet.ac_flow(SEEN, replace(DEMAND, order=AcOrder.even(3, 32.0))).limits_A == (20.0,) * 3


@pytest.mark.parametrize(
    ("limits", "may"),
    [(Interval(0.0, 11_000.0), (True, False)), (Interval(-5_000.0, 5_000.0), (True, True)), (ZERO, (False, False))],
)
def test_what_the_car_may_follows_from_the_order(limits: Interval, may: tuple[bool, bool]) -> None:
    flow = AcOutlet(RATINGS).ac_flow(SEEN, replace(DEMAND, limits_W=limits))
    assert (flow.charge_max_W > 0, flow.may_discharge) == may
    assert flow.suspended is (may == (False, False))
    assert (flow.limits_A, flow.largest_A) == ((16.0,) * 3, 16.0)


def test_without_an_order_or_a_meter_nothing_is_claimed() -> None:
    flow = AcOutlet(RATINGS).ac_flow(replace(SEEN, meter=None), None)
    assert (flow.limits_A, flow.currents_A, flow.power_W) == ((), (), None)


def test_one_phase_that_is_wired_counts_one() -> None:
    single = replace(RATINGS, supply=AcSupply(230.0, 50.0, 1, 32.0))
    flow = AcOutlet(single).ac_flow(SEEN, DEMAND)
    assert (flow.currents_A, flow.phases_given) == ((16.0,), 1)


def test_the_readings_are_the_meters_while_it_is_young() -> None:
    seen = young_enough_ac(IO, METER, 11.9)
    assert seen.everyone and (seen.voltage_V, seen.current_A, seen.power_W) == (230.0, 30.0, 6_900.0)
    assert (seen.pole_current_A, seen.recent_meter_current_A(10.4)) == (16.0, 16.0)
    assert seen.recent_meter_current_A(10.6) is None
    old = young_enough_ac(IO, METER, 12.1)
    assert not old.everyone and (old.voltage_V, old.current_A, old.power_W) == (None, None, None)
    assert old.insulation_trouble == ""


def test_a_new_sequence_after_a_defect_closes_nothing_by_an_old_demand() -> None:
    outlet, guard = AcOutlet(RATINGS), DeviceGuard()
    before = outlet.sequence
    outlet.begin_anew()
    outlet.order_off(guard)
    assert outlet.sequence is not before and outlet.sequence._demand_spent
