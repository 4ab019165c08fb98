"""Notes real calls of the functions named in WALK_TRACE_NAMES; Python loads this file by itself where it is on PYTHONPATH.

Each process writes one JSON file into WALK_TRACE_DIR when it ends: [second, "call" or "return", name] in order.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import time
from pathlib import Path
from types import FrameType

EVENTS_MAX = 2_000_000


def _trace(folder: Path, names: dict[tuple[str, str], str]) -> None:
    events: list[tuple[float, str, str]] = []
    known: dict[object, str | None] = {}

    def note(frame: FrameType, event: str, _: object) -> None:
        if event not in ("call", "return"):
            return
        code = frame.f_code
        try:
            name = known[code]
        except KeyError:
            tail = "/".join(Path(code.co_filename).parts[-4:])
            name = next(
                (n for (file, function), n in names.items() if _same(tail, file) and code.co_qualname == function), None
            )
            known[code] = name
        if name is not None and len(events) < EVENTS_MAX:
            events.append((time.monotonic(), event, name))

    def write() -> None:
        sys.setprofile(None)
        (folder / f"{os.getpid()}.json").write_text(json.dumps(events))

    atexit.register(write)
    sys.setprofile(note)


def _same(tail: str, file: str) -> bool:
    return file.endswith(tail) or tail.endswith(file)


_folder = os.environ.get("WALK_TRACE_DIR")
if _folder and b"chargepoint\0" in Path("/proc/self/cmdline").read_bytes():
    _pairs = json.loads(os.environ["WALK_TRACE_NAMES"])
    _trace(Path(_folder), {(file, function): f"{file} -> {function}" for file, function in _pairs})
