"""What a scenario asks of a bench. Real time or virtual, simulated or real devices: the scenario sees only this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hil.record.line import Json
from hil.record.record import BenchRecord


class NotDone(Exception):
    """The bench or the station refused what was asked; the text says what, the value, its bound, and what to do."""


class BenchPort(Protocol):
    """One bench, under way. Times are seconds since the record began, on the bench's clock."""

    @property
    def record(self) -> BenchRecord:
        """Everything seen so far; `look` brings it up to now."""

    @property
    def evses(self) -> tuple[int, ...]:
        """Numbers of the EVSEs."""

    @property
    def facts(self) -> Mapping[str, Json]:
        """What the bench has learnt of the controller under test, for reports."""

    def now_s(self) -> float:
        """The bench's clock."""

    async def look(self) -> None:
        """Ask every source what it has seen since the last time; then `record` is known until now."""

    async def sleep(self, for_s: float) -> None:
        """Let this much time of the bench pass. Sources are asked meanwhile as often as the bench thinks fit."""

    async def do(self, verb: str, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        """Perform a verb of `hil.bench.verbs` and return its answer. Raises NotDone."""

    async def inject(self, fault: str, arguments: Mapping[str, Json]) -> None:
        """Cause a fault of `hil.faults`. Raises NotDone."""

    async def heal(self, fault: str, arguments: Mapping[str, Json]) -> None:
        """Take a fault back. Raises NotDone."""
