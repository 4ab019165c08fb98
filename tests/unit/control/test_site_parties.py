"""Parties beside the central system: their rank, the driver's wish, the fuse guard; every change of the deciding party is journalled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chargepoint.config.schema import FuseGuardSection
from chargepoint.energy.fuse_guard import SILENT
from chargepoint.model.car import CarDemandChanged, CarDisplay
from chargepoint.model.commands import Contribute, DriverWish, NoteSiteMeter, WishForDriver
from chargepoint.model.demand import Contribution, Phase, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.site_meter import SiteMeterReading

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench

EVSE = EvseId(1)
NewBench = Callable[..., "Bench"]


def target(bench: Bench, source: Source, power_W: float, for_s: float = 60.0) -> None:
    said = Contribution(source, EVSE, bench.t + for_s, f"set-point of {source.value}", target_W=power_W)
    assert bench.command(Contribute(EVSE, f"party/{source.value}", (said,))).accepted


@pytest.mark.parametrize(
    ("ranking", "power_W", "sentence"),
    [
        (("csms", "site", "driver"), 4_000.0, "the site asked -8 kW and ranks after the central system"),
        (("site", "csms", "driver"), -8_000.0, "the central system asked 4 kW and ranks after the site"),
    ],
)
def test_the_configured_rank_decides_and_is_explained(
    new_bench: NewBench, ranking: tuple[str, ...], power_W: float, sentence: str
) -> None:
    bench = new_bench(ranking=ranking)
    bench.transferring()
    target(bench, Source.SITE, -8_000.0)
    target(bench, Source.CSMS, 4_000.0)
    assert bench.evse.setpoint.power_W == power_W
    assert sentence in bench.evse.setpoint.explanation
    assert bench.evse.foreseen(5.0, bench.now).pieces[0].target_W == power_W


def test_when_a_lease_runs_out_the_next_party_decides_and_the_journal_has_it(new_bench: NewBench) -> None:
    bench = new_bench(ranking=("site", "csms", "driver"), default_power_W=11_000.0, fallback_ramp_W_per_s=1e6)
    bench.transferring()
    target(bench, Source.CSMS, 4_000.0)
    target(bench, Source.SITE, -8_000.0, for_s=5.0)
    for _ in range(7):
        bench.live(1.0)
        bench.asks(Phase.TRANSFER)
    assert bench.evse.setpoint.power_W == 4_000.0
    journalled = [text for letter, text in bench.lines if letter == "*" and "asked by" in text]
    assert any("asked by the site" in text for text in journalled)
    assert "asked by the central system" in journalled[-1]


def test_the_wish_for_the_driver_keeps_a_higher_reserve_until_it_ends(bench: Bench) -> None:
    bench.transferring()
    target(bench, Source.CSMS, -5_000.0, for_s=1e4)
    assert bench.evse.setpoint.power_W == -5_000.0
    wish = DriverWish(bench.t + 20.0, minimum_soc_percent=60.0)  # the car has 55 %
    assert bench.command(WishForDriver(EVSE, wish, "a test")).accepted
    assert bench.evse.setpoint.power_W == 0.0
    assert "reserve of 60 %" in bench.evse.setpoint.explanation
    assert bench.control.evse_states(bench.t)[0].reserve_soc_percent == 60.0
    for _ in range(21):
        bench.live(1.0)
        bench.asks(Phase.TRANSFER)
    assert bench.evse.setpoint.power_W == -5_000.0


def test_a_lower_wish_does_not_go_below_what_the_car_keeps_for_its_driver(bench: Bench) -> None:
    bench.transferring()
    demand = bench.evse.view.car
    assert demand is not None
    keeping = replace(demand, energy=replace(demand.energy, minimum_soc_percent=55.0))
    bench.car(CarDemandChanged(keeping))
    bench.command(WishForDriver(EVSE, DriverWish(bench.t + 20.0, minimum_soc_percent=10.0), "a test"))
    target(bench, Source.CSMS, -5_000.0)
    assert bench.evse.setpoint.power_W == 0.0


def test_a_departure_asks_for_full_power_when_it_must(bench: Bench) -> None:
    bench.transferring()
    target(bench, Source.SITE, 0.0, for_s=1e5)
    demand = bench.evse.view.car
    assert demand is not None
    bench.car(CarDemandChanged(replace(demand, display=CarDisplay(capacity_Wh=60_000.0))))
    wish = DriverWish(bench.t + 1e5, target_soc_percent=80.0, departure_at_s=bench.t + 3_600.0)
    bench.command(WishForDriver(EVSE, wish, "a test"))  # 15 kWh at 50 kW: 18 min
    assert "driver" not in bench.evse.setpoint.explanation
    bench.command(WishForDriver(EVSE, replace(wish, departure_at_s=bench.t + 900.0), "a test"))
    assert "the driver asked 50 kW and ranks after the site" in bench.evse.setpoint.explanation
    bench.command(Contribute(EVSE, "party/site", ()))
    bench.live(60.0)
    bench.car(CarDemandChanged(replace(demand, at_s=bench.t, display=CarDisplay(capacity_Wh=60_000.0))))
    assert "80 % at departure" in bench.evse.setpoint.explanation


@pytest.mark.parametrize("soc_percent", [-0.1, 100.1, float("nan")])
def test_an_impossible_wish_cannot_be_made(soc_percent: float) -> None:
    with pytest.raises(ValueError, match="0 to 100"):
        DriverWish(1.0, minimum_soc_percent=soc_percent)


def guarded(new_bench: NewBench) -> Bench:
    """Behind a fuse of 32 A; without a meter 2 kW for all EVSEs."""
    return new_bench(
        fuse_guard=FuseGuardSection(fuse_A=32.0, margin_A=0.0, silent_import_A=2_000 / 690, dead_band_A=0.0)
    )


def test_without_a_meter_the_fallback_of_the_fuse_guard_holds(new_bench: NewBench) -> None:
    bench = guarded(new_bench)
    bench.transferring()
    assert bench.evse.setpoint.power_W == pytest.approx(2_000.0)
    assert SILENT in bench.evse.setpoint.explanation


def test_the_fuse_guard_gives_what_the_building_leaves(new_bench: NewBench) -> None:
    bench = guarded(new_bench)
    bench.transferring()
    for _ in range(60):
        reading = SiteMeterReading(bench.t, (4_000.0, 3_000.0, 3_000.0))
        assert bench.command(NoteSiteMeter(reading)).accepted
        bench.live(0.3)
        bench.asks(Phase.TRANSFER)
    assert bench.evse.setpoint.power_W == pytest.approx(3 * (32 * 230 - 4_000))
    assert "what the fuse leaves" in bench.evse.setpoint.explanation


def test_a_meter_without_a_fuse_guard_is_refused(bench: Bench) -> None:
    refused = bench.command(NoteSiteMeter(SiteMeterReading(bench.t, (1.0,))))
    assert not refused.accepted
    assert "[fuse_guard]" in refused.text
