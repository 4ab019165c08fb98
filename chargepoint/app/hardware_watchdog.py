"""The computer's hardware watchdog: it resets the computer when the power process no longer feeds it.

The loop itself feeds it, at the end of a healthy turn, and no thread does. An ordered stop ends it with the letter
`V`. A process that dies leaves it running: whoever starts the process again within the time-out takes it over.
Source: the Linux kernel's watchdog API (Documentation/watchdog/watchdog-api.rst): WDIOC_SETTIMEOUT, WDIOC_GETTIMEOUT, and the letter V before a close.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

WDIOC_SETTIMEOUT = 0xC0045706
WDIOC_GETTIMEOUT = 0x80045707
FED_PER_TIMEOUT = 4

Ioctl = Callable[[int, int, bytes], bytes]

log = logging.getLogger("power")


class HardwareWatchdog:
    """Open once; `beat` from the loop; `close` at the end. A device that fails is reported once, and nothing is raised."""

    def __init__(
        self,
        path: Path,
        timeout_s: int,
        ioctl: Ioctl = fcntl.ioctl,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the device and set its time-out. The device counts whole seconds and may choose others: those count then."""
        self._path = path
        self._now = now
        self._fed_at_s = -1e9
        self._fd: int | None = None
        self.timeout_s = timeout_s
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            ioctl(self._fd, WDIOC_SETTIMEOUT, struct.pack("i", timeout_s))
            (self.timeout_s,) = struct.unpack("i", ioctl(self._fd, WDIOC_GETTIMEOUT, struct.pack("i", 0)))
        except OSError as error:
            self._report(error)
            return
        if self.timeout_s != timeout_s:
            log.warning(
                "! %s: the time-out is %d s, %d s was wanted ([power] hardware_watchdog_s)",
                path,
                self.timeout_s,
                timeout_s,
            )
        log.info("* %s: resets the computer after %d s without the power process", path, self.timeout_s)

    @property
    def active(self) -> bool:
        """The device is open and is being fed."""
        return self._fd is not None

    def beat(self) -> None:
        """Feed the device, if a part of its time-out has passed."""
        if self._fd is None:
            return
        now_s = self._now()
        if now_s - self._fed_at_s < max(self.timeout_s, 1) / FED_PER_TIMEOUT:
            return
        self._fed_at_s = now_s
        try:
            os.write(self._fd, b"\0")
        except OSError as error:
            self._report(error)

    def close(self, *, ordered: bool) -> None:
        """`ordered`: the watchdog ends too. Otherwise it goes on, and resets the computer unless it is taken over."""
        if self._fd is None:
            return
        with contextlib.suppress(OSError):
            if ordered:
                os.write(self._fd, b"V")
        with contextlib.suppress(OSError):
            os.close(self._fd)
        self._fd = None

    def _report(self, error: OSError) -> None:
        log.error(
            "! %s: the hardware watchdog does not work: %s; see [power] hardware_watchdog and systemd/README.md",
            self._path,
            error.strerror,
        )
        # what cannot be fed must not go on counting: the reset would come although the process is well
        self.close(ordered=True)
