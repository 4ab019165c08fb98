"""Cars of each protocol at the joined station, where something changes in the middle of the charge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargepoint.evse.transaction_life import STOP_DEADLINE_S
from chargepoint.model.car import SessionEnd
from chargepoint.model.demand import Contribution, Source
from chargepoint.model.limits import Interval
from hil.simulators.car_files import known_car
from hil.simulators.evcc.plan import CarPlan
from tests.joined.outlet import AC_OUTLET, DC_OUTLET, Outlet
from tests.joined.station import EVSE, FOR_EVER_S
from tests.joined.visit import VirtualSite, Visit

ASKED = "the schedule does not fit any more: the car is asked for a renegotiation"


def visit_with_less_power(name: str) -> Visit:
    """The central system allows 2 kW instead of 8 kW after 20 loops."""
    car, site = known_car(name), VirtualSite(outlet=DC_OUTLET)
    lines_seen: list[str] = []

    def allow_less() -> None:
        wanted = Contribution(Source.CSMS, EVSE, FOR_EVER_S, "a profile", Interval(0.0, 2000.0), 8000.0)
        site.station._perform(site.station.control.evses[EVSE].contribute("ocpp", (wanted,), site.station.at))

    def on_line(line: object) -> None:
        lines_seen.append(str(line))
        if "8 kW: asked by the central system" in str(line):
            site._soon.append(allow_less)

    site.station.on_line = on_line
    return site.visit(car.plan, car.new_spec(), loops=600)


@pytest.mark.parametrize(("name", "renegotiates"), [("volvo-xc40-din", False), ("skoda-enyaq-dc", True)])
def test_only_a_car_that_can_renegotiate_is_asked_for_it(name: str, renegotiates: bool) -> None:
    visit = visit_with_less_power(name)
    texts = [line.text for line in visit.lines]
    assert any(text.startswith("2 kW: limited by the central system") for text in texts)
    assert (ASKED in texts) is renegotiates
    ((_, end),) = visit.ends()
    assert end.end is SessionEnd.TERMINATED


@pytest.mark.parametrize("name", ["volvo-xc40-din", "skoda-enyaq-dc", "id4-ac"])
def test_a_car_that_ignores_the_stop_loses_its_power_and_then_its_session(name: str) -> None:
    car = known_car(name)
    plan = replace(car.plan, habits=replace(car.plan.habits, obeys_the_end=False, obeys_notification=False))
    visit = VirtualSite(outlet=AC_OUTLET if car.is_ac else DC_OUTLET).visit(
        plan, car.new_spec(), loops=10_000, stopped_at_loop=20
    )
    ((ended_s, end),) = visit.ends()
    assert end.end is SessionEnd.STOPPED_BY_STATION
    assert "its transaction has ended" in end.detail
    stopping_s = next(line.at_s for line in visit.lines if line.text.startswith("stopping"))
    assert ended_s - stopping_s < STOP_DEADLINE_S + 3.0
    assert all(timed.demand.power_W == 0.0 for timed in visit.demands if timed.at_s > stopping_s + 0.2)


@pytest.mark.parametrize("outlet", [DC_OUTLET, AC_OUTLET])
def test_a_car_of_iso15118_20_that_ignores_the_stop_loses_its_session_too(outlet: Outlet) -> None:
    plan = CarPlan(energy=(outlet.energy,), ignores=("Terminate",))
    visit = VirtualSite(outlet=outlet).visit(plan, loops=10_000, stopped_at_loop=20)
    ((_, end),) = visit.ends()
    assert end.end is SessionEnd.STOPPED_BY_STATION
    assert "its transaction has ended" in end.detail
