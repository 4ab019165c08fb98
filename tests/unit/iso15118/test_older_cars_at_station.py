"""Cars of DIN 70121 and ISO 15118-2 at the joined station, where something changes in the middle of the charge."""

from __future__ import annotations

import pytest

from chargepoint.model.car import SessionEnd
from chargepoint.model.demand import Contribution, Source
from chargepoint.model.limits import Interval
from hil.simulators.car_files import known_car
from tests.joined.outlet import DC_OUTLET
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
