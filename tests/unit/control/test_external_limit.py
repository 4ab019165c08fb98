"""The limit of an outside party binds every EVSE, is shared, and ends by itself. K11.FR.01, K12.FR.01, K13.FR.01."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chargepoint.control.effects import ReportLimit
from chargepoint.model.commands import ExternalLimit, LimitSource, LimitStation
from chargepoint.model.demand import Phase

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench


def limit(bench: Bench, import_W: float, for_s: float = 900.0) -> ExternalLimit:
    found = ExternalLimit(LimitSource.EMS, import_W, 0.0, bench.t + for_s)
    assert bench.command(LimitStation(found, "a test")).accepted
    return found


def reported(bench: Bench) -> list[ExternalLimit | None]:
    found = [effect.limit for effect in bench.effects if isinstance(effect, ReportLimit)]
    bench.effects.clear()
    return found


def test_it_binds_a_running_transaction_at_once_and_is_reported(bench: Bench) -> None:
    bench.transferring()
    bench.effects.clear()
    free_W = bench.evse.setpoint.power_W
    assert free_W > 5_000.0
    set_limit = limit(bench, 5_000.0)
    assert bench.evse.setpoint.power_W == 5_000.0
    assert bench.evse.setpoint.limits_W.low == 0.0
    assert reported(bench) == [set_limit]
    assert bench.command(LimitStation(None, "a test")).accepted
    assert bench.evse.setpoint.limits_W.high == pytest.approx(free_W)
    assert reported(bench) == [None]
    assert bench.command(LimitStation(None, "a test")).accepted
    assert reported(bench) == []


def test_it_ends_by_itself(bench: Bench) -> None:
    bench.transferring()
    limit(bench, 5_000.0, for_s=10.0)
    bench.effects.clear()
    for _ in range(9):
        bench.live(1.0)
        bench.asks(Phase.TRANSFER)
    assert bench.evse.setpoint.power_W == 5_000.0
    for _ in range(2):
        bench.live(1.0)
        bench.asks(Phase.TRANSFER)
    assert bench.evse.setpoint.limits_W.high > 5_000.0
    assert reported(bench) == [None]


def test_it_waits_for_the_next_car(bench: Bench) -> None:
    limit(bench, 5_000.0)
    bench.transferring()
    assert bench.evse.setpoint.power_W == 5_000.0


def test_of_two_parties_the_narrower_holds_in_each_direction(bench: Bench) -> None:
    bench.transferring()
    limit(bench, 8_000.0)
    other = ExternalLimit(LimitSource.SO, 5_000.0, 3_000.0, bench.t + 900.0)
    bench.command(LimitStation(other, "a test", "grid"))
    assert (bench.evse.setpoint.limits_W.low, bench.evse.setpoint.limits_W.high) == (0.0, 5_000.0)
    assert "limit of SO" in bench.evse.setpoint.explanation
    last = reported(bench)[-1]
    assert last is not None
    assert (last.source, last.import_max_W, last.export_max_W) == (LimitSource.SO, 5_000.0, 0.0)
    bench.command(LimitStation(None, "a test", "grid"))
    assert bench.evse.setpoint.power_W == 8_000.0


@pytest.mark.parametrize("power_W", [-1.0, float("inf"), float("nan")])
def test_an_impossible_limit_cannot_be_made(power_W: float) -> None:
    with pytest.raises(ValueError, match="import_max_W"):
        ExternalLimit(LimitSource.SO, power_W, 0.0, 1.0)


def test_a_limit_that_is_renewed_each_second_is_reported_with_few_lines(bench: Bench) -> None:
    for second in range(30):
        limit(bench, 5_000.0 + second)
        bench.live(1.0)
    effects = [effect for effect in bench.effects if isinstance(effect, ReportLimit)]
    assert len(effects) == 30
    assert sum(effect.line is not None for effect in effects) == 1
