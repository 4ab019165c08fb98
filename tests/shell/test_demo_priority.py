"""Real-time priority for the simulated hardware: given where the system permits it, refused without an error elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys

PROBE = "import os; from hil import priority; print(priority.raise_own(), os.sched_getscheduler(0) == os.SCHED_RR)"


def test_it_is_given_or_refused_and_the_answer_is_true() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stdout.split() in (["True", "True"], ["False", "False"])


def test_asking_whether_it_is_permitted_changes_nothing() -> None:
    code = f"import os; from hil import priority; answer = priority.permitted(); assert os.sched_getscheduler(0) == {os.SCHED_OTHER}; print(answer)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    raised = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == raised.stdout.split()[0]
