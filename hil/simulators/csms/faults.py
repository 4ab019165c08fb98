"""What goes wrong at the bench central system, on demand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Faults:
    """What goes wrong, until set back. `drop_on`: close the socket instead of answering the next CALL of this action;
    `swallow`: do not answer at all; `late_s`: answer after so long; `error`: answer with this CALLERROR code; `garbage`:
    answer with this text. Each counts down `times` (None: for ever) over the CALLs it hits (`action` None: any)."""

    refuse_connections: bool = False
    drop_on: str | None = None
    swallow: str | None = None
    error: tuple[str, str] | None = None
    late: tuple[str, float] | None = None
    garbage: tuple[str, str] | None = None
    lie: str | None = None
    """A key of `lies.LIES`; until set back, whatever `times` says."""
    times: int | None = 1

    def spend(self) -> None:
        """One hit; after the last the fault is over."""
        if self.times is None:
            return
        self.times -= 1
        if self.times <= 0:
            self.drop_on = self.swallow = self.error = self.late = self.garbage = None
            self.times = 1
