"""A bench that the client starts itself: the process of `./run hil serve`, ended with the client, however that ends."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from hil.client.errors import BenchGone

READY_S = 120.0
END_S = 20.0
_ROOT = Path(__file__).resolve().parents[2]


class StartedBench:
    """The process, and where it listens (`socket`, `http`). It ends when its input ends: also when this program is killed."""

    def __init__(self, options: Sequence[str], folder: str | os.PathLike[str] | None = None) -> None:
        """Raises BenchGone with the last words of the process, where it is not ready after `READY_S`."""
        self._own = tempfile.TemporaryDirectory(prefix="bench-") if folder is None else None
        self.folder = Path(self._own.name if self._own is not None else str(folder)).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        ending = ["--json", "--http", "127.0.0.1:0", "--until-input-ends", "--dir", str(self.folder)]
        with (self.folder / "serve.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*_command(), *ending, *options],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            ready = json.loads(self._first_line() or "{}")
            self.socket, self.http = str(ready["socket"]), str(ready["http"])
        except (ValueError, KeyError):
            self.stop()
            raise BenchGone(f"the bench did not start: {self._last_words()}") from None

    @property
    def pid(self) -> int:
        """Of the serving process."""
        return self._process.pid

    def stop(self) -> None:
        """End it. What it made is gone, unless a folder was named."""
        process = self._process
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        for end in (None, process.terminate, process.kill):
            if end is not None:
                end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
                break
        if process.stdout is not None:
            process.stdout.close()

    def remove(self) -> None:
        """Remove what it made, where no folder was named."""
        if self._own is not None:
            self._own.cleanup()

    def _first_line(self) -> bytes:
        assert self._process.stdout is not None
        until_s, line = time.monotonic() + READY_S, b""
        number = self._process.stdout.fileno()
        while not line.endswith(b"\n") and (left_s := until_s - time.monotonic()) > 0:
            if select.select([number], [], [], left_s)[0]:
                piece = os.read(number, 65536)
                if not piece:
                    break
                line += piece
        return line

    def _last_words(self) -> str:
        words = (self.folder / "serve.log").read_text(errors="replace").strip()[-1000:]
        return words or f"not ready after {READY_S:g} s"


def _command() -> list[str]:
    """The start script where the client lies in the repository, so that any Python may use it; else the installed package."""
    script = _ROOT / "run"
    return [str(script), "hil", "serve"] if script.is_file() else [sys.executable, "-m", "hil.steering"]


def options_of(
    evses: int,
    outlet: str | None,
    car: str | None,
    module: str | None,
    bench_file: str | os.PathLike[str] | None,
    tls: bool,
) -> list[str]:
    """Options of `./run hil serve`."""
    found = ["--evses", str(evses)]
    for name, value in (("outlet", outlet), ("car", car), ("module", module)):
        found += [] if value is None else [f"--{name}", value]
    found += [] if bench_file is None else ["--bench", str(Path(bench_file).resolve())]
    return [*found, *(["--tls"] if tls else [])]
