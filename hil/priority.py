"""Real-time priority for the processes that play hardware, so that a busy machine does not look like broken hardware.

Nice values would not do: Linux with autogroups compares them only inside one session, and each process here is a session of its own.
"""

from __future__ import annotations

import os

ROUND_ROBIN_PRIORITY = 10
"""Below the power process (SCHED_FIFO, `chargepoint/app/power_process.py`), above everything without real-time priority."""

REFUSED = "no right to real-time priority: on a busy machine the simulated hardware may answer late"


def raise_own() -> bool:
    """Give this process SCHED_RR. False where the system refuses it; nothing changes then."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(ROUND_ROBIN_PRIORITY))
    except PermissionError:
        return False
    return True


def permitted() -> bool:
    """This process may give real-time priority. Leaves its own priority as it was."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    if not raise_own():
        return False
    os.sched_setscheduler(0, policy, parameters)
    return True
