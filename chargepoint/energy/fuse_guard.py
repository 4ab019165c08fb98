"""The fuse guard: keeps the whole connection, with everything else behind it, within its fuse. A core, with time as a number.

A site meter measures all that is behind the connection: the EVSEs and, beside them, the base load of the building. The guard
estimates the base load of each phase and leaves the EVSEs what the fuse has left over it.

A meter's value is some time old, and meanwhile the EVSEs changed their power. The guard takes power away at once, and assumes for that
the value to be as old as it can be: what it took away already is not taken twice. It gives power back only where the lowest power that the
EVSEs had in that time leaves room too, slowly and above a dead band. That is why a late meter makes no oscillation.

Own rules; no standard prescribes them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from chargepoint.energy.connection import ConnectionBound
from chargepoint.model.site_meter import SiteMeterReading


@dataclass(frozen=True, slots=True)
class FuseGuardRules:
    """How the guard works. Powers are magnitudes in W of all phases together, >= 0.

    `import_max_W`, `export_max_W`: what the connection carries. `margin_W` stays free of it.
    `silent_import_W`, `silent_export_W`: what the EVSEs may draw and give while the meter is silent.
    `silent_after_s`: a reading is good for so long. `delay_s`: the oldest that a value can be when it arrives, with the time in which
    the meter averages. `give_back_W_per_s` > 0, `dead_band_W` >= 0: how slowly power comes back, and above which difference.
    """

    import_max_W: float
    export_max_W: float
    margin_W: float
    silent_import_W: float
    silent_export_W: float
    silent_after_s: float
    delay_s: float
    give_back_W_per_s: float
    dead_band_W: float


SILENT = "the site meter is silent"


class FuseGuard:
    """The bound that the guard sets for all EVSEs together."""

    def __init__(self, rules: FuseGuardRules) -> None:
        self._rules = rules
        self._reading: SiteMeterReading | None = None
        self._flows: deque[tuple[float, float]] = deque()
        self._import_W = rules.silent_import_W
        self._export_W = rules.silent_export_W
        self._moved_s: float | None = None

    @property
    def reading(self) -> SiteMeterReading | None:
        """The last one."""
        return self._reading

    def note(self, reading: SiteMeterReading) -> None:
        """The site meter's newest value."""
        if self._reading is None or reading.taken_at_s >= self._reading.taken_at_s:
            self._reading = reading

    def bound(self, flow_W: float, now_s: float) -> ConnectionBound:
        """What the EVSEs may take and give together now. `flow_W`: what they take now, signed. Call it often: each 0.1 s."""
        self._remember(flow_W, now_s)
        reading, rules = self._reading, self._rules
        if reading is None or now_s - reading.taken_at_s > rules.silent_after_s:
            self._import_W, self._export_W = rules.silent_import_W, rules.silent_export_W
            self._moved_s = now_s
            return ConnectionBound(SILENT, self._import_W, self._export_W)
        step_W = rules.give_back_W_per_s * (now_s - (now_s if self._moved_s is None else self._moved_s))
        self._moved_s = now_s
        at = [flow_W for at_s, flow_W in self._flows if at_s <= reading.taken_at_s] or [self._flows[0][1]]
        likely, worst_load, worst_feed = (_rest(reading.phases_W, one_W) for one_W in (at[0], min(at), max(at)))
        import_max_W = max(0.0, rules.import_max_W - rules.margin_W)
        export_max_W = max(0.0, rules.export_max_W - rules.margin_W)
        self._import_W = self._moved(
            self._import_W, import_max_W - worst_load.load_W, import_max_W - likely.load_W, step_W
        )
        self._export_W = self._moved(
            self._export_W, export_max_W - worst_feed.feed_W, export_max_W - likely.feed_W, step_W
        )
        return ConnectionBound("what the fuse leaves beside the building", self._import_W, self._export_W)

    def _moved(self, now_W: float, surely_W: float, likely_W: float, step_W: float) -> float:
        """The bound after `now_W`: what is surely left, what is likely left; never below 0."""
        surely_W, likely_W = max(0.0, surely_W), max(0.0, likely_W)
        if likely_W < now_W:
            return likely_W
        if surely_W > now_W + self._rules.dead_band_W:
            return min(surely_W, now_W + step_W)
        return now_W

    def _remember(self, flow_W: float, now_s: float) -> None:
        self._flows.append((now_s, flow_W))
        reading = self._reading
        oldest_s = now_s
        if reading is not None:  # no older than a reading can be before it counts as none
            oldest_s = max(reading.taken_at_s, now_s - self._rules.silent_after_s) - self._rules.delay_s
        while len(self._flows) > 1 and self._flows[1][0] <= oldest_s:
            self._flows.popleft()


@dataclass(frozen=True, slots=True)
class _Rest:
    """What the building takes of the import and of the export, in watts of all phases; negative: it adds to what is left."""

    load_W: float
    feed_W: float


def _rest(phases_W: Sequence[float], flow_W: float) -> _Rest:
    """What the building takes if the EVSEs had this power. The worst phase counts for all: three-phase EVSEs load them alike.

    What the building feeds in (sun) adds to what the EVSEs may import; what it consumes adds to what they may export.
    """
    count = len(phases_W)
    return _Rest(count * max(phases_W) - flow_W, flow_W - count * min(phases_W))
