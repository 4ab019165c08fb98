"""What the self-test finds out about this computer: clock, disk, watchdog, rights. A shell that judges nothing."""

from __future__ import annotations

import ctypes
import datetime
import os
import shutil
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from chargepoint.commissioning.selftest_items import ComputerFacts
from chargepoint.config.schema import Config
from chargepoint.power.wiring import latch_folder

_TIME_ERROR = 5
_TIMEX_BYTES = 512


def look(config: Config, warnings: Sequence[str]) -> ComputerFacts:
    """Never raises: what cannot be found out is in the facts, in words."""
    folder = latch_folder(config)
    missing = "" if folder.is_dir() else f"{folder}: not there yet; the power process makes it at its first start"
    write_ms, trouble = (None, "") if missing else _write(folder)
    watchdog = config.power.hardware_watchdog
    return ComputerFacts(
        warnings=tuple(warnings),
        year=datetime.datetime.now(datetime.UTC).year,
        clock_synchronised=_clock_synchronised(),
        disk_free_MB=_free_MB(config.station.state_dir),
        latch_write_ms=write_ms,
        latch_missing=missing,
        latch_trouble=trouble,
        watchdog=None if watchdog is None else str(watchdog),
        watchdog_trouble="" if watchdog is None else _watchdog_trouble(watchdog),
        realtime_wanted=config.power.realtime is not False,
        realtime_trouble=_realtime_trouble(),
    )


def _clock_synchronised() -> bool | None:
    """Whether the kernel's clock is steered by a time server (adjtimex(2)); None: the system does not say."""
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else bool(answer != _TIME_ERROR)


def _free_MB(folder: Path) -> float | None:
    """Of the nearest folder that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return round(shutil.disk_usage(folder).free / 1e6, 1)
    except OSError:
        return None


def _write(folder: Path) -> tuple[float | None, str]:
    """Milliseconds to write and sync a file in the folder of the latch record, or in words why not. The file is removed."""
    path = folder / f"selftest-{os.getpid()}"
    began_s = time.monotonic()
    try:
        with path.open("xb") as file:
            file.write(b"self-test\n")
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except OSError as error:
        return None, f"{folder}: {error.strerror}"
    return round(1000 * (time.monotonic() - began_s), 1), ""


def _watchdog_trouble(path: Path) -> str:
    """It is not opened: opening starts it."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"{path}: {error.strerror}"
    if not stat.S_ISCHR(mode):
        return f"{path}: no device"
    return "" if os.access(path, os.W_OK) else f"{path}: this user may not write it"


def _realtime_trouble() -> str:
    """Try, and go back at once."""
    policy, param = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, policy, param)
    except OSError as error:
        return error.strerror or "refused"
    return ""
