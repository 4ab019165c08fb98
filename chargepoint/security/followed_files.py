"""Something that is made of files, and made anew when the files change. A bad new set of files keeps the old thing.

The files are looked at when the thing is asked for; nothing runs between two questions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from chargepoint.model.unusable import Unusable

Thing = TypeVar("Thing")

_State = tuple[tuple[str, int, int, int], ...]
"""Name, inode, size and time of the last change (of content or mode) of each file."""


class FollowedFiles(Generic[Thing]):
    """`current` is what the files give now, or gave last."""

    def __init__(
        self, what: str, files: Callable[[], Iterable[Path]], make: Callable[[], Thing], log: logging.Logger
    ) -> None:
        """Makes the thing for the first time. Raises what `make` raises, an `Unusable` where the files cannot be used.

        `what`: the thing's name for the log. `files`: the paths to look at; one that is missing counts as a state, too.
        """
        self._what = what
        self._files = files
        self._make = make
        self._log = log
        self._seen = self._state()
        self._thing = make()

    def current(self) -> Thing:
        """The thing as the newest good set of files gives it."""
        self.reload_if_changed()
        return self._thing

    def reload_if_changed(self) -> bool:
        """Whether changed files have given a new thing. A set that cannot be used is logged once, and the old thing stays."""
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            self._thing = self._make()
        except Unusable as error:
            self._log.warning("! new %s are not used, the old ones stay: %s", self._what, error)
            return False
        self._log.info("* %s read anew", self._what)
        return True

    def _state(self) -> _State:
        state = []
        for file in self._files():
            try:
                seen = file.stat()
                state.append((str(file), seen.st_ino, seen.st_size, seen.st_ctime_ns))
            except OSError:
                state.append((str(file), 0, 0, 0))
        return tuple(state)
