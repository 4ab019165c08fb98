"""`python -m chargepoint.iso15118.exi`: an answer for every line, whatever the line."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from chargepoint.iso15118.exi import __main__ as cli
from chargepoint.iso15118.exi.__main__ import answer, run

ROOT = next(p for p in Path(__file__).parents if p.name == "tests").parent


def test_answers_line_by_line() -> None:
    with gzip.open(ROOT / "tests/vectors/exi/SAP.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    asked = [json.dumps({k: row[k] for k in ("schema", "mode", "exi")}).encode() for row in rows]
    bad = [
        b"",
        b"  \r",
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
        input=b"\n".join([*asked, *bad]) + b"\n",
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(asked) + len(bad)
    assert answers[: len(rows)] == [{k: row[k] for k in ("message", "json", "exi")} for row in rows]
    assert all(set(a) == {"error"} for a in answers[len(rows) :])
    assert done.stderr == b""


def test_short_names_and_fragments_of_simple_elements() -> None:
    # the fragment is EXIficient's
    got = answer('{"schema": "xmldsig", "mode": "fragment", "exi": "802406c2b8"}')
    assert got == {"message": "KeyName", "json": {"KeyName": "a"}, "exi": "802406c2b8"}
    document = answer('{"schema": "SAP", "exi": "80400040"}')
    assert document["message"] == "supportedAppProtocolRes"
    assert answer(json.dumps({"schema": "urn:iso:15118:2:2010:AppProtocol", "exi": "80400040"})) == document


def test_a_line_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "LONGEST_LINE", 100)
    good = b'{"schema": "SAP", "exi": "80400040"}\n'
    sink = io.StringIO()
    run(io.BytesIO(b"x" * 100 + b"\n" + b"8" * 950 + b"\n" + b"\xef\xbb\xbf" + good + b"7" * 101 + b"\n" + good), sink)
    answers = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert [set(a) == {"error"} for a in answers] == [True, True, False, True, False]
    assert [("more than 100" in a.get("error", "")) for a in answers] == [True, True, False, True, False]


def test_ends_quietly_when_nobody_reads() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "chargepoint.iso15118.exi"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, complaint = process.communicate(b'{"schema": "SAP", "exi": "80400040"}\n', timeout=60)
    assert (process.returncode, complaint) == (0, b"")


def test_message_is_that_of_the_body() -> None:
    got = answer(
        '{"schema": "urn:din:70121:2012:MsgDef", "mode": "document", "exi": "809a00529122a02d1d85b92c81dd19c4b80000"}'
    )
    assert got["message"] == "PaymentDetailsRes"
    assert got["json"]["V2G_Message"]["Body"]["PaymentDetailsRes"]["GenChallenge"] == "GanK wFq."


@pytest.mark.parametrize(("argument", "status"), [("--help", 0), ("-h", 0), ("decode", 2)])
def test_an_argument_prints_the_usage(argument: str, status: int) -> None:
    command = [sys.executable, "-m", "chargepoint.iso15118.exi", argument]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == status
    assert "usage: ./run exi" in done.stdout + done.stderr
    assert '{"schema": namespace' in done.stdout + done.stderr
