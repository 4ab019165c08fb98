"""Kill -9 in the middle of commits: what was acknowledged is there, without gap, without duplicate, and consistent."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chargepoint.store.database import Store

pytestmark = pytest.mark.slow

CHILD = """
import json, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from chargepoint.model.ids import EvseId, TransactionId
from chargepoint.model.transactions import MeterSample, ReadingContext, TriggerReason
from chargepoint.store.database import Store
from chargepoint.store.rows import Enqueue, Keep, OutboxKind, OutboxRow
from chargepoint.transactions.ledger import Ledger, LedgerState

store = Store.open(Path(sys.argv[1]))
ledger = Ledger(EvseId(1))
found = store.kept("transaction")
at = datetime(2026, 1, 1, tzinfo=UTC)
if found:
    ledger._state = LedgerState.from_json(found["1"])   # the same transaction goes on: numbers must too
    record = ledger.sample(MeterSample(at, ReadingContext.SAMPLE_PERIODIC, ledger.state.last.import_Wh + 1, 0))
else:
    record = ledger.start(TransactionId("tx"), MeterSample(at, ReadingContext.OTHER, 0, 0), TriggerReason.AUTHORIZED, 0.0)
while True:
    row = OutboxRow(f"tx-{record.seq_no}", "TransactionEvent", json.dumps({"seqNo": record.seq_no}), OutboxKind.TRANSACTION, "tx")
    store.commit_now(Keep("transaction", "1", ledger.state.to_json()), Enqueue(row))
    print(record.seq_no, flush=True)
    record = ledger.sample(MeterSample(at, ReadingContext.SAMPLE_PERIODIC, ledger.state.last.import_Wh + 1, 0))
"""


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "station.db"
    acknowledged = -1
    for _ in range(5):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        lines = iter(child.stdout.readline, "")
        for line in itertools.islice(lines, random.randint(1, 30)):
            acknowledged = int(line)
        time.sleep(random.uniform(0.0, 0.004))  # somewhere inside the next commits
        child.kill()
        for line in lines:
            if line.endswith("\n"):
                acknowledged = int(line)
        assert child.wait() == -9
        store = Store.open(path)
        numbers = [json.loads(row.text)["seqNo"] for row in store.outbox()]
        assert numbers == list(range(len(numbers)))
        assert numbers[-1] >= acknowledged
        assert json.loads(store.kept("transaction")["1"])["next_seq_no"] == len(numbers)
        store.close()
    assert acknowledged >= 4
