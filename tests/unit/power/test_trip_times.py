"""The times of docs/flows/trip.md, in virtual time: real drivers, register maps and wire speeds, while the car gives 10 kW."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chargepoint.model.faults import MAY_WAIT_FOR_CURRENT, FaultCode, InterlockTripped
from chargepoint.model.image import Stage
from tests.unit.power.conftest import STEP_S, PlantLoop

pytestmark = pytest.mark.slow

CONTACTOR_REQUEST = 1
"""Bit 0 of the request that the host writes to the board."""


def emergency_stop(loop: PlantLoop) -> None:
    loop.plant.board.inputs.emergency_chain = False


def pilot_leaves_c(loop: PlantLoop) -> None:
    loop.plant.car.pilot = "B"


@pytest.mark.parametrize("moment_ms", [0, 7, 13])
@pytest.mark.parametrize(
    ("cause", "code", "trip_max_ms", "order_max_ms", "open_max_ms"),
    [
        (emergency_stop, FaultCode.EMERGENCY_STOP, 40, 49, 10),
        (pilot_leaves_c, FaultCode.PILOT_LOST, 58, 83, 93),
    ],
)
def test_a_trip_keeps_the_times_of_the_page(
    cause: Callable[[PlantLoop], None],
    code: FaultCode,
    trip_max_ms: float,
    order_max_ms: float,
    open_max_ms: float,
    moment_ms: int,
) -> None:
    loop = PlantLoop()
    loop.reach(Stage.TRANSFER, power_W=-10_000.0)
    loop.run(moment_ms * STEP_S)
    at_ms: dict[str, float] = {}
    begun_s = loop.now_s

    def watch() -> None:
        now_ms = (loop.now_s - begun_s) * 1000
        trips = [event.code for event in loop.events if isinstance(event, InterlockTripped)]
        if trips and "trip" not in at_ms:
            at_ms["trip"] = now_ms
            assert trips[0] is code
            waits = code in MAY_WAIT_FOR_CURRENT
            assert loop.at(Stage.RAMP_DOWN if waits else Stage.OPENING), "ordered in the cycle that saw the cause"
        if not loop.plant.board.request & CONTACTOR_REQUEST:
            at_ms.setdefault("order", now_ms)
        if not loop.plant.board.positive.closed:
            at_ms.setdefault("open", now_ms)

    loop.watch = watch
    cause(loop)
    loop.run(0.15)
    assert set(at_ms) == {"trip", "order", "open"}
    assert at_ms["trip"] <= trip_max_ms + 1
    assert at_ms["order"] <= order_max_ms + 1
    assert at_ms["open"] <= open_max_ms + 1
    assert at_ms["open"] <= 100, "IEC 61851-1 Table A.6"
