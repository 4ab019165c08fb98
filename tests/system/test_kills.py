"""Ten kills of `./run bench kills`: what was promised is there, what was billed is what flowed."""

from __future__ import annotations

import pytest

from hil.simulators.csms.log import TransactionLog
from tests.bench.kills import Known, figures, problems

KILLS = 10


@pytest.mark.slow
def test_ten_kills_lose_nothing_and_double_nothing() -> None:
    found = figures(KILLS, seed=11)
    assert found["faults"] == []
    assert found["counts"]["kills"] == KILLS
    assert found["transactions"] > 0
    assert found["counts"]["compared"] > KILLS
    assert found["starts"]["daemon"] + found["starts"]["power"] >= KILLS + 2


def event(kind: str, import_Wh: float) -> dict[str, object]:
    sampled = {"measurand": "Energy.Active.Import.Register", "value": import_Wh}
    return {"eventType": kind, "meterValue": [{"sampledValue": [sampled]}]}


def test_a_ledger_with_a_gap_two_ends_or_a_register_that_runs_backwards_is_seen() -> None:
    good = [event("Started", 1.0), event("Updated", 2.0), event("Ended", 3.0)]
    assert list(problems(TransactionLog("t", dict(enumerate(good))))) == []
    assert any("never came" in text for text in problems(TransactionLog("t", {0: good[0], 2: good[2]})))
    twice = {0: good[0], 1: good[2], 2: good[2]}
    assert any("2 Ended" in text for text in problems(TransactionLog("t", twice)))
    backwards = {0: good[0], 1: event("Updated", 0.5), 2: good[2]}
    assert any("runs backwards" in text for text in problems(TransactionLog("t", backwards)))


def test_what_was_not_answered_may_be_either_and_what_was_is_one() -> None:
    known = Known("old")
    known.asked("new")
    assert known.seen("new")
    assert not known.seen("old")
    known = Known("old")
    known.asked("new")
    known.answered("new", accepted=False)
    assert not known.seen("new")
    known = Known("old")
    known.asked("lost on the way")
    known.asked("new")
    known.answered("new", accepted=True)
    assert known.may_be == ["new"]
