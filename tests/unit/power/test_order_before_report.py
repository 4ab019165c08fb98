"""The order of a cycle: what is ordered is on the bus before the link, the record of latches and the log hear of it."""

from __future__ import annotations

import logging
from typing import Any, cast

from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import PowerEvent, Stage
from chargepoint.power.cycle import Cycle

EVSE = EvseId(1)


class TrippingStage:
    """A stage that trips in its first cycle."""

    evse_id, settled, waits_for_current = EVSE, False, False
    identity_errors: tuple[tuple[str, str], ...] = ()
    operator_latches: dict[FaultCode, str] = {}  # noqa: RUF012

    def note_overrun(self, words: str) -> None: ...

    def __init__(self, done: list[str]) -> None:
        self._done = done
        self._tripped = False

    def cycle(self, now_s: float) -> Any:
        self._done.append("ordered")

        class Image:
            evse_id = EVSE
            stage = Stage.OPENING

        return Image()

    def poll(self, now_s: float) -> None:
        pass

    def events(self) -> list[PowerEvent]:
        return [InterlockTripped(EVSE, FaultCode.EMERGENCY_STOP, 0.0, "pressed")]


class RecordingBus:
    name = "fast"
    deadline_s = None

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def fileno(self) -> int | None:
        return None

    @property
    def patience_s(self) -> float:
        return 0.0

    def pump(self, now_s: float, *, quiet: bool = False) -> bool:
        self._done.append("on the bus")
        return True

    def health(self) -> Any:
        class Health:
            name = "fast"
            trouble = ""

        return Health()


class RecordingLink:
    errors: list[str] = []  # noqa: RUF012

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def send(self, message: object) -> None:
        if "Health" not in type(message).__name__:
            self._done.append(f"sent {type(message).__name__}")


class RecordingLog(logging.Handler):
    def __init__(self, done: list[str]) -> None:
        super().__init__()
        self._done = done

    def emit(self, record: logging.LogRecord) -> None:
        self._done.append("logged")


def test_a_trips_order_is_on_the_bus_before_anybody_hears_of_it() -> None:
    done: list[str] = []
    log = logging.Logger("order-before-report")
    log.addHandler(RecordingLog(done))
    stage, bus, link = TrippingStage(done), RecordingBus(done), RecordingLink(done)
    cycle = Cycle({EVSE: cast(Any, stage)}, [cast(Any, bus)], cast(Any, link), 0.01, lambda: None, log)
    assert cycle.tick(1.0) is False
    assert done == ["ordered", "on the bus", "sent Image", "sent InterlockTripped", "logged"]
