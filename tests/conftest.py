"""The whole suite's settings: how long properties search, which marks a folder carries, in which order tests start."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).resolve().parent

# Properties name no numbers of their own: these two profiles do. In the short one every run tries the same examples.
settings.register_profile("short", max_examples=20, deadline=None, derandomize=True, database=None)
settings.register_profile("long", max_examples=100, deadline=None, print_blob=True)
settings.load_profile("long" if os.environ.get("CI") == "true" else "short")


TEST_PATIENCE_S = 240.0
"""An asynchronous test that takes longer fails, and the traceback names the line it waited at."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """No test waits for ever: a whole run ends, whatever one of its tests waits for."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        item.obj = in_time(item.obj)


def in_time(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """The same test, ended after `TEST_PATIENCE_S` by a TimeoutError."""

    @functools.wraps(test)
    async def bounded(*args: object, **kwargs: object) -> None:
        async with asyncio.timeout(TEST_PATIENCE_S):
            await test(*args, **kwargs)

    return bounded


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test in tests/system, and spread those over the run: they wait while the others compute."""
    waiting: list[pytest.Item] = []
    computing: list[pytest.Item] = []
    for item in items:
        if item.path.is_relative_to(TESTS / "system"):
            item.add_marker(pytest.mark.system)
            waiting.append(item)
        else:
            computing.append(item)
    items[:] = spread(waiting, computing)


def spread(few: list[pytest.Item], many: list[pytest.Item]) -> list[pytest.Item]:
    """All of `many` in their order, with `few` at equal distances between them, the first one at the start."""
    if not few:
        return many
    mixed: list[pytest.Item] = []
    taken = 0
    for number, item in enumerate(few):
        upto = len(many) * number // len(few)
        mixed += many[taken:upto]
        mixed.append(item)
        taken = upto
    return mixed + many[taken:]
