"""`python -m chargepoint.iso15118.exi`: an answer for every line, whatever the line."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

from chargepoint.iso15118.exi.__main__ import answer

ROOT = next(p for p in Path(__file__).parents if p.name == "tests").parent


def test_answers_line_by_line() -> None:
    with gzip.open(ROOT / "tests/vectors/exi/SAP.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    asked = [json.dumps({k: row[k] for k in ("schema", "mode", "exi")}).encode() for row in rows]
    bad = [
        b"not json",
        b"[]",
        b"{}",
        b'{"schema": 1, "exi": "80"}',
        b'{"schema": "urn:nobody", "mode": "document", "exi": "80"}',
        b'{"schema": "urn:iso:15118:2:2010:AppProtocol", "mode": "document", "exi": "8"}',
        b'{"schema": "urn:iso:15118:2:2010:AppProtocol", "mode": "sideways", "exi": "80"}',
        b'{"schema": "urn:iso:15118:2:2010:AppProtocol", "mode": "document", "exi": "zz"}',
        b"\xff\xfe\x00",
        b"9" * 5000,
        b"[" * 100_000,
        b'{"schema": "urn:iso:15118:2:2010:AppProtocol", "mode": "document", "exi": "' + b"80" * 500_000 + b'"}',
    ]
    done = subprocess.run(
        [sys.executable, "-m", "chargepoint.iso15118.exi"],
        input=b"\n".join([*asked, b"", *bad]) + b"\n",
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(asked) + len(bad)
    assert answers[: len(rows)] == [{k: row[k] for k in ("message", "json", "exi")} for row in rows]
    assert all(set(a) == {"error"} for a in answers[len(rows) :])
    assert done.stderr == b""


def test_message_is_that_of_the_body() -> None:
    got = answer(
        '{"schema": "urn:din:70121:2012:MsgDef", "mode": "document", "exi": "809a00529122a02d1d85b92c81dd19c4b80000"}'
    )
    assert got["message"] == "PaymentDetailsRes"
    assert got["json"]["V2G_Message"]["Body"]["PaymentDetailsRes"]["GenChallenge"] == "GanK wFq."
