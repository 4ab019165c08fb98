"""Requests to the person at the bench: at the terminal, where there is one, and in the log of the run."""

from __future__ import annotations

import contextlib
import sys

TERMINAL = "/dev/tty"
"""A run's own output goes to its log; this is where the person sits all the same."""


def ask_person(text: str) -> None:
    """Show it. Whoever asks waits for what follows, not for an answer."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()
    with contextlib.suppress(OSError), open(TERMINAL, "w", encoding="utf-8") as terminal:
        terminal.write(f"\a>>> {text}\n")
