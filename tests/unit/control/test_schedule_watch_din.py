"""A car of DIN 70121 gets one schedule: it is never asked for a renegotiation that its protocol does not have."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.exi.codec import NS_DIN, NS_ISO2
from chargepoint.model.car import ControlMode
from hil.simulators.evcc.plan import CarPlan, OfferedProtocol
from hil.simulators.evcc.spec import CarSpec
from tests.joined.station import TimedLine
from tests.joined.visit import VirtualSite

ASKED = "the schedule does not fit any more: the car is asked for a renegotiation"


@pytest.mark.parametrize(("namespace", "asked"), [(NS_DIN, False), (NS_ISO2, True)], ids=["DIN", "-2"])
def test_less_power_than_the_schedule_promised(namespace: str, asked: bool) -> None:
    site = VirtualSite(ControlMode.SCHEDULED)

    def less_power(line: TimedLine) -> None:
        if "car asks TRANSFER" in line.text:
            site.station.limit_power(2_000.0)

    site.station.on_line = less_power
    plan = CarPlan(protocols=(OfferedProtocol(namespace, 2),))
    visit = site.visit(plan, CarSpec(control_mode="scheduled"), loops=900)
    assert visit.car.progress.error is None
    assert (ASKED in [line.text for line in visit.lines]) is asked
