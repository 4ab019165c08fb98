"""DC_CableCheck: Ongoing while the stage checks, Finished by its own check only, FAILED for each reason."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.conversation.timeouts import ONGOING_PACE_S, V2G_SECC_CABLE_CHECK_PERFORMANCE_S
from chargepoint.iso15118.iso20 import dc_cable_check as message
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.messages.dc import DC_CableCheckReq
from chargepoint.iso15118.steps.transfer import Transfer
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from tests.unit.iso15118.iso20.dc_situation import HEADER, answered, held, refused, session, situation

REQUEST = DC_CableCheckReq(Header=HEADER)
FIRST = session(State.CABLE_CHECK)
CHECKING = session(State.CABLE_CHECK, transfer=Transfer(Phase.CABLE_CHECK, cable_check_since_s=990.0))


def test_the_first_request_begins_the_check_and_is_held_for_a_moment() -> None:
    waiting = held(message.respond(REQUEST, FIRST, situation(stage=Stage.OFF)))
    assert waiting.hold_s == ONGOING_PACE_S
    assert (waiting.session.transfer.phase, waiting.session.transfer.cable_check_since_s) == (Phase.CABLE_CHECK, 1000.0)


def test_after_that_moment_it_is_ongoing() -> None:
    response, after = answered(message.respond(REQUEST, CHECKING, situation(stage=Stage.CABLE_CHECK, time_is_up=True)))
    assert (response.ResponseCode, response.EVSEProcessing) == (ResponseCode.OK, Processing.Ongoing)
    assert after.state is State.CABLE_CHECK


def test_a_finished_check_leads_to_pre_charge_at_once() -> None:
    response, after = answered(message.respond(REQUEST, CHECKING, situation(stage=Stage.CABLE_CHECKED)))
    assert response.EVSEProcessing is Processing.Finished
    assert after.state is State.PRE_CHARGE


def test_the_result_of_another_session_does_not_count() -> None:
    at = situation(stage=Stage.CABLE_CHECKED)
    waiting = held(message.respond(REQUEST, FIRST, at))
    again = held(message.respond(REQUEST, waiting.session, at))
    own = held(message.respond(REQUEST, again.session, situation(stage=Stage.CABLE_CHECK)))
    response, _ = answered(message.respond(REQUEST, own.session, at))
    assert response.EVSEProcessing is Processing.Finished


@pytest.mark.parametrize(
    "view",
    [{"cable_check_failed": True}, {"permitted": False}, {"may_energise": False}],
)
@pytest.mark.parametrize("stage", [Stage.CABLE_CHECK, Stage.CABLE_CHECKED, Stage.FAULTED])
def test_each_reason_against_it_is_the_stations(view: dict[str, Any], stage: Stage) -> None:
    found = refused(message.respond(REQUEST, CHECKING, situation(stage=stage, **view)))
    assert (found.code, found.ours) == (ResponseCode.FAILED, True)
    assert found.why


def test_it_gives_up_before_the_car_does() -> None:
    since_s = 1000.0 - V2G_SECC_CABLE_CHECK_PERFORMANCE_S - 0.01
    late = session(State.CABLE_CHECK, transfer=Transfer(Phase.CABLE_CHECK, cable_check_since_s=since_s))
    assert refused(message.respond(REQUEST, late, situation(stage=Stage.CABLE_CHECK))).code is ResponseCode.FAILED
