"""`EvseControl.foreseen`: the arbiter's own decision, later."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chargepoint.model.commands import Contribute
from chargepoint.model.demand import Contribution, Source
from chargepoint.model.forecast import Plan, PlanStep
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import Interval

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench

EVSE = EvseId(1)
NewBench = Callable[..., "Bench"]


def profile(high_W: float) -> Contribution:
    return Contribution(Source.CSMS, EVSE, 1e9, f"profile {high_W:g}", Interval(-4_000.0, high_W))


def test_the_forecast_follows_the_owners_plan_and_what_comes_true(new_bench: NewBench) -> None:
    bench = new_bench(default_power_W=11_000.0)
    bench.transferring()
    plan = Plan((PlanStep(bench.t, (profile(6_000.0),)), PlanStep(bench.t + 600.0, (profile(2_000.0),))), bench.t + 1e5)
    bench.command(Contribute(EVSE, "ocpp", (profile(6_000.0),), plan))
    before = bench.t
    forecast = bench.evse.foreseen(86_400.0, bench.now)
    assert [(round(p.start_s, 6), p.charge_max_W, p.discharge_max_W) for p in forecast.pieces] == [
        (0.0, 6_000.0, 4_000.0),
        (600.0, 2_000.0, 4_000.0),
    ]
    assert forecast.duration_s == 86_400.0
    assert bench.evse.setpoint.power_W == forecast.pieces[0].target_W == 6_000.0
    bench.t = before + 601.0
    bench.command(Contribute(EVSE, "ocpp", (profile(2_000.0),)))
    bench.see()
    later = bench.evse.foreseen(10.0, bench.now, with_car=False)
    assert [(p.charge_max_W, p.discharge_max_W) for p in later.pieces] == [(2_000.0, 4_000.0)]


def test_a_withdrawn_owner_takes_its_plan_along(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.transferring()
    plan = Plan((PlanStep(bench.t, (profile(6_000.0),)),), bench.t + 1e5)
    bench.command(Contribute(EVSE, "ocpp", (profile(6_000.0),), plan))
    bench.command(Contribute(EVSE, "ocpp", ()))
    assert bench.evse.foreseen(10.0, bench.now).pieces[0].charge_max_W > 6_000.0
