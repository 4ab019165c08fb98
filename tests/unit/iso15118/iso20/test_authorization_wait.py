"""The wait for a driver's card: it ends by itself, the car learns it, and a card that comes later still counts."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.row import Answer, Later
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer, Situation
from chargepoint.iso15118.conversation.timeouts import EXTERNAL_MEANS_WAIT_S
from chargepoint.iso15118.iso20 import authorization
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import MessageHeader, Processing, ResponseCode
from chargepoint.model.car import ControlMode, EnergyService
from chargepoint.model.station_view import StationView
from tests.joined.visit import VirtualSite

SESSION_ID = bytes(range(1, 9))
BEGAN_S = 100.0
SETTINGS = SeccSettings(1, "DE*OCP*E1", (EnergyService.DC,), (ControlMode.DYNAMIC,))


def request(at_s: float) -> cm.AuthorizationReq:
    return cm.AuthorizationReq(
        Header=MessageHeader(SessionID=SESSION_ID, TimeStamp=int(at_s)),
        SelectedAuthorizationService=cm.Authorization.EIM,
        EIM_AReqAuthorizationMode=cm.EIM_AReqAuthorizationMode(),
    )


def at(now_s: float, *, authorized: bool | None = None, time_is_up: bool = True) -> Situation:
    view = StationView(authorized=authorized)
    return Situation(SETTINGS, view, Now(now_s, int(now_s)), Peer("fe80::1"), bytes, time_is_up=time_is_up)


def answer(session: Session, now_s: float, authorized: bool | None = None) -> tuple[Session, cm.AuthorizationRes]:
    reply = authorization.respond(request(now_s), session, at(now_s, authorized=authorized))
    assert isinstance(reply, Answer)
    return reply.session, reply.response


def waiting_since(began_s: float) -> Session:
    session = Session(state=State.AUTHORIZATION, session_id=SESSION_ID)
    held = authorization.respond(request(began_s), session, at(began_s, time_is_up=False))
    assert isinstance(held, Later)
    after, first = answer(held.session, began_s + 0.1)
    assert first.EVSEProcessing is Processing.Ongoing_WaitingForCustomerInteraction
    return after


def test_the_wait_counts_from_the_first_request() -> None:
    session, last = answer(waiting_since(BEGAN_S), BEGAN_S + EXTERNAL_MEANS_WAIT_S - 0.1)
    assert last.EVSEProcessing is Processing.Ongoing_WaitingForCustomerInteraction
    session, over = answer(session, BEGAN_S + EXTERNAL_MEANS_WAIT_S)
    assert (over.ResponseCode, over.EVSEProcessing) == (
        ResponseCode.WARNING_EIMAuthorizationFailure,
        Processing.Finished,
    )
    assert session.remark is not None
    assert "no card and no start order within 300 s" in session.remark.text


def test_a_car_that_goes_on_asking_is_refused_each_time_with_one_line_at_the_pace_of_ongoing() -> None:
    session, _ = answer(waiting_since(BEGAN_S), BEGAN_S + EXTERNAL_MEANS_WAIT_S)
    remark, later_s = session.remark, BEGAN_S + EXTERNAL_MEANS_WAIT_S + 5.0
    held = authorization.respond(request(later_s), session, at(later_s, time_is_up=False))
    assert isinstance(held, Later)
    session, again = answer(held.session, later_s + 0.1)
    assert again.ResponseCode is ResponseCode.WARNING_EIMAuthorizationFailure
    assert session.remark is remark


def test_a_card_after_the_wait_still_counts() -> None:
    session, _ = answer(waiting_since(BEGAN_S), BEGAN_S + EXTERNAL_MEANS_WAIT_S)
    after, granted = answer(session, BEGAN_S + 400.0, authorized=True)
    assert granted.ResponseCode is ResponseCode.OK
    assert after.state is State.SERVICE_DISCOVERY


@pytest.mark.parametrize("authorized", [True, False])
def test_a_decision_is_answered_at_once(authorized: bool) -> None:
    reply = authorization.respond(
        request(101.0), waiting_since(BEGAN_S), at(101.0, authorized=authorized, time_is_up=False)
    )
    assert isinstance(reply, Answer)


def test_a_driver_who_shows_no_card_leaves_the_car_with_an_end_in_order() -> None:
    site = VirtualSite()
    visit = site.visit(card=False)
    assert visit.car.progress.error == "authorisation refused"
    ((ended_s, end),) = visit.ends()
    assert end.end.value == "terminated"
    assert ended_s - visit.car.log.entries[0].at_s == pytest.approx(EXTERNAL_MEANS_WAIT_S, abs=1.0)
    assert visit.records == []
    assert site.visit().stop_reason() == "StoppedByEV"
