"""The station's decisions and a virtual car with the services of SAE J2847/2 joined: power flows out where both want it."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.exi.codec import NS_ISO2
from chargepoint.model.demand import Phase
from hil.simulators.evcc.habits import Habits
from hil.simulators.evcc.plan import CarPlan, OfferedProtocol
from hil.simulators.evcc.spec import CarSpec
from tests.joined.outlet import DC_OUTLET
from tests.joined.visit import VirtualSite, Visit


def visit(
    service: str, *, switched_on: bool = True, soc_percent: float = 50.0, power_W: float = -5_000.0, floor: float = 30.0
) -> Visit:
    """The whole stay of one car while the central system wants this power."""
    site = VirtualSite(sae_services=("V2H", "V2G") if switched_on else ())
    plan = CarPlan(
        energy=(DC_OUTLET.energy,),
        protocols=(OfferedProtocol(NS_ISO2, major=2),),
        habits=Habits(sae_service=service),
    )
    return site.visit(plan, CarSpec(minimum_soc_percent=floor), power_W=power_W, soc_percent=soc_percent, loops=20)


def flows_W(seen: Visit) -> list[float]:
    """What the stage may let flow in the transfer, in W: the order's power within the current limits of its direction at 400 V."""
    found = []
    for timed in seen.demands:
        demand = timed.demand
        if demand.phase is not Phase.TRANSFER:
            continue
        limits = demand.dc.limits
        wanted_W = demand.limits_W.clamp(demand.power_W)
        found.append(max(-limits.discharge_current_max_A * 400.0, min(wanted_W, limits.charge_current_max_A * 400.0)))
    return found


@pytest.mark.parametrize("service", ["V2G", "V2H"])
def test_power_flows_out_where_the_central_system_wants_it(service: str) -> None:
    seen = visit(service)
    assert (seen.car.progress.error, seen.car.violations) == (None, [])
    assert min(flows_W(seen)) == pytest.approx(-5_000.0)
    assert max(flows_W(seen)) == 0.0
    assert f"the car selects SAE J2847/2 {service}, which is outside ISO 15118-2" in " ".join(
        line.text for line in seen.lines
    )
    assert seen.stop_reason() == "StoppedByEV"


@pytest.mark.parametrize("service", ["V2G", "V2H"])
def test_nothing_flows_out_without_the_switch(service: str) -> None:
    assert min(flows_W(visit(service, switched_on=False)), default=0.0) >= 0.0


def test_v2g_charges_where_the_central_system_wants_it() -> None:
    assert max(flows_W(visit("V2G", power_W=4_000.0))) == pytest.approx(4_000.0)


def test_v2h_never_charges() -> None:
    assert max(flows_W(visit("V2H", power_W=4_000.0)), default=0.0) == 0.0


def test_v2g_stops_at_the_reserve_of_the_station() -> None:
    assert min(flows_W(visit("V2G", soc_percent=20.0)), default=0.0) >= 0.0


def test_v2h_stops_at_the_floor_of_the_car() -> None:
    seen = visit("V2H", soc_percent=30.0)
    assert min(flows_W(seen), default=0.0) >= 0.0
    assert seen.car.progress.asked_to_stop
    assert seen.car.progress.error is None
