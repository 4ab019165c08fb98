"""One message of the simulated car as data: how it is made, what answers it, how long the car waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chargepoint.iso15118.v2gtp import PayloadType
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.steps import Next

STOP_PATIENCE_S = 5.0
"""After PowerDelivery(Stop) and SessionStop the bench's car waits longer than the standard's 2 s: the station ramps down."""
BEFORE_PATIENCE_S = 5.0
"""How long a row's `before` may be unfulfilled."""


def ongoing(spec: CarSpec) -> float:
    """The car's patience with Ongoing."""
    return spec.ongoing_timeout_s


def loop(spec: CarSpec) -> float:
    """The car's patience in the charge loop."""
    return spec.loop_timeout_s


def stop(spec: CarSpec) -> float:
    """The car's patience at the end."""
    return max(STOP_PATIENCE_S, spec.message_timeout_s)


@dataclass(frozen=True, slots=True)
class CarMessageRow:
    """One message of the car. Its functions take the memory of the protocol that the row belongs to."""

    request: Callable[[Any], Any]
    answer: type
    answered: Callable[[Any, Any], Next]
    payload_type: PayloadType = PayloadType.MAINSTREAM
    patience_s: Callable[[CarSpec], float] = lambda spec: spec.message_timeout_s
    repeats_s: Callable[[CarSpec], float] | None = None
    """How long the step may be repeated (Ongoing); None: as long as the station wants."""
    before: Callable[[Any], bool] | None = None
    """The request waits until this holds."""
    before_complaint: str = ""
