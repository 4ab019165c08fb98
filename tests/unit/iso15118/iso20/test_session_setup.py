"""SessionSetup: the car's name, the session's id, and who joins an old session (more in test_pause_and_resume.py)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargepoint.iso15118.iso20 import session_setup
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import SessionSetupReq
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.model.car import CarIdentified
from chargepoint.model.ids import EvseId
from tests.unit.iso15118.iso20.dc_situation import HEADER, answered, situation


def test_a_new_session_has_an_id_of_eight_random_bytes() -> None:
    response, after = answered(
        session_setup.respond(SessionSetupReq(Header=HEADER, EVCCID="WMI1"), Session(), situation())
    )
    assert response.ResponseCode is ResponseCode.OK_NewSessionEstablished
    assert response.Header.SessionID == after.session_id == bytes(range(1, 9))
    assert (response.EVSEID, after.evcc_id, after.joined) == ("DE*OCP*E1", "WMI1", False)
    assert after.state is State.AUTHORIZATION_SETUP


def test_an_id_of_zeros_is_not_given() -> None:
    drawn = iter([bytes(8), bytes(8), b"\x01" * 8])
    at = replace(situation(), random_bytes=lambda _: next(drawn))
    _, after = answered(session_setup.respond(SessionSetupReq(Header=HEADER, EVCCID="A"), Session(), at))
    assert after.session_id == b"\x01" * 8


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("", ""), ("x" * 300, "x" * 255), ("a\x00b\x1b[31mc\n", "a?b?[31mc?"), ("Zürich", "Zürich")],
)
def test_the_name_is_shortened_and_printable(sent: str, kept: str) -> None:
    _, after = answered(session_setup.respond(SessionSetupReq(Header=HEADER, EVCCID=sent), Session(), situation()))
    assert after.evcc_id == kept


def test_the_station_learns_who_the_car_is() -> None:
    request = SessionSetupReq(Header=HEADER, EVCCID="WMI1")
    _, after = answered(session_setup.respond(request, Session(), situation()))
    learned = session_setup.learned(request, Session(), after, situation())
    assert learned == (CarIdentified(EvseId(1), "WMI1", bytes(range(1, 9)), joined=False),)
