"""Which set-points are worth a line: a change of who decides or cuts, or of more than 100 W, at most one line a second."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.demand import Setpoint, Source

CHANGE_MIN_W = 100.0
PERIOD_S = 1.0


@dataclass(frozen=True, slots=True)
class SetpointLine:
    """One line. `other_party` True: another party decides than in the line before, which is worth an entry in the journal."""

    text: str
    other_party: bool


class SetpointLog:
    """Remembers the last line written."""

    def __init__(self) -> None:
        self._power_W = 0.0
        self._sources: tuple[Source, Source | None] = (Source.DEFAULT, None)
        self._written_s = -PERIOD_S

    def note(self, setpoint: Setpoint, *, at_work: bool, now_s: float) -> SetpointLine | None:
        """The explanation where it is worth a line now. `at_work`: a transaction runs and is not stopping."""
        sources = (setpoint.decided_by, setpoint.limited_by)
        changed = abs(setpoint.power_W - self._power_W) > CHANGE_MIN_W or sources != self._sources
        if not at_work:
            self._power_W, self._sources = setpoint.power_W, sources
            return None
        if not changed or now_s - self._written_s < PERIOD_S:
            return None
        other_party = sources[0] is not self._sources[0]
        self._power_W, self._sources, self._written_s = setpoint.power_W, sources, now_s
        return SetpointLine(setpoint.explanation, other_party)
