"""The ids of transactions."""

from __future__ import annotations

import random
import subprocess
import sys

from chargepoint.app.wiring import new_transaction_id

_TEN = "from chargepoint.app.wiring import new_transaction_id; [print(new_transaction_id()) for _ in range(10)]"


def test_no_id_is_made_twice() -> None:
    """E01.FR.08, E02.FR.08: after every start, with nothing remembered and the same seed, the ids are others."""
    found: list[str] = []
    for _ in range(2):
        random.seed(1)
        found += [new_transaction_id() for _ in range(1000)]
        run = subprocess.run([sys.executable, "-c", _TEN], capture_output=True, text=True, check=True)
        found += run.stdout.split()
    assert len(set(found)) == len(found) == 2020
    assert max(map(len, found)) <= 36
