"""Where a key stands in the file: line numbers for error texts, found by looking, not by parsing.

tomllib gives values without lines. tomllib has accepted the text before this module looks for a header or a `key =`: a plain
search is enough. Where the search finds no key, it gives the line of the nearest table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=")


class Lines:
    """Line numbers of one TOML text, from 1."""

    def __init__(self, text: str) -> None:
        self._tables: dict[str, int] = {"": 1}
        self._keys: dict[str, int] = {}
        table = ""
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.match(line):
                table = _plain(header[1])
                self._tables.setdefault(table, number)
            elif key := _KEY.match(line):
                self._keys.setdefault(f"{table}.{_plain(key[1])}".lstrip("."), number)

    def of(self, path: Sequence[str | int]) -> int:
        """The line of this key, or of the nearest table around it."""
        names = [str(part) for part in path]
        for end in range(len(names), 0, -1):
            joined = ".".join(names[:end])
            if joined in self._keys:
                return self._keys[joined]
            if joined in self._tables:
                return self._tables[joined]
        return 1


def _plain(dotted: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in dotted.split("."))
