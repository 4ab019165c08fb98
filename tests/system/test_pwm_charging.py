"""A car without a protocol at an AC outlet without a network interface: plant, power process and daemon as processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hil.bench.bench import Bench
from hil.bench.site import Choices

PATIENCE_S = 60.0


async def until(what: str, seen: Callable[[], Awaitable[bool]]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not await seen():
        assert time.monotonic() < deadline_s, f"waited {PATIENCE_S:.0f} s for {what}"
        await asyncio.sleep(0.1)


async def test_the_set_point_becomes_a_duty_cycle_and_the_energy_is_metered(tmp_path: Path, sdp_port: int) -> None:
    choices = Choices(
        tmp_path / "demo", own_car=False, ac=True, tls=False, sdp_port=sdp_port, amendments=(('interface = "lo"', ""),)
    )
    async with Bench(choices, observe=False) as bench:

        async def plant() -> dict[str, Any]:
            return await bench.plant_state()

        async def duty() -> float:
            return float((await plant())["duty_percent"] or 0.0)

        async def offered() -> bool:
            return await duty() > 10.0

        await until("the station", lambda: _is_up(bench))
        await bench.plant.ask({"do": "plug"})
        await until("a duty cycle", offered)
        current_A = 0.6 * await duty()
        assert current_A == pytest.approx(11_000.0 / 690.0, rel=0.01)  # default_power_W of the template
        await bench.plant.ask({"do": "car", "pilot": "C", "power_W": 690.0 * current_A})

        async def flows() -> bool:
            return float((await plant())["power_W"]) == pytest.approx(690.0 * current_A, rel=0.01)

        await until("power", flows)
        await asyncio.sleep(3.0)
        assert (await bench.evse())["transaction"] is not None
        await bench.setpoint(6_900.0)

        async def less() -> bool:
            return 0.6 * await duty() == pytest.approx(10.0, rel=0.01)

        await until("the new duty cycle", less)
        await bench.plant.ask({"do": "car", "power_W": 0.0})
        await asyncio.sleep(1.0)
        await bench.plant.ask({"do": "car", "pilot": "B"})

        async def opened() -> bool:
            return not (await plant())["contactor_closed"]

        await until("the open contactor", opened)
        await bench.stop_transaction()

        async def ended() -> bool:
            return (await bench.evse())["transaction"] is None

        await until("the end of the transaction", ended)
        state = await plant()
        assert state["meter_import_Wh"] == pytest.approx(state["plant_import_Wh"], rel=0.01)
        assert state["plant_import_Wh"] > 5.0 and state["opened_under_A"] < 1.0


async def _is_up(bench: Bench) -> bool:
    evse = await bench.evse()
    return evse["image"] is not None and not evse["image"]["faults"]
