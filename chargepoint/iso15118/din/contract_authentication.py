"""ContractAuthentication: the car waits for its driver's card or a start order. In DIN it has nothing to do with a contract.

Source: docs/sources/iso15118-2-din.md 1.3 and 2.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import ONGOING_PACE_S
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages.din70121 import (
    ContractAuthenticationReq,
    ContractAuthenticationRes,
    EVSEProcessing,
    ResponseCode,
)
from chargepoint.iso15118.steps.external_means import Decision, decided


def respond(_: ContractAuthenticationReq, session: DinSession, at: Situation) -> Reply[DinSession]:
    """Ongoing until the station decided; FAILED where it refuses, or where nobody came in time."""
    since_s = session.external_means_since_s
    match decided(since_s, at):
        case Decision.GRANTED:
            after = replace(session, state=DinState.CHARGE_PARAMETER_DISCOVERY)
            return Answer(_response(ResponseCode.OK, EVSEProcessing.Finished), after)
        case Decision.REFUSED:
            return Refusal(ResponseCode.FAILED, "the authorisation was refused", ours=True)
        case Decision.TOO_LATE as late:
            return Refusal(ResponseCode.FAILED, late.value, ours=True)
        case Decision.WAITING:
            waiting = replace(session, external_means_since_s=at.now.monotonic_s if since_s is None else since_s)
            if not at.time_is_up:
                return Later(waiting, hold_s=ONGOING_PACE_S)
            return Answer(_response(ResponseCode.OK, EVSEProcessing.Ongoing), waiting)


def refuse(
    _: ContractAuthenticationReq, code: ResponseCode, __: DinSession, ___: Situation
) -> ContractAuthenticationRes:
    """The response with this code."""
    return _response(code, EVSEProcessing.Finished)


def _response(code: ResponseCode, processing: EVSEProcessing) -> ContractAuthenticationRes:
    return ContractAuthenticationRes(ResponseCode=code, EVSEProcessing=processing)
