"""Every car file of the bench: read, and charged at our station in one process with virtual time."""

from __future__ import annotations

import pytest

from chargepoint.model.car import SessionEnd
from hil.simulators.car_files import KnownCar, car_from, known_car, names
from hil.simulators.evcc.habits import ORDINARY
from hil.simulators.evcc.plan import PlanError
from tests.joined.bounds import absurd
from tests.joined.outlet import AC_OUTLET, DC_OUTLET
from tests.joined.visit import VirtualSite

NEVER_CHARGES = {"leaver-dc"}


def site_of(car: KnownCar) -> VirtualSite:
    return VirtualSite(outlet=AC_OUTLET if car.is_ac else DC_OUTLET)


@pytest.mark.parametrize("name", sorted(set(names()) - NEVER_CHARGES))
def test_every_car_of_the_road_charges(name: str) -> None:
    car = known_car(name)
    site = site_of(car)
    visit = site.visit(car.plan, car.new_spec(), loops=30)
    assert visit.car.progress.error is None
    assert visit.car.violations == []
    assert visit.car.progress.loops >= 30
    power_W = max(timed.demand.limits_W.clamp(timed.demand.power_W) for timed in visit.demands)
    assert power_W > 1000.0
    assert not any(absurd(timed.demand, site.outlet.capabilities) for timed in visit.demands)
    ((_, end),) = visit.ends()
    assert end.end is SessionEnd.TERMINATED
    assert visit.stop_reason() in ("EVDisconnected", "StoppedByEV")
    assert not [line.text for line in visit.lines if line.letter == "!"]


@pytest.mark.parametrize("name", sorted(NEVER_CHARGES))
def test_a_car_that_leaves_ends_in_order_and_the_next_one_charges(name: str) -> None:
    car = known_car(name)
    site = site_of(car)
    visit = site.visit(car.plan, car.new_spec())
    assert visit.car.progress.error is None
    assert visit.car.violations == []
    assert visit.car.progress.loops == 0
    following = site.visit()
    assert following.car.progress.error is None
    assert following.car.progress.loops >= 5


def test_a_car_of_din_ends_when_the_station_asks_by_its_status() -> None:
    """The central system stops the transaction; EVSE_Shutdown is all that this car looks at."""
    car = known_car("volvo-xc40-din")
    site = site_of(car)
    visit = site.visit(car.plan, car.new_spec(), loops=1000, stopped_at_loop=20)
    assert visit.car.progress.asked_to_stop
    assert visit.car.progress.error is None
    assert 20 <= visit.car.progress.loops < 40


def test_every_file_says_what_it_is_and_has_a_habit_or_a_reason() -> None:
    for name in names():
        car = known_car(name)
        assert car.what, name
        assert car.plan.protocols, name
        assert car.plan.habits is not ORDINARY or car.plan.profile == "none", name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "no such key"),
        ("[spec]\ncolour = 1", "spec.colour"),
        ("[spec]\nloop_period_s = 'soon'", "spec.loop_period_s"),
        ("[plan.habits]\ncolour = 1", "habits.colour"),
        ("what = ", "car x:"),
    ],
)
def test_a_mistake_in_a_file_is_named(text: str, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        car_from("x", text)


def test_an_unknown_car_is_named_with_those_there_are() -> None:
    with pytest.raises(PlanError, match="tesla-model-3-din"):
        known_car("flying")
