"""The demo's story shows a card, but not for a car that pays with its contract: a card that comes first would pay."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hil.bench.bench import Bench
from hil.demo.story import Story
from hil.simulators.evcc.plan import CarPlan


@pytest.mark.parametrize(("authorization", "cards"), [("EIM", 1), ("PnC", 0)])
def test_a_card_is_shown_only_where_the_plan_needs_one(authorization: str, cards: int) -> None:
    shown: list[bool] = []

    async def token() -> None:
        shown.append(True)

    async def evse() -> dict[str, Any]:
        return {"permission": "granted", "transaction": "tx-1"}

    bench = SimpleNamespace(
        own_car=lambda: SimpleNamespace(plan=CarPlan(authorization=authorization)),
        choices=SimpleNamespace(ac=False, control_mode="dynamic", car=None),
        token=token,
        evse=evse,
        started_s=time.monotonic(),
    )
    asyncio.run(Story(cast(Bench, bench), 0.0)._authorised())
    assert len(shown) == cards
