"""Authorization: by external means, or by the contract of PaymentDetails. Source: docs/sources/iso15118-2-din.md 1.2 and 5."""

from __future__ import annotations

import hmac
from dataclasses import replace

from chargepoint.iso15118.conversation.remark import Remark
from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import ONGOING_PACE_S, V2G_SECC_ONGOING_S
from chargepoint.iso15118.iso2.contract_signature import wrong_signature
from chargepoint.iso15118.iso2.contract_state import Iso2Contract
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import AuthorizationReq, AuthorizationRes, EVSEProcessing, ResponseCode
from chargepoint.iso15118.steps.external_means import Decision, decided
from chargepoint.model.car_questions import AuthorizeContract, ContractJudged, ContractStatus

CODES: dict[ContractStatus, ResponseCode] = {
    ContractStatus.REFUSED: ResponseCode.FAILED_CertificateNotAllowedAtThisEVSE,
    ContractStatus.CANCELED: ResponseCode.FAILED_ContractCanceled,
    ContractStatus.UNKNOWN_PROVIDER: ResponseCode.FAILED_NoCertificateAvailable,
    ContractStatus.CERTIFICATE_REVOKED: ResponseCode.FAILED_CertificateRevoked,
    ContractStatus.CERTIFICATE_EXPIRED: ResponseCode.FAILED_CertificateExpired,
    ContractStatus.CERTIFICATE_INVALID: ResponseCode.FAILED_CertChainError,
}
"""The code of each answer about a contract but ACCEPTED. The standard has them in PaymentDetailsRes; here nobody is asked before
the car signed, because an accepted contract begins a transaction."""


def respond(request: AuthorizationReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """Ongoing until the station decided; Finished with OK when it is positive ([856]).

    After a refusal the connection stays, so that the car ends its session in order. With external means it may ask again for another
    card; with a contract it may show another one.
    """
    if session.contract.question is not None:
        return _by_contract(request, session.contract, session.contract.question, session, at)
    return _by_external_means(session, at)


def refuse(_: AuthorizationReq, code: ResponseCode, __: Iso2Session, ___: Situation) -> AuthorizationRes:
    """The response with this code."""
    return _response(code)


# -- external means ----------------------------------------------------------------------------------------------------


def _by_external_means(session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """Ongoing_WaitingForCustomerInteraction while nobody decided ([854]). FAILED where the decision is negative, or too late."""
    since_s = session.external_means_since_s
    decision = decided(since_s, at)
    if decision is Decision.GRANTED:
        return _granted(session)
    if decision is Decision.REFUSED:
        return _no_card(session, "the card is refused, or this outlet cannot charge")
    waiting = replace(session, external_means_since_s=at.now.monotonic_s if since_s is None else since_s)
    if not at.time_is_up:
        return Later(waiting, hold_s=ONGOING_PACE_S)
    if decision is Decision.TOO_LATE:
        return _no_card(waiting, decision.value)
    return Answer(_response(ResponseCode.OK, EVSEProcessing.Ongoing_WaitingForCustomerInteraction), waiting)


def _no_card(session: Iso2Session, why: str) -> Answer[Iso2Session]:
    """One line in the log, however often the car asks again."""
    text = f"authorisation: {why}; the car is answered FAILED"
    said = session.remark is not None and session.remark.text == text
    return Answer(_response(ResponseCode.FAILED), session if said else replace(session, remark=Remark(text)))


# -- a contract --------------------------------------------------------------------------------------------------------


def _by_contract(
    request: AuthorizationReq, contract: Iso2Contract, question: AuthorizeContract, session: Iso2Session, at: Situation
) -> Reply[Iso2Session]:
    """The first request is signed and has the challenge ([684], [475]); the others ask for the decision."""
    if not contract.signed:
        if request.GenChallenge is None or not hmac.compare_digest(request.GenChallenge, contract.challenge):
            why = "AuthorizationReq with a challenge that is not ours"
            return _refused(session, question, ResponseCode.FAILED_ChallengeInvalid, why)
        if (wrong := wrong_signature(request, contract.leaf, at)) is not None:
            return _refused(session, question, ResponseCode.FAILED_SignatureError, wrong)
        session = replace(session, contract=replace(contract, signed=True))
        if session.joined and session.emaid == question.emaid and at.view.authorized:
            return _granted(session)  # the contract pays for the transaction that goes on
        return Later(session, ask=question, hold_s=ONGOING_PACE_S)
    judged = at.answer_to(question, ContractJudged)
    if judged is not None and judged.status is not ContractStatus.ACCEPTED:
        return _refused(session, question, CODES[judged.status], judged.why)
    if judged is not None and at.view.authorized is not None:
        if at.view.authorized:
            return _granted(replace(session, emaid=question.emaid))
        return _refused(session, question, ResponseCode.FAILED, "accepted, and this outlet cannot charge now")
    if at.waited_s(question) >= V2G_SECC_ONGOING_S:
        why = f"contract {question.hint}: not decided within {V2G_SECC_ONGOING_S:.0f} s"
        return Refusal(ResponseCode.FAILED, why, ours=True)
    if not at.time_is_up:
        return Later(session, hold_s=ONGOING_PACE_S)
    return Answer(_response(ResponseCode.OK, EVSEProcessing.Ongoing), session)


def _refused(session: Iso2Session, question: AuthorizeContract, code: ResponseCode, why: str) -> Answer[Iso2Session]:
    after = replace(
        session,
        state=Iso2State.PAYMENT_DETAILS,
        contract=Iso2Contract(attempts=session.contract.attempts),
        remark=Remark(f"contract {question.hint}: {why}; the car is answered {code.value}"),
    )
    return Answer(_response(code), after)


# -- answers -----------------------------------------------------------------------------------------------------------


def _granted(session: Iso2Session) -> Answer[Iso2Session]:
    after = replace(session, state=Iso2State.CHARGE_PARAMETER_DISCOVERY, external_means_since_s=None)
    return Answer(_response(ResponseCode.OK), after)


def _response(code: ResponseCode, processing: EVSEProcessing = EVSEProcessing.Finished) -> AuthorizationRes:
    return AuthorizationRes(ResponseCode=code, EVSEProcessing=processing)
