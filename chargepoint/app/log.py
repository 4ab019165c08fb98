"""Logging for both processes: one line an event, to the journal's standard error with its priority, or to a terminal.

The log is bounded here, once for both processes: of each fault one line a second is written, of each line of the story five
(`log_repeats`). The others are counted.
"""

from __future__ import annotations

import copy
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import TextIO

from chargepoint.app.log_repeats import PERIOD_S, Repeats, Written, cause_of, plain
from chargepoint.app.never_waiting import NeverWaiting

STORY_LINES_MAX = 5
"""Lines of one cause that are written in a second where nothing is wrong: two EVSEs differ in a number only."""

_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class _Journal(logging.Formatter):
    """`<N>` before each line: systemd takes it as the priority (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        prefix = f"<{_PRIORITY.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in text.splitlines())


class BoundedHandler(logging.Handler):
    """Hands each record to `target`, at most one of each cause a second, with the count of those it left out.

    `now_s`: a monotonic clock. A count that is open when the handler closes is written then.
    """

    def __init__(self, target: logging.Handler, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._target = target
        self._now_s = now_s
        self._repeats: Repeats[logging.LogRecord] = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        """Write, count, or both."""
        try:
            text = record.getMessage()
            exception = "" if record.exc_info is None else repr(record.exc_info[1])
            # a line with a peer's own words in it names its cause itself: else each new word would be a new cause
            cause = f"{record.name} {getattr(record, 'cause', None) or cause_of(text + exception)}"
            at_most = STORY_LINES_MAX if record.levelno < logging.WARNING else 1
            for written in self._repeats.take(record, cause, record.levelno, self._now_s(), at_most=at_most):
                self._write(written)
        except Exception:  # a record that cannot be formatted must not end the work that wrote it
            self.handleError(record)

    def close(self) -> None:
        """Write the open counts, then close the target."""
        for written in self._repeats.finish():
            self._write(written)
        self._target.close()
        super().close()

    def _write(self, written: Written[logging.LogRecord]) -> None:
        record = copy.copy(written.line)
        record.msg, record.args = plain(written.line.getMessage()), ()
        if written.more:
            record.msg += f" ({written.more} more in the last {_period()})"
        self._target.handle(record)


def _period() -> str:
    return "second" if PERIOD_S == 1.0 else f"{PERIOD_S:g} s"


def set_up(level: str, *, never_wait: bool = False) -> None:
    """Log to standard error; under systemd with priorities, else with time.

    `never_wait`: a log that nobody reads loses lines instead of holding up the process.
    """
    stream: TextIO | NeverWaiting = NeverWaiting(sys.stderr.fileno()) if never_wait else sys.stderr
    target: logging.StreamHandler[TextIO | NeverWaiting] = logging.StreamHandler(stream)
    if "JOURNAL_STREAM" in os.environ:
        target.setFormatter(_Journal("%(name)s %(message)s"))
    else:
        target.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(name)-10s %(message)s", "%H:%M:%S"))
    root = logging.getLogger()
    root.handlers[:] = [BoundedHandler(target)]
    root.setLevel(level.upper())
    for noisy in ("websockets", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
