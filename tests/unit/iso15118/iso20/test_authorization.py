"""Authorization, message by message: each code, waiting and its end, and what a car may and may not repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.flaws import Flaw, flawed_tree
from certs.pki import Curve, Pki
from chargepoint.iso15118.conversation import remark
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.questions import OpenQuestions
from chargepoint.iso15118.conversation.row import Answer, Later, Refusal
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer, Situation
from chargepoint.iso15118.exi.codec import NS_CM, decode, encode
from chargepoint.iso15118.iso20 import authorization, memory
from chargepoint.iso15118.iso20.services import choice_of
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import MessageHeader, Processing, ResponseCode
from chargepoint.iso15118.pnc.contract import read_roots
from chargepoint.iso15118.pnc.signature import SignedElement, sign
from chargepoint.model.car import CarRemark, ControlMode, EnergyService
from chargepoint.model.car_questions import AuthorizeContract, ContractJudged, ContractStatus, Question
from chargepoint.model.ids import EvseId, TransactionId
from chargepoint.model.station_view import StationView
from chargepoint.security.certificates import CertificateFacts

CHALLENGE = bytes(range(16))
SESSION_ID = bytes(range(1, 9))
GOOD = Pki(Curve.P521)
OTHER = Pki(Curve.P521)
NOW_UTC_S = int(GOOD.certificates["contract"].not_valid_before_utc.timestamp()) + 3600
CODES = ResponseCode


def roots_of(pki: Pki) -> tuple[CertificateFacts, ...]:
    return read_roots([pki.certificates["mo_root"].public_bytes(Encoding.DER)])


def by_contract(pki: Pki = GOOD, challenge: bytes = CHALLENGE, time_stamp: int = NOW_UTC_S) -> cm.AuthorizationReq:
    leaf, *subs = pki.chain_der("contract")
    chain = cm.ContractCertificateChain(Certificate=leaf, SubCertificates=cm.SubCertificates(Certificate=tuple(subs)))
    body = cm.PnC_AReqAuthorizationMode(Id="id1", GenChallenge=challenge, ContractCertificateChain=chain)
    return cm.AuthorizationReq(
        Header=MessageHeader(
            SessionID=SESSION_ID, TimeStamp=time_stamp, Signature=sign([SignedElement(body)], pki.keys["contract"])
        ),
        SelectedAuthorizationService=cm.Authorization.PnC,
        PnC_AReqAuthorizationMode=body,
    )


def later_by(request: cm.AuthorizationReq, seconds: int) -> cm.AuthorizationReq:
    return replace(request, Header=replace(request.Header, TimeStamp=request.Header.TimeStamp + seconds))


EIM = cm.AuthorizationReq(
    Header=MessageHeader(SessionID=SESSION_ID, TimeStamp=NOW_UTC_S),
    SelectedAuthorizationService=cm.Authorization.EIM,
    EIM_AReqAuthorizationMode=cm.EIM_AReqAuthorizationMode(),
)


@dataclass
class Desk:
    """Calls `respond` as the conversation does: keeps session, questions and answers, on a clock the test moves."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    view: StationView = field(default_factory=StationView)
    roots: tuple[CertificateFacts, ...] = field(default_factory=lambda: roots_of(GOOD))
    session: Session = field(
        default_factory=lambda: Session(
            state=State.AUTHORIZATION, session_id=SESSION_ID, evcc_id="WMI", gen_challenge=CHALLENGE
        )
    )
    t: float = 100.0
    asked: list[Question] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._questions = OpenQuestions(EvseId(1))
        self._number = 0

    def at(self, *, time_is_up: bool = False) -> Situation:
        settings = SeccSettings(
            1,
            "DE*OCP*E1",
            (EnergyService.DC,),
            (ControlMode.DYNAMIC,),
            plug_and_charge=True,
            contract_roots=lambda: self.roots,
            **self.settings,
        )
        return Situation(
            settings=settings,
            view=self.view,
            now=Now(self.t, NOW_UTC_S),
            peer=Peer("fe80::1", "TLSv1.3", b"leaf"),
            random_bytes=bytes,
            time_is_up=time_is_up,
            inquiries=self._questions.all,
        )

    def respond(self, request: cm.AuthorizationReq, *, time_is_up: bool = False) -> Any:
        """The response, the refusal, or None while the answer is held."""
        at = self.at(time_is_up=time_is_up)
        reply = authorization.respond(request, self.session, at)
        if isinstance(reply, Refusal):
            return reply
        before, self.session = self.session, reply.session
        if reply.ask is not None and (event := self._questions.ask(reply.ask, self.t)) is not None:
            self.asked.append(event.question)
            self._number = event.number
        if isinstance(reply, Later):
            return None
        assert isinstance(reply, Answer)
        self.remarks += [e.text for e in remark.learned(request, before, self.session, at) if isinstance(e, CarRemark)]
        assert decode(NS_CM, encode(reply.response)) == reply.response
        return reply.response

    def judge(self, status: ContractStatus, why: str = "") -> None:
        assert self._questions.take(self._number, ContractJudged(status, why))

    def whole(self, request: cm.AuthorizationReq, status: ContractStatus = ContractStatus.ACCEPTED) -> Any:
        """From the request to its last response: the central system answers `status`, and the transaction begins."""
        first = self.respond(request)
        if first is not None:
            return first
        self.judge(status, "because")
        if status is ContractStatus.ACCEPTED:
            self.view = replace(self.view, authorized=True)
        return self.respond(request)


def test_a_good_contract_is_asked_about() -> None:
    desk = Desk()
    assert desk.respond(by_contract()) is None
    (question,) = desk.asked
    assert isinstance(question, AuthorizeContract)
    assert question.emaid == "UKSWI123456791A" and question.root_known and len(question.hashes) == 3
    assert question.chain_pem.count("BEGIN CERTIFICATE") == 3


def test_an_accepted_contract_leads_on_when_its_transaction_has_begun() -> None:
    desk, request = Desk(), by_contract()
    assert desk.respond(request) is None
    desk.judge(ContractStatus.ACCEPTED)
    assert desk.respond(request) is None, "no transaction yet"
    desk.view = StationView(authorized=True)
    answer = desk.respond(request)
    assert (answer.ResponseCode, answer.EVSEProcessing) == (CODES.OK, Processing.Finished)
    session = desk.session
    assert (session.state, session.authorized_with) == (State.SERVICE_DISCOVERY, cm.Authorization.PnC)
    assert (session.emaid, session.gen_challenge) == ("UKSWI123456791A", b"")
    assert session.contract.leaf == GOOD.chain_der("contract")[0]
    assert session.contract.claim is None and session.awaited_authorization is None


def test_a_contract_is_judged_once_however_often_the_station_looks() -> None:
    calls = []
    desk, request = Desk(), by_contract()
    desk.settings = {}
    roots = desk.roots

    def counted() -> tuple[CertificateFacts, ...]:
        calls.append(1)
        return roots

    at = desk.at()
    at = replace(at, settings=replace(at.settings, contract_roots=counted))
    session = desk.session
    for _ in range(5):
        reply = authorization.respond(request, session, at)
        assert isinstance(reply, Later)
        session = reply.session
    assert len(calls) == 1


def test_waiting_is_ongoing_and_the_repeat_may_change_its_time_stamp_only() -> None:
    desk, request = Desk(), by_contract()
    assert desk.respond(request) is None
    waiting = desk.respond(request, time_is_up=True)
    assert (waiting.ResponseCode, waiting.EVSEProcessing) == (CODES.OK, Processing.Ongoing)
    assert desk.respond(later_by(request, 3)) is None
    assert len(desk.asked) == 1, "the central system is asked once"
    for other in (by_contract(), EIM, replace(request, Header=replace(request.Header, Signature=None))):
        refused = desk.respond(other)
        assert isinstance(refused, Refusal) and refused.code is CODES.FAILED_SequenceError


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ContractStatus.REFUSED, CODES.WARNING_GeneralPnCAuthorizationError),
        (ContractStatus.UNKNOWN_PROVIDER, CODES.WARNING_eMSPUnknown),
        (ContractStatus.CERTIFICATE_REVOKED, CODES.WARNING_CertificateRevoked),
        (ContractStatus.CERTIFICATE_EXPIRED, CODES.WARNING_CertificateExpired),
        (ContractStatus.CERTIFICATE_INVALID, CODES.WARNING_CertificateValidationError),
    ],
)
def test_each_answer_of_the_central_system_has_its_code(status: ContractStatus, code: ResponseCode) -> None:
    desk = Desk()
    answer = desk.whole(by_contract(), status)
    assert (answer.ResponseCode, answer.EVSEProcessing) == (code, Processing.Finished)
    assert desk.session.state is State.AUTHORIZATION and desk.session.awaited_authorization is None
    assert desk.remarks == [f"contract …791A: because; the car is answered {code.value}"]
    assert set(authorization.CODES) == set(ContractStatus) - {ContractStatus.ACCEPTED}


FLAWS = [
    (Flaw.EXPIRED, CODES.WARNING_CertificateExpired),
    (Flaw.SUB_CA_EXPIRED, CODES.WARNING_CertificateExpired),
    (Flaw.NOT_YET_VALID, CODES.WARNING_CertificateNotYetValid),
    (Flaw.FORGED, CODES.WARNING_CertificateValidationError),
    (Flaw.WRONG_KEY_USAGE, CODES.WARNING_CertificateValidationError),
    (Flaw.NO_NAME, CODES.WARNING_CertificateValidationError),
]


@pytest.mark.parametrize(("flaw", "code"), FLAWS, ids=[flaw.value for flaw, _ in FLAWS])
def test_a_bad_chain_is_refused_by_its_own_code_and_nobody_is_asked(flaw: Flaw, code: ResponseCode) -> None:
    pki = Pki(Curve.P521, tree=flawed_tree("contract", flaw))
    desk = Desk(roots=roots_of(pki))
    answer = desk.respond(by_contract(pki))
    assert (answer.ResponseCode, answer.EVSEProcessing) == (code, Processing.Finished)
    assert desk.asked == [] and len(desk.remarks) == 1


def test_a_wrong_signature_and_a_foreign_challenge_have_codes_of_their_own() -> None:
    desk, request = Desk(), by_contract()
    unsigned = replace(request, Header=replace(request.Header, Signature=None))
    assert desk.respond(unsigned).ResponseCode is CODES.WARNING_CertificateValidationError
    assert desk.respond(by_contract(challenge=bytes(16))).ResponseCode is CODES.WARNING_ChallengeInvalid
    assert desk.asked == []


def test_a_contract_that_ends_soon_is_accepted_and_the_car_is_warned() -> None:
    pki = Pki(Curve.P521, tree=flawed_tree("contract", Flaw.ENDS_SOON))
    desk = Desk(roots=roots_of(pki))
    answer = desk.whole(by_contract(pki))
    assert answer.ResponseCode is CODES.OK_CertificateExpiresSoon
    assert desk.session.state is State.SERVICE_DISCOVERY
    assert "14 days" in desk.remarks[0]


def test_p256_is_for_a_bench() -> None:
    pki = Pki(Curve.P256)
    refused = Desk(roots=roots_of(pki)).respond(by_contract(pki))
    assert refused.ResponseCode is CODES.WARNING_CertificateValidationError
    desk = Desk({"allow_p256": True}, roots=roots_of(pki))
    assert desk.whole(by_contract(pki)).ResponseCode is CODES.OK


def test_an_unknown_root_is_the_central_systems_matter() -> None:
    desk, request = Desk(roots=roots_of(OTHER)), by_contract()
    assert desk.respond(request) is None
    (question,) = desk.asked
    assert isinstance(question, AuthorizeContract) and not question.root_known and len(question.hashes) == 2
    desk.judge(ContractStatus.ACCEPTED)
    desk.view = StationView(authorized=True)
    assert desk.respond(request).ResponseCode is CODES.OK


def test_after_a_warning_another_contract_or_external_means_may_follow() -> None:
    desk = Desk(roots=(*roots_of(GOOD), *roots_of(OTHER)))
    assert desk.whole(by_contract(), ContractStatus.REFUSED).ResponseCode is CODES.WARNING_GeneralPnCAuthorizationError
    assert desk.whole(by_contract(OTHER)).ResponseCode is CODES.OK
    assert [q.round for q in desk.asked if isinstance(q, AuthorizeContract)] == [1, 2]
    desk = Desk()
    desk.whole(by_contract(), ContractStatus.REFUSED)
    desk.view = StationView(authorized=True)
    assert desk.respond(EIM).ResponseCode is CODES.OK
    assert (desk.session.authorized_with, desk.session.emaid) == (cm.Authorization.EIM, "")


def test_the_same_contract_cannot_sign_the_same_challenge_twice() -> None:
    desk = Desk()
    desk.whole(by_contract(), ContractStatus.REFUSED)
    again = desk.respond(by_contract())
    assert again.ResponseCode is CODES.WARNING_ChallengeInvalid
    assert len(desk.asked) == 1


def test_the_challenge_is_gone_once_a_contract_pays() -> None:
    desk = Desk()
    desk.whole(by_contract())
    desk.session = replace(desk.session, state=State.AUTHORIZATION)
    assert desk.respond(by_contract()).ResponseCode is CODES.WARNING_AuthorizationSelectionInvalid


def test_a_car_that_tries_out_contracts_is_sent_away() -> None:
    desk = Desk()
    for _ in range(authorization.CONTRACTS_MAX):
        assert desk.respond(by_contract(challenge=bytes(16))).ResponseCode is CODES.WARNING_ChallengeInvalid
    refused = desk.respond(by_contract())
    assert isinstance(refused, Refusal) and refused.code is CODES.FAILED


def test_nobody_decides_within_55_seconds() -> None:
    desk, request = Desk(), by_contract()
    assert desk.respond(request) is None
    desk.t += 54.9
    assert desk.respond(request) is None
    desk.t += 0.2
    answer = desk.respond(request)
    assert answer.ResponseCode is CODES.WARNING_GeneralPnCAuthorizationError
    assert "55 s" in desk.remarks[0]


def test_an_accepted_contract_at_an_outlet_that_cannot_charge_is_refused() -> None:
    desk, request = Desk(), by_contract()
    desk.respond(request)
    desk.judge(ContractStatus.ACCEPTED)
    desk.view = StationView(authorized=False)
    assert desk.respond(request).ResponseCode is CODES.WARNING_GeneralPnCAuthorizationError


def test_what_is_not_offered_or_has_no_body_is_a_wrong_selection() -> None:
    desk = Desk()
    desk.session = replace(desk.session, gen_challenge=b"")
    assert desk.respond(by_contract()).ResponseCode is CODES.WARNING_AuthorizationSelectionInvalid
    for service in cm.Authorization:
        bodiless = cm.AuthorizationReq(Header=EIM.Header, SelectedAuthorizationService=service)
        answer = Desk().respond(bodiless)
        assert answer.ResponseCode is CODES.WARNING_AuthorizationSelectionInvalid


def test_external_means_wait_for_a_card_and_a_refused_card_is_a_warning() -> None:
    desk = Desk()
    assert desk.respond(EIM) is None
    waiting = desk.respond(EIM, time_is_up=True)
    assert (waiting.ResponseCode, waiting.EVSEProcessing) == (
        CODES.OK,
        Processing.Ongoing_WaitingForCustomerInteraction,
    )
    desk.view = StationView(authorized=False)
    refused = desk.respond(later_by(EIM, 1))
    assert (refused.ResponseCode, refused.EVSEProcessing) == (
        CODES.WARNING_EIMAuthorizationFailure,
        Processing.Finished,
    )
    desk.view = StationView(authorized=True)
    assert desk.respond(EIM).ResponseCode is CODES.OK
    assert desk.session.authorized_with is cm.Authorization.EIM


def test_a_car_that_comes_back_keeps_its_contract() -> None:
    desk = Desk()
    desk.whole(by_contract())
    at = desk.at()
    choice = choice_of(at.settings, 2, 1)
    assert choice is not None
    at = replace(at, view=replace(at.view, transaction_id=TransactionId("tx-1")))
    kept = memory.keep(memory.remembered(replace(desk.session, choice=choice)), at, paused=True)
    assert kept is not None
    before = memory.recall(kept, at)
    assert before is not None
    assert (before.emaid, before.authorized_with) == ("UKSWI123456791A", cm.Authorization.PnC)
    assert before.contract.leaf == GOOD.chain_der("contract")[0]
    assert before.gen_challenge == b""


def test_a_refusal_fits_the_schema() -> None:
    desk = Desk()
    response = authorization.refuse(EIM, CODES.FAILED_UnknownSession, desk.session, desk.at())
    assert decode(NS_CM, encode(response)) == response
    assert response.EVSEProcessing is Processing.Finished
