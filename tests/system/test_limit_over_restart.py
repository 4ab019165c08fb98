"""The central system's limit for a transaction holds on where the daemon is killed and the transaction goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.system.conftest import Demo

LIMIT_W = 6000.0
WATCHED_S = 3.0


@pytest.mark.slow
def test_a_tx_profile_outlives_the_daemon(new_demo: Callable[..., Demo]) -> None:
    demo = new_demo()
    demo.until("the first loops", lambda: demo.state()["car"]["loops"] > 20)
    assert demo.until("set-point", lambda: demo.steer(do="setpoint", power_W=LIMIT_W)["ok"])
    demo.until_power(LIMIT_W)
    (before,) = demo.state()["central_system"]["transactions"]
    assert demo.steer(do="kill", what="daemon")["ok"]
    demo.until("the daemon is back", lambda: demo.state()["processes"]["daemon"]["starts"] == 2)
    demo.until("power again", lambda: demo.plant()["power_W"] > 0.9 * LIMIT_W)
    until_s = time.monotonic() + WATCHED_S
    while time.monotonic() < until_s:
        assert demo.plant()["power_W"] < 1.05 * LIMIT_W
        time.sleep(0.05)
    (after,) = demo.state()["central_system"]["transactions"]
    assert (after["id"], after["ended"]) == (before["id"], False)
