"""docs/din70121.md is true: its arrows are the moves of the table of messages, and its codes are those that a refusal can have."""

from __future__ import annotations

import re
from pathlib import Path

from chargepoint.iso15118.din.rows import ROWS
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages.din70121 import ResponseCode, SessionStopReq
from tests.architecture.state_diagrams import ROOT, diagram

PAGE = (ROOT / "docs" / "din70121.md").read_text()
STATION = Path(ROOT / "chargepoint" / "iso15118" / "din")


def test_every_arrow_is_a_move_and_every_move_is_drawn() -> None:
    moves = {
        (state.value, target.value)
        for kind, row in ROWS.items()
        if kind is not SessionStopReq
        for state, targets in row.moves.items()
        for target in targets
    }
    assert diagram(PAGE, "## Order of messages") == moves


def test_session_stop_may_come_in_every_state_after_session_setup() -> None:
    assert set(ROWS[SessionStopReq].moves) == set(DinState) - {DinState.SESSION_SETUP, DinState.ENDED}


def test_the_codes_of_the_page_are_those_of_the_code() -> None:
    section = PAGE[PAGE.index("## Failure codes") :]
    named = set(re.findall(r"^\| (FAILED\w*) \|", section, re.MULTILINE))
    code = "".join(path.read_text() for path in STATION.glob("*.py"))
    used = {found for found in re.findall(r"ResponseCode\.(FAILED\w*)", code) if found in ResponseCode.__members__}
    assert named == used
