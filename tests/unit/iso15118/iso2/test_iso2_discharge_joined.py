"""The station's decisions and a virtual car of ISO 15118-2 joined: the central system wants power out of a car that asks to be charged."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.exi.codec import NS_ISO2
from chargepoint.model.car import EnergyService
from chargepoint.model.demand import Phase
from hil.simulators.evcc.plan import CarPlan, OfferedProtocol
from tests.joined.outlet import DC_OUTLET
from tests.joined.visit import VirtualSite, Visit


def visit(*, tolerated: bool, soc_percent: float = 50.0, power_W: float = -5_000.0) -> Visit:
    """The whole stay of one car while the central system wants this power."""
    site = VirtualSite(iso2_discharge=tolerated)
    plan = CarPlan(energy=(DC_OUTLET.energy,), protocols=(OfferedProtocol(NS_ISO2, major=2),))
    return site.visit(plan, power_W=power_W, soc_percent=soc_percent)


def ordered_W(seen: Visit) -> list[float]:
    """What the stage shall let flow in the transfer, in W, in order."""
    return [d.demand.limits_W.clamp(d.demand.power_W) for d in seen.demands if d.demand.phase is Phase.TRANSFER]


def test_a_tolerating_car_is_discharged_within_what_it_asks_for() -> None:
    seen = visit(tolerated=True)
    assert seen.car.progress.error is None
    assert min(ordered_W(seen)) == pytest.approx(-5_000.0)
    orders = [d.demand for d in seen.demands if d.demand.phase is Phase.TRANSFER and d.demand.power_W < 0]
    assert orders
    for order in orders:
        assert order.dc is not None
        assert 0 <= order.dc.limits.discharge_current_max_A <= order.dc.limits.current_max_A
    assert seen.stop_reason() == "StoppedByEV"


def test_without_the_switch_nothing_flows_out() -> None:
    assert min(ordered_W(visit(tolerated=False)), default=0.0) >= 0.0


def test_a_car_at_its_reserve_is_not_discharged() -> None:
    assert min(ordered_W(visit(tolerated=True, soc_percent=20.0)), default=0.0) >= 0.0


def test_a_positive_set_point_charges_it() -> None:
    seen = visit(tolerated=True, power_W=4_000.0)
    assert max(ordered_W(seen)) == pytest.approx(4_000.0)
    assert EnergyService.DC_BPT.value in " ".join(line.text for line in seen.lines)
