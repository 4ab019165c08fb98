"""`python -m tests.system.two_cars DIR`: two cars at once at two EVSEs, in a network namespace; prints what was seen as one JSON object."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hil.attach import private_network
from hil.bench.bench import Bench
from hil.bench.site import Choices
from tests.bench.cars import available, looping

PATIENCE_S = 60.0


async def until(what: str, condition: Callable[[], Awaitable[bool]]) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise RuntimeError(f"waited {PATIENCE_S:.0f} s for {what}") from None


async def powers_W(bench: Bench) -> list[float]:
    return [float((await bench.plant_state(evse))["power_W"]) for evse in bench.cars]


async def until_powers(bench: Bench, wanted_W: list[float]) -> None:
    async def there() -> bool:
        return all(abs(a - b) <= 300.0 for a, b in zip(await powers_W(bench), wanted_W, strict=True))

    await until(f"{wanted_W} W", there)


async def play(folder: Path) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    choices = Choices(folder, cables=private_network.lay_cables(2), without_waits=True)
    async with Bench(choices) as bench:
        await available(bench)
        for evse in bench.cars:
            await bench.token(f"04A2B3C4D5{evse:04X}", evse)
            await bench.plug(evse)
        for evse in bench.cars:
            await looping(bench, evse)
        await until_powers(bench, [11_000.0, 11_000.0])
        await bench.setpoint(-5000.0, evse=2)
        await until_powers(bench, [11_000.0, -5000.0])
        seen["powers_W"] = await powers_W(bench)
        await bench.unplug(1)
        await until_powers(bench, [0.0, -5000.0])
        seen["powers_after_unplug_W"] = await powers_W(bench)
        transactions = bench.station.transactions.values()

        async def delivered() -> bool:
            return any(t.ended and not t.gaps for t in transactions)

        await until("the ended transaction", delivered)
        seen["transactions"] = [
            {"evse": t.in_order[0]["evse"]["id"], "ended": t.ended, "gaps": t.gaps} for t in transactions
        ]
        seen["errors"] = [None if car.progress is None else car.progress.error for car in bench.cars.values()]
        seen["violations"] = bench.station.violations
    return seen


if __name__ == "__main__":
    json.dump(asyncio.run(play(Path(sys.argv[1]))), sys.stdout)
