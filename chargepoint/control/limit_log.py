"""Which limits of outside parties are worth a line of the journal: an edge terminal sends its limit anew each second. A core.

A limit that begins, ends, passes to another party, or shuts one direction off or on is worth a line at once. A limit whose figures
move by more than a tenth is worth one line a minute.
"""

from __future__ import annotations

from chargepoint.model.commands import ExternalLimit

CHANGE_MIN_SHARE = 0.1
PERIOD_S = 60.0


class LimitLog:
    """Remembers the limit of the last line."""

    def __init__(self) -> None:
        self._written: ExternalLimit | None = None
        self._written_s = 0.0

    def note(self, limit: ExternalLimit | None, now_s: float) -> str | None:
        """The line where this limit is worth one now. None as `limit`: it was released."""
        before = self._written
        if limit is None:
            self._written = None
            return None if before is None else "the outside party's limit is released"
        if before is not None and before.source is limit.source and not self._moved(before, limit, now_s):
            return None
        self._written, self._written_s = limit, now_s
        return limit.text

    def _moved(self, before: ExternalLimit, after: ExternalLimit, now_s: float) -> bool:
        pairs = ((before.import_max_W, after.import_max_W), (before.export_max_W, after.export_max_W))
        if any((old_W > 0.0) != (new_W > 0.0) for old_W, new_W in pairs):
            return True
        far = any(abs(new_W - old_W) > CHANGE_MIN_SHARE * old_W for old_W, new_W in pairs)
        return far and now_s - self._written_s >= PERIOD_S
