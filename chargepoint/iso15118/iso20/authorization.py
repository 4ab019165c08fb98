"""Authorization: external means, or a contract certificate. Source: docs/sources/iso15118-20.md 2.2."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.remark import Remark
from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import ONGOING_PACE_S, V2G_SECC_ONGOING_S
from chargepoint.iso15118.iso20.contract_state import ContractClaim
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.repeated import repeats
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import Authorization, AuthorizationReq, AuthorizationRes
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.pnc.authorization import judge_request
from chargepoint.iso15118.pnc.contract import EXPIRES_SOON_S
from chargepoint.iso15118.pnc.question import contract_question
from chargepoint.iso15118.steps.external_means import Decision, decided
from chargepoint.model.car_questions import ContractJudged, ContractStatus
from chargepoint.security.certificates import CertificateUnreadable
from chargepoint.security.chain import ChainFault

CONTRACTS_MAX = 10
"""A car with more contracts than this tries out certificates: its session ends. A rule of the project."""

CODES: dict[ContractStatus, ResponseCode] = {
    ContractStatus.REFUSED: ResponseCode.WARNING_GeneralPnCAuthorizationError,
    ContractStatus.CANCELED: ResponseCode.WARNING_GeneralPnCAuthorizationError,
    ContractStatus.UNKNOWN_PROVIDER: ResponseCode.WARNING_eMSPUnknown,
    ContractStatus.CERTIFICATE_REVOKED: ResponseCode.WARNING_CertificateRevoked,
    ContractStatus.CERTIFICATE_EXPIRED: ResponseCode.WARNING_CertificateExpired,
    ContractStatus.CERTIFICATE_INVALID: ResponseCode.WARNING_CertificateValidationError,
}
"""The code of each answer about a contract but ACCEPTED."""


def respond(request: AuthorizationReq, session: Session, at: Situation) -> Reply[Session]:
    """Ongoing until the station decided. A refusal is a warning: another contract or external means may follow (V2G20-2226)."""
    awaited = session.awaited_authorization
    if awaited is not None and not repeats(request, awaited):
        return Refusal(ResponseCode.FAILED_SequenceError, "it repeats its request with other content")
    match request.SelectedAuthorizationService:
        case Authorization.EIM if request.EIM_AReqAuthorizationMode is not None:
            return _by_external_means(request, session, at)
        case Authorization.PnC if session.contract.claim is not None:
            return _by_claim(session.contract.claim, session, at)
        case Authorization.PnC if request.PnC_AReqAuthorizationMode is not None and session.gen_challenge:
            return _by_contract(request, session, at)
        case chosen:
            remark = f"{chosen.value} is not offered in this session, or the request has not its part"
            return _refused(session, at, ResponseCode.WARNING_AuthorizationSelectionInvalid, remark)


def refuse(_: AuthorizationReq, code: ResponseCode, session: Session, at: Situation) -> AuthorizationRes:
    """The response with this code."""
    return AuthorizationRes(**head(code, session, at), EVSEProcessing=Processing.Finished)


# -- external means ----------------------------------------------------------------------------------------------------


def _by_external_means(request: AuthorizationReq, session: Session, at: Situation) -> Reply[Session]:
    """Ongoing while nobody decided, for EXTERNAL_MEANS_WAIT_S from the first request. After that each request is refused, until a
    card or an order comes."""
    since_s = session.external_means_since_s
    decision = decided(since_s, at)
    if decision is Decision.GRANTED:
        return _granted(session, at, Authorization.EIM)
    if decision is Decision.REFUSED:
        return _refused(session, at, ResponseCode.WARNING_EIMAuthorizationFailure, "")
    waiting = replace(session, external_means_since_s=at.now.monotonic_s if since_s is None else since_s)
    if not at.time_is_up:
        return Later(waiting, hold_s=ONGOING_PACE_S)
    if decision is Decision.TOO_LATE:
        first = session.awaited_authorization is not None  # a car may go on asking: one line is enough
        return _refused(waiting, at, ResponseCode.WARNING_EIMAuthorizationFailure, decision.value if first else "")
    after = replace(waiting, awaited_authorization=request)
    return Answer(_response(after, at, Processing.Ongoing_WaitingForCustomerInteraction), after)


# -- a contract --------------------------------------------------------------------------------------------------------


def _by_contract(request: AuthorizationReq, session: Session, at: Situation) -> Reply[Session]:
    """Judge a contract once, and ask the central system about a good one. Judging costs some milliseconds of signatures."""
    attempts = session.contract.attempts + 1
    if attempts > CONTRACTS_MAX:
        return Refusal(ResponseCode.FAILED, f"more than {CONTRACTS_MAX} contracts in one session")
    session = replace(session, contract=replace(session.contract, attempts=attempts))
    settings, now_utc_s = at.settings, at.now.utc_s
    verdict = judge_request(
        request, session.gen_challenge, settings.contract_roots(), now_utc_s, allow_p256=settings.allow_p256
    )
    judged = verdict.contract
    root_unknown = judged is not None and judged.finding is not None and judged.finding.fault is ChainFault.ROOT_UNKNOWN
    chain = None if judged is None else judged.chain
    if (not verdict.accepted and not root_unknown) or chain is None or chain.emaid is None:
        return _refused(session, at, verdict.code, verdict.reason or "the contract has no EMAID")
    if chain.leaf.identity in session.contract.presented:
        remark = f"contract {chain.leaf.shown_name[-4:]} signed this challenge before"
        return _refused(session, at, ResponseCode.WARNING_ChallengeInvalid, remark)
    try:
        question = contract_question(chain, None if judged is None else judged.root, attempts)
    except CertificateUnreadable as error:
        return _refused(session, at, ResponseCode.WARNING_CertificateValidationError, f"contract chain: {error}")
    claim = ContractClaim(question, chain.leaf.der, chain.leaf.valid_until_s - now_utc_s <= EXPIRES_SOON_S)
    contract = replace(session.contract, claim=claim, presented=session.contract.presented | {chain.leaf.identity})
    after = replace(session, awaited_authorization=request, contract=contract)
    return Later(after, ask=claim.question, hold_s=ONGOING_PACE_S)


def _by_claim(claim: ContractClaim, session: Session, at: Situation) -> Reply[Session]:
    """The central system decides about the contract; then the transaction must begin, as with external means."""
    judged = at.answer_to(claim.question, ContractJudged)
    if judged is not None and judged.status is not ContractStatus.ACCEPTED:
        return _refused(session, at, CODES[judged.status], f"contract {claim.question.hint}: {judged.why}")
    if judged is not None and at.view.authorized is not None:
        if at.view.authorized:
            return _granted(session, at, Authorization.PnC)
        remark = f"contract {claim.question.hint}: accepted, and this outlet cannot charge now"
        return _refused(session, at, ResponseCode.WARNING_GeneralPnCAuthorizationError, remark)
    if at.waited_s(claim.question) >= V2G_SECC_ONGOING_S:
        remark = f"contract {claim.question.hint}: not decided within {V2G_SECC_ONGOING_S:.0f} s"
        return _refused(session, at, ResponseCode.WARNING_GeneralPnCAuthorizationError, remark)
    if not at.time_is_up:
        return Later(session, hold_s=ONGOING_PACE_S)
    return Answer(_response(session, at, Processing.Ongoing), session)


# -- answers -----------------------------------------------------------------------------------------------------------


def _granted(session: Session, at: Situation, by: Authorization) -> Answer[Session]:
    """The challenge is used up, and the contract of the session is fixed (V2G20-2702)."""
    claim = session.contract.claim
    after = replace(
        session,
        state=State.SERVICE_DISCOVERY,
        authorized_with=by,
        gen_challenge=b"",
        awaited_authorization=None,
        installation=None,
    )
    code = ResponseCode.OK
    if claim is not None:
        after = replace(
            after, emaid=claim.question.emaid, contract=replace(session.contract, claim=None, leaf=claim.leaf)
        )
        if claim.ends_soon:
            code = ResponseCode.OK_CertificateExpiresSoon
            after = replace(
                after, remark=Remark(f"contract {claim.question.hint}: its certificate ends within 14 days")
            )
    return Answer(_response(after, at, code=code), after)


def _refused(session: Session, at: Situation, warning: ResponseCode, remark: str) -> Answer[Session]:
    after = replace(
        session,
        awaited_authorization=None,
        contract=replace(session.contract, claim=None),
        remark=Remark(f"{remark}; the car is answered {warning.value}") if remark else session.remark,
    )
    return Answer(_response(after, at, code=warning), after)


def _response(
    session: Session,
    at: Situation,
    processing: Processing = Processing.Finished,
    code: ResponseCode = ResponseCode.OK,
) -> AuthorizationRes:
    return AuthorizationRes(Header=session.header(at.now), ResponseCode=code, EVSEProcessing=processing)
