"""K15 over a real connection: needs up, the central system's word back, the plan reported; nothing waits while offline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chargepoint.model.charging_needs import PlannedPower
from chargepoint.model.ids import EvseId
from hil.simulators.csms import Csms
from tests.shell.test_ocpp_client_connection import Bench, eventually
from tests.unit.ocpp.test_ocpp_charging_needs import DC


@pytest.fixture
async def csms() -> AsyncIterator[Csms]:
    async with Csms() as csms:
        yield csms


@pytest.fixture
async def bench(csms: Csms, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(csms, tmp_path)
    yield bench
    await bench.power_cut()


@pytest.mark.parametrize(("answer", "waits"), [("Accepted", True), ("Processing", False), ("Rejected", False)])
async def test_what_the_central_system_says_of_needs(bench: Bench, csms: Csms, answer: str, waits: bool) -> None:
    csms.schedule_answer = answer
    bench.run()
    log = await csms.station("CP1")
    await eventually(lambda: bench.client.online)
    assert await bench.client.charging_needs(DC) is waits
    assert log.charging_needs[0]["evseId"] == 1
    await bench.client.car_plan(PlannedPower(EvseId(1), 1, 1_772_366_400, ((600, 9_000.0),), by_car=True))
    await csms.until(lambda: bool(log.car_plans))
    assert log.violations == []


async def test_offline_nothing_waits(bench: Bench) -> None:
    assert not await bench.client.charging_needs(DC)
    await bench.client.car_plan(PlannedPower(EvseId(1), 1, 1_772_366_400, ((600, 9_000.0),), by_car=True))
