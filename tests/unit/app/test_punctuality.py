"""Real-time rights: what is said where they are refused, and what a runaway does. Real processes: rights belong to a process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from chargepoint.app import punctuality
from chargepoint.config.schema import PowerSection
from hil import priority

permitted = priority.permitted()


def run(program: str) -> subprocess.CompletedProcess[str]:
    head = "import logging, os, signal, sys, time\nlogging.basicConfig(level=logging.INFO, stream=sys.stdout, format='%(levelname)s %(message)s')\nfrom chargepoint.app import punctuality\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(program)], capture_output=True, text=True, timeout=60
    )


REFUSED = """
def refuse(*arguments):
    raise PermissionError(1, "Operation not permitted")
os.sched_setscheduler = refuse
print(punctuality.become_punctual({wanted!r}))
"""


@pytest.mark.parametrize(("wanted", "level"), [("auto", "WARNING"), (True, "ERROR")])
def test_a_refusal_is_one_line_with_a_remedy(wanted: str | bool, level: str) -> None:
    done = run(REFUSED.format(wanted=wanted))
    *lines, had = done.stdout.strip().splitlines()
    assert had == "False", done.stderr
    assert len(lines) == 1
    assert lines[0].startswith(f"{level} ! no real-time rights: SCHED_FIFO 50: Operation not permitted")
    assert "LimitRTPRIO=50" in lines[0]


def test_memory_that_cannot_be_locked_costs_no_priority() -> None:
    done = run(
        """
        os.sched_setscheduler = lambda *arguments: None
        punctuality._lock_memory = lambda: "mlockall: Cannot allocate memory"
        print(punctuality.become_punctual("auto"))
        """
    )
    *lines, had = done.stdout.strip().splitlines()
    assert had == "True", done.stderr
    assert len(lines) == 1 and "memory is not locked: mlockall" in lines[0] and "LimitMEMLOCK" in lines[0]


def test_every_thread_of_the_process_gets_the_rights_too() -> None:
    """The loop waits for a thread that holds the interpreter's lock, whatever the loop's own priority is."""
    done = run(
        """
        import threading
        taken = []
        os.sched_setscheduler = lambda who, policy, parameter: taken.append((who, policy, parameter.sched_priority))
        punctuality._lock_memory = lambda: ""
        hold = threading.Event()
        thread = threading.Thread(target=hold.wait, daemon=True)
        thread.start()
        punctuality.become_punctual("auto")
        print(taken == [(0, os.SCHED_FIFO, 50), (thread.native_id, os.SCHED_FIFO, 49)])
        hold.set()
        """
    )
    assert done.stdout.strip().splitlines()[-1] == "True", (done.stdout, done.stderr)


def test_false_asks_for_nothing() -> None:
    done = run("print(punctuality.become_punctual(False), os.sched_getscheduler(0) == os.SCHED_OTHER)")
    assert done.stdout.strip().splitlines()[-1] == "False True", done.stderr


def test_a_runaway_goes_on_under_the_ordinary_scheduler_and_says_so() -> None:
    """With the right to SCHED_FIFO the kernel sends the signal; without it (this machine) the test does."""
    done = run(
        f"""
        had = punctuality.become_punctual("auto")
        if not had:
            os.kill(os.getpid(), signal.SIGXCPU)
        until_s = time.monotonic() + 3 * {punctuality.RUNAWAY_S}
        while time.monotonic() < until_s and (had and punctuality.has_realtime()):
            pass
        print(punctuality.has_realtime(), time.monotonic() < until_s)
        """
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout.strip().splitlines()[-1] == "False True"
    assert done.stdout.count("goes on under the ordinary scheduler") == (
        1 if permitted or "no real-time" not in done.stdout else 0
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [({}, "auto"), ({"realtime": True}, True), ({"realtime": False}, False), ({"realtime": "auto"}, "auto")],
)
def test_the_configuration_knows_auto_and_the_old_booleans(given: dict[str, str | bool], kept: str | bool) -> None:
    assert PowerSection.model_validate(given).realtime == kept


def test_has_realtime_is_what_the_kernel_says() -> None:
    assert punctuality.has_realtime() is (os.sched_getscheduler(0) == os.SCHED_FIFO)
