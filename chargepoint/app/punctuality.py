"""Real-time rights of the power process: SCHED_FIFO, locked memory, no garbage collector; and a bound on a runaway.

A process under SCHED_FIFO that never waits takes a whole processor from everything else. RLIMIT_RTTIME ends that: after
`RUNAWAY_S` of computing without a wait the kernel sends SIGXCPU, and the process goes on under the ordinary scheduler.
Source: docs/sources/safety.md 5.2; sched(7), getrlimit(2).
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import resource
import signal
import threading
from typing import Literal

FIFO_PRIORITY = 50
RUNAWAY_S = 0.5
"""As long as a lease and the board's watchdog: a turn that computes for this long has missed them all."""
KILLED_S = 2.0
"""Where even the signal's handler cannot run, because a call into C does not return, the kernel kills the process."""
_MCL_CURRENT, _MCL_FUTURE = 1, 2

Realtime = Literal["auto"] | bool

log = logging.getLogger("power")


def become_punctual(realtime: Realtime) -> bool:
    """Freeze what was allocated, and take real-time rights where `realtime` wants them. True: this process has SCHED_FIFO.

    `auto` takes what is permitted and writes one line where something is not. `True` does the same, and the line is an error.
    """
    gc.collect()
    gc.freeze()
    gc.disable()  # the cycle makes no reference cycles; memory is watched by the unit's MemoryMax
    if realtime is False:
        log.info("* ordinary scheduling, as [power] realtime = false wants it")
        return False
    level = logging.ERROR if realtime is True else logging.WARNING
    if refused := _bound_a_runaway() or _take_fifo():
        log.log(
            level,
            "! no real-time rights: %s. A loaded computer may hold the cycle up for 0.3 s. Start the process by "
            "systemd/chargepoint-power.service, or give it LimitRTPRIO=%d",
            refused,
            FIFO_PRIORITY,
        )
        return False
    if refused := _lock_memory():
        log.log(
            level,
            "! SCHED_FIFO %d, but memory is not locked: %s. A computer short of memory may hold the cycle up. Start the "
            "process by systemd/chargepoint-power.service, or give it LimitMEMLOCK=infinity",
            FIFO_PRIORITY,
            refused,
        )
    else:
        log.info("* real-time: SCHED_FIFO %d, memory locked", FIFO_PRIORITY)
    return True


def has_realtime() -> bool:
    """This process runs under SCHED_FIFO now."""
    return os.sched_getscheduler(0) == os.SCHED_FIFO


def _bound_a_runaway() -> str:
    """Why no bound could be set; empty if it is. Without the bound there is no SCHED_FIFO."""
    signal.signal(signal.SIGXCPU, _calm_down)
    try:
        resource.setrlimit(resource.RLIMIT_RTTIME, (round(RUNAWAY_S * 1e6), round(KILLED_S * 1e6)))
    except (OSError, ValueError) as error:
        return f"RLIMIT_RTTIME: {error}"
    return ""


def _take_fifo() -> str:
    """For the loop, and one step lower for every other thread. The loop waits for the thread that holds the interpreter's
    lock. With ordinary priority that thread can be kept from the processor by other programs."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and thread.native_id is not None:
                os.sched_setscheduler(thread.native_id, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY - 1))
    except OSError as error:
        return f"SCHED_FIFO {FIFO_PRIORITY}: {error.strerror}"
    return ""


def _lock_memory() -> str:
    if ctypes.CDLL(None, use_errno=True).mlockall(_MCL_CURRENT | _MCL_FUTURE) != 0:
        return f"mlockall: {os.strerror(ctypes.get_errno())}"
    return ""


def _calm_down(*_: object) -> None:
    """SIGXCPU: the loop computed for too long without a wait."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    log.error(
        "! the power process computed for %.1f s without a wait: it goes on under the ordinary scheduler until its next start",
        RUNAWAY_S,
    )
