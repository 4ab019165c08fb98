"""A bench remembers which faults were caused and not healed, so that it can be brought back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hil.bench.bench import Bench
from hil.bench.observed_bench import ObservedBench
from hil.bench.port import NotDone
from hil.bench.site import Choices
from hil.simulators.line_socket import Refused


class ObedientPlant:
    """Refuses the fault `nonsense`."""

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if request.get("name") == "nonsense":
            raise Refused("no such fault")
        return {"ok": True}


async def test_what_was_caused_and_not_healed_is_known(tmp_path: Path) -> None:
    bench = Bench(Choices(tmp_path))
    bench.plant = ObedientPlant()  # type: ignore[assignment]
    observed = ObservedBench(bench)
    await observed.inject("physics.insulation", {"value": 1000, "evse": 1})
    await observed.inject("bus.late", {"bus": "fast1", "count": 1})
    await observed.inject("bus.late", {"bus": "fast2", "count": 1})
    with pytest.raises(NotDone):
        await observed.inject("physics.nonsense", {"evse": 1})
    assert observed.injected == (
        ("bus.late", {"bus": "fast2", "count": 1, "evse": 1}),
        ("bus.late", {"bus": "fast1", "count": 1, "evse": 1}),
        ("physics.insulation", {"value": 1000, "evse": 1}),
    )
    await observed.heal("bus.late", {"bus": "fast2"})
    await observed.heal("physics.insulation", {"evse": 2})
    assert [fault for fault, _ in observed.injected] == ["bus.late", "physics.insulation"]
    await observed.heal("physics.insulation", {"evse": 1})
    assert [fault for fault, _ in observed.injected] == ["bus.late"]
