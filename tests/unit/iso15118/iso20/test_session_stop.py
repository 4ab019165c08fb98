"""SessionStop: the end, a pause, other services; and why the car says it ended (more in test_pause_and_resume.py)."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.iso20 import session_stop as message
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import ChargingSession, SessionStopReq
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.steps.power_profile import AgreedProfile
from chargepoint.iso15118.steps.transfer import NO_TRANSFER
from chargepoint.model.car import ControlMode, SessionEnd, WishFollowed
from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import Wish, WishForCar
from tests.unit.iso15118.iso20.dc_situation import HEADER, UTC_S, answered, choice, refused, session, situation

PAUSE, TERMINATE, SERVICES = ChargingSession.Pause, ChargingSession.Terminate, ChargingSession.ServiceRenegotiation
STATES = [s for s in State if s not in (State.SESSION_SETUP, State.ENDED)]
STOPPED = (State.WELDING_DETECTION, State.SESSION_STOP)


def request(how: ChargingSession, code: str | None = None, explanation: str | None = None) -> SessionStopReq:
    return SessionStopReq(
        Header=HEADER, ChargingSession=how, EVTerminationCode=code, EVTerminationExplanation=explanation
    )


@pytest.mark.parametrize("state", STATES)
def test_the_car_may_always_end(state: State) -> None:
    response, after = answered(message.respond(request(TERMINATE), session(state), situation()))
    assert (response.ResponseCode, after.state, after.transfer.phase) == (ResponseCode.OK, State.ENDED, Phase.OFF)


@pytest.mark.parametrize("state", STATES)
def test_a_pause_that_was_asked_for_comes_after_the_power_stopped(state: State) -> None:
    at = situation(wish=WishForCar(Wish.PAUSE, 1060.0))
    reply = message.respond(request(PAUSE), session(state), at)
    if state in STOPPED:
        assert answered(reply)[1].state is State.ENDED
    else:
        assert refused(reply).code is ResponseCode.FAILED_PauseNotAllowed


@pytest.mark.parametrize("wish", [None, *[w for w in Wish if w is not Wish.PAUSE]])
def test_a_dynamic_pause_that_was_not_asked_for_is_refused(wish: Wish | None) -> None:
    at = situation(wish=None if wish is None else WishForCar(wish, 1060.0))
    found = refused(message.respond(request(PAUSE), session(State.SESSION_STOP), at))
    assert found.code is ResponseCode.FAILED_PauseNotAllowed


@pytest.mark.parametrize(
    ("profile", "allowed"),
    [
        (AgreedProfile(1, UTC_S - 10, ((5, 8000.0), (60, 0.0), (60, 8000.0))), True),
        (AgreedProfile(1, UTC_S - 10, ((60, 8000.0), (60, 0.0))), False),
        (AgreedProfile(1, UTC_S - 10, ((5, 0.0),)), False),
        (AgreedProfile(1, UTC_S + 10, ((60, 0.0),)), False),
        (None, False),
    ],
)
def test_a_scheduled_pause_needs_a_profile_of_zero_now(profile: AgreedProfile | None, allowed: bool) -> None:
    before = session(State.SESSION_STOP, choice(mode=ControlMode.SCHEDULED), profile=profile)
    reply = message.respond(request(PAUSE), before, situation())
    if allowed:
        answered(reply)
    else:
        assert refused(reply).code is ResponseCode.FAILED_PauseNotAllowed


@pytest.mark.parametrize("state", STATES)
def test_other_services_come_after_the_power_stopped(state: State) -> None:
    reply = message.respond(request(SERVICES), session(state, authorized_with=None, emaid="E"), situation())
    if state not in STOPPED:
        assert refused(reply).code is ResponseCode.FAILED_NoServiceRenegotiationSupported
        return
    _, after = answered(reply)
    assert (after.state, after.choice, after.limits, after.schedule) == (State.SERVICE_DISCOVERY, None, None, None)
    assert (after.transfer, after.emaid) == (NO_TRANSFER, "E")


@pytest.mark.parametrize(
    ("how", "wish"),
    [(PAUSE, Wish.PAUSE), (SERVICES, Wish.SERVICE_RENEGOTIATION), (TERMINATE, Wish.TERMINATE)],
)
def test_the_station_learns_what_the_car_follows(how: ChargingSession, wish: Wish) -> None:
    before = session(State.SESSION_STOP)
    assert message.learned(request(how), before, before, situation()) == (WishFollowed(EvseId(1), wish),)


@pytest.mark.parametrize(
    ("code", "explanation", "text"),
    [
        (None, None, "SessionStop by the car"),
        ("7", None, "SessionStop by the car: code '7'"),
        (None, "driver\nleft", "SessionStop by the car: explanation 'driver\\nleft'"),
        ("x" * 200, "y" * 400, f"SessionStop by the car: code {'x' * 80!r}, explanation {'y' * 160!r}"),
    ],
)
def test_the_cars_reason_is_kept_and_quoted(code: str | None, explanation: str | None, text: str) -> None:
    end = message.ending(request(TERMINATE, code, explanation), EvseId(1))
    assert (end.end, end.detail) == (SessionEnd.TERMINATED, text)


def test_a_pause_is_no_end() -> None:
    assert message.ending(request(PAUSE), EvseId(1)).end is SessionEnd.PAUSED
