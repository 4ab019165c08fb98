"""Records of transactions that the disk does not take: nothing new begins, and what flows ends before much of it could be lost."""

from __future__ import annotations

UNSTORED_MAX_S = 60.0
"""So long power flows without its records being on the disk. As much is at stake between two meter readings of a healthy station
(`[csms] sampled_interval_s`, 60 s by default). Own figure: no standard names one."""


class UnstoredRecords:
    """What the shell has said of the disk last, and since when."""

    def __init__(self) -> None:
        self.trouble = ""
        """Why records are not stored, for people; empty: they are."""
        self._since_s = 0.0

    @property
    def detail(self) -> str:
        """`trouble` as a sentence."""
        return f"records cannot be stored: {self.trouble}"

    def note(self, trouble: str, now_s: float) -> None:
        """A record was not stored, for this reason; empty: one was."""
        if trouble and not self.trouble:
            self._since_s = now_s
        self.trouble = trouble

    def too_long(self, now_s: float) -> bool:
        """What flows must end."""
        return bool(self.trouble) and now_s - self._since_s >= UNSTORED_MAX_S
