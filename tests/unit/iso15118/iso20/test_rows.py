"""The table of messages: one row per message, its own file, its own test; every refusal can be encoded with every code.

It holds what docs/car-conversation.md says of adding a message.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from chargepoint.iso15118.exi.codec import decode, encode, namespace_of
from chargepoint.iso15118.iso20.rows import ROWS, may_come
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import ResponseCode
from tests.unit.iso15118.iso20.conftest import ScriptedCar
from tests.unit.iso15118.iso20.dc_situation import session, situation

HERE = Path(__file__).parent
ROOM = HERE.parents[3] / "chargepoint" / "iso15118" / "iso20"
DC_REQUESTS = [kind for kind in ROWS if not kind.__name__.startswith("AC_")]


def module_of(function: Any) -> str:
    return str(function.__module__).rpartition(".")[2]


def test_every_file_with_a_respond_has_a_row_and_no_row_is_without_one() -> None:
    files = {
        path.stem
        for path in ROOM.glob("*.py")
        if any(
            isinstance(node, ast.FunctionDef) and node.name.startswith("respond")
            for node in ast.parse(path.read_text()).body
        )
    }
    assert {module_of(row.respond) for row in ROWS.values()} == files


@pytest.mark.parametrize("kind", list(ROWS), ids=lambda kind: kind.__name__)
def test_a_message_is_one_file_one_row_one_test(kind: type) -> None:
    row = ROWS[kind]
    module = module_of(row.respond)
    assert module_of(row.refuse) == module
    assert (HERE / f"test_{module}.py").exists()


def test_every_state_but_the_last_has_a_message() -> None:
    assert all(may_come(state) for state in State if state is not State.ENDED)
    assert may_come(State.ENDED) == frozenset()


def test_every_state_is_reached() -> None:
    reached = {to for row in ROWS.values() for states in row.moves.values() for to in states}
    assert reached == set(State) - {State.SESSION_SETUP}


@pytest.mark.parametrize("kind", DC_REQUESTS, ids=lambda kind: kind.__name__)
def test_a_refusal_with_any_code_can_be_encoded(kind: type) -> None:
    request = ScriptedCar().request(kind)
    for code in ResponseCode:
        for at in (situation(), situation(voltage_V=None, current_A=None, capabilities=None)):
            response = ROWS[kind].refuse(request, code, session(State.CHARGE_LOOP), at)
            assert type(response).__name__ == kind.__name__.removesuffix("Req") + "Res"
            carried: Any = decode(namespace_of(response), encode(response))
            assert carried.ResponseCode is code
