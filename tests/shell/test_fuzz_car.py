"""Mutated frames over real sockets, as `./run bench fuzz-car` sends them: a short run of it."""

from __future__ import annotations

import pytest

from tests.bench.fuzz_car import measure
from tests.joined.outlet import AC_OUTLET, DC_OUTLET, Outlet

FRAMES = 600
MEMORY_GROWS_MAX_MB = 5.0


@pytest.mark.slow
@pytest.mark.parametrize("outlet", [DC_OUTLET, AC_OUTLET], ids=lambda outlet: str(outlet.energy))
def test_mutated_frames_leave_nothing_behind(outlet: Outlet) -> None:
    figures = measure(FRAMES, seed=7, quiet=True, outlet=outlet)
    assert figures["frames"] >= FRAMES
    assert figures["unhandled_exceptions"] == 0
    assert figures["absurd_orders"] == 0
    assert figures["next_car_served"]
    assert figures["exit_code"] == 0
    (rss_before, rss_after), (open_before, open_after) = figures["rss_MB"], figures["descriptors"]
    assert rss_after <= rss_before + MEMORY_GROWS_MAX_MB
    assert open_after <= open_before
    assert figures["tasks"][0] == figures["tasks"][1]
    # the log's second and the clock's second do not begin together, and a count closes a second: three lines may share one
    assert figures["warnings_of_one_cause_in_one_second"] <= 3
