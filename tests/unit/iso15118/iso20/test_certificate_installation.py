"""CertificateInstallation: relayed unread, Ongoing meanwhile, and each way in which there is no certificate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from certs.flaws import Flaw, flawed_tree
from certs.pki import Curve, Pki
from chargepoint.iso15118.conversation import remark
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.questions import OpenQuestions
from chargepoint.iso15118.conversation.row import Answer, Later, Refusal
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer, Situation
from chargepoint.iso15118.exi.codec import NS_CM, decode, encode
from chargepoint.iso15118.iso20 import certificate_installation as installation
from chargepoint.iso15118.iso20.contract_state import ContractState
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import (
    ListOfRootCertificateIDs,
    MessageHeader,
    Processing,
    ResponseCode,
)
from chargepoint.iso15118.messages.xmldsig import X509IssuerSerial
from chargepoint.iso15118.pnc.signature import SignedElement, sign, verify
from chargepoint.model.car import CarRemark, ControlMode, EnergyService
from chargepoint.model.car_questions import CertificateRelayed, InstallCertificate, Question
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import StationView
from hil.simulators.csms.provisioning import ProvisioningService

SESSION_ID = bytes(range(1, 9))
PKI = Pki(Curve.P521)
NOW_UTC_S = int(PKI.certificates["provisioning"].not_valid_before_utc.timestamp()) + 3600
CODES = ResponseCode
ROOTS = ListOfRootCertificateIDs(
    RootCertificateID=(X509IssuerSerial(X509IssuerName="CN=V2GRootCA-DEV", X509SerialNumber=1),)
)


def service(pki: Pki = PKI, **changes: Any) -> ProvisioningService:
    key = pki.keys["cps"]
    return ProvisioningService(tuple(pki.chain_der("cps")), key, tuple(pki.chain_der("contract")), **changes)


def request_of(pki: Pki = PKI, **changes: Any) -> cm.CertificateInstallationReq:
    leaf, *subs = pki.chain_der("provisioning")
    chain = cm.SignedCertificateChain(
        Id="id1", Certificate=leaf, SubCertificates=cm.SubCertificates(Certificate=tuple(subs))
    )
    header = MessageHeader(
        SessionID=SESSION_ID,
        TimeStamp=NOW_UTC_S,
        Signature=sign([SignedElement(chain, "OEMProvisioningCertificateChain")], pki.keys["provisioning"]),
    )
    values: dict[str, Any] = {
        "Header": header,
        "OEMProvisioningCertificateChain": chain,
        "ListOfRootCertificateIDs": ROOTS,
        "MaximumContractCertificateChains": 2,
        **changes,
    }
    return cm.CertificateInstallationReq(**values)


def later_by(request: cm.CertificateInstallationReq, seconds: int) -> cm.CertificateInstallationReq:
    return replace(request, Header=replace(request.Header, TimeStamp=request.Header.TimeStamp + seconds))


def response_in(exi: bytes | None) -> cm.CertificateInstallationRes:
    response = decode(NS_CM, exi or b"")
    assert isinstance(response, cm.CertificateInstallationRes)
    return response


REQUEST = request_of()


@dataclass
class Desk:
    """Calls `respond` as the conversation does: keeps session, questions and answers, on a clock the test moves."""

    offered: bool = True
    peer: Peer = field(default_factory=lambda: Peer("fe80::1", "TLSv1.3", b"leaf"))
    session: Session = field(default_factory=lambda: Session(state=State.AUTHORIZATION, session_id=SESSION_ID))
    t: float = 100.0
    asked: list[Question] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._questions = OpenQuestions(EvseId(1))
        self._number = 0

    def at(self, raw: bytes = b"", *, time_is_up: bool = False) -> Situation:
        return Situation(
            settings=SeccSettings(
                1,
                "DE*OCP*E1",
                (EnergyService.DC,),
                (ControlMode.DYNAMIC,),
                certificate_installation=self.offered,
            ),
            view=StationView(),
            now=Now(self.t, NOW_UTC_S),
            peer=self.peer,
            random_bytes=bytes,
            raw=raw,
            time_is_up=time_is_up,
            inquiries=self._questions.all,
        )

    def respond(self, request: cm.CertificateInstallationReq = REQUEST, *, time_is_up: bool = False) -> Any:
        """The response or its bytes, the refusal, or None while the answer is held."""
        at = self.at(encode(request), time_is_up=time_is_up)
        reply = installation.respond(request, self.session, at)
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
        if not isinstance(reply.response, bytes):
            assert decode(NS_CM, encode(reply.response)) == reply.response
        return reply.response

    def relay(self, exi: bytes | None, remaining: int | None = None, reason: str = "") -> None:
        assert self._questions.take(self._number, CertificateRelayed(exi, remaining, reason))


def warned(desk: Desk, answer: Any, code: ResponseCode) -> None:
    assert isinstance(answer, cm.CertificateInstallationRes)
    assert (answer.ResponseCode, answer.EVSEProcessing) == (code, Processing.Finished)
    assert answer.RemainingContractCertificateChains == 0
    assert len(desk.remarks) == 1 and code.value in desk.remarks[0]
    assert desk.session.state is State.AUTHORIZATION


def test_the_request_goes_out_as_the_car_encoded_it_and_the_response_comes_back_as_it_stands() -> None:
    desk = Desk()
    assert desk.respond() is None
    (question,) = desk.asked
    assert question == InstallCertificate(encode(REQUEST), NS_CM, 2, ())
    assert len(NS_CM) <= 50
    exi = service().answer(encode(REQUEST))
    assert exi is not None
    desk.relay(exi)
    assert desk.respond() is exi
    assert "relayed to the car" in desk.remarks[0]


def test_the_benchs_response_is_signed_by_its_provisioning_service() -> None:
    response = response_in(service().answer(encode(REQUEST)))
    key: Any = PKI.certificates["cps"].public_key()
    assert verify(response.Header.Signature, [SignedElement(response.SignedInstallationData)], key) is None


def test_meanwhile_the_answer_is_ok_and_ongoing_and_nobody_is_asked_twice() -> None:
    desk = Desk()
    assert desk.respond() is None
    for seconds in range(3):
        waiting = desk.respond(later_by(REQUEST, seconds), time_is_up=True)
        assert (waiting.ResponseCode, waiting.EVSEProcessing) == (CODES.OK, Processing.Ongoing)
    assert len(desk.asked) == 1
    assert desk.remarks == []


def test_a_repeat_with_other_content_is_out_of_sequence() -> None:
    desk = Desk()
    desk.respond()
    refused = desk.respond(request_of(MaximumContractCertificateChains=1))
    assert isinstance(refused, Refusal) and refused.code is CODES.FAILED_SequenceError


@pytest.mark.parametrize("reason", ["the central system answers Failed (NoContract)", "not connected"])
def test_the_central_system_has_none(reason: str) -> None:
    desk = Desk()
    desk.respond()
    desk.relay(None, reason=reason)
    warned(desk, desk.respond(), CODES.WARNING_NoCertificateAvailable)
    assert reason in desk.remarks[0]


def test_the_central_system_is_late() -> None:
    desk = Desk()
    desk.respond()
    desk.t += 54.9
    assert desk.respond() is None
    desk.t += 0.2
    warned(desk, desk.respond(), CODES.WARNING_NoCertificateAvailable)


def _response(**changes: Any) -> bytes:
    exi = service().answer(encode(REQUEST))
    response = response_in(exi)
    if "SessionID" in changes:
        response = replace(response, Header=replace(response.Header, SessionID=changes.pop("SessionID")))
    return encode(replace(response, **changes))


@pytest.mark.parametrize(
    ("exi", "why"),
    [
        (b"\x80\x00junk", "undecodable"),
        (b"", "undecodable"),
        (bytes(20_000), "at most 12750"),
        (encode(REQUEST), "it is CertificateInstallationReq"),
        (_response(SessionID=bytes(8)), "another session"),
        (_response(EVSEProcessing=Processing.Ongoing), "Ongoing"),
        (_response(ResponseCode=CODES.FAILED_SignatureError), "FAILED_SignatureError"),
    ],
    ids=["junk", "empty", "too-long", "a-request", "another-session", "ongoing", "failed"],
)
def test_what_is_no_final_response_of_this_session_never_reaches_the_car(exi: bytes, why: str) -> None:
    desk = Desk()
    desk.respond()
    desk.relay(exi)
    warned(desk, desk.respond(), CODES.WARNING_NoCertificateAvailable)
    assert why in desk.remarks[0]


@pytest.mark.parametrize(
    "code",
    [
        CODES.WARNING_NoContractMatchingPCIDFound,
        CODES.WARNING_eMSPUnknown,
        CODES.WARNING_CertificateExpired,
        CODES.WARNING_NoCertificateAvailable,
    ],
)
def test_a_warning_of_the_provisioning_service_is_relayed_too(code: ResponseCode) -> None:
    desk = Desk()
    desk.respond()
    exi = service(code=code).answer(encode(REQUEST))
    desk.relay(exi)
    assert desk.respond() is exi
    assert code.value in desk.remarks[0]


PROVISIONING = [
    (Flaw.EXPIRED, CODES.WARNING_CertificateExpired),
    (Flaw.SUB_CA_EXPIRED, CODES.WARNING_CertificateExpired),
    (Flaw.NOT_YET_VALID, CODES.WARNING_CertificateNotYetValid),
]


@pytest.mark.parametrize(("flaw", "code"), PROVISIONING, ids=[flaw.value for flaw, _ in PROVISIONING])
def test_a_provisioning_chain_out_of_its_time_is_refused_here(flaw: Flaw, code: ResponseCode) -> None:
    desk = Desk()
    warned(desk, desk.respond(request_of(Pki(Curve.P521, tree=flawed_tree("provisioning", flaw)))), code)
    assert desk.asked == []


def test_junk_in_place_of_a_certificate_is_refused_here() -> None:
    desk = Desk()
    junk = cm.SignedCertificateChain(Id="id1", Certificate=bytes(800))
    answer = desk.respond(request_of(OEMProvisioningCertificateChain=junk))
    warned(desk, answer, CODES.WARNING_CertificateValidationError)
    assert desk.asked == []


def test_a_chain_whose_trust_is_unknown_is_the_provisioning_services_matter() -> None:
    desk = Desk()
    assert desk.respond(request_of(Pki(Curve.P256))) is None
    assert len(desk.asked) == 1


def test_more_chains_are_fetched_with_the_same_request() -> None:
    desk, maker = Desk(), service(available=2)
    desk.respond()
    first = maker.answer(encode(REQUEST))
    desk.relay(first)
    assert desk.respond() is first
    assert response_in(first).RemainingContractCertificateChains == 1
    assert desk.respond(later_by(REQUEST, 5)) is None
    one, two = desk.asked
    assert isinstance(one, InstallCertificate) and isinstance(two, InstallCertificate)
    assert (one.exi_request, two.exi_request) == (encode(REQUEST), encode(REQUEST))
    second = maker.answer(two.exi_request)
    desk.relay(second)
    assert desk.respond(later_by(REQUEST, 5)) is second
    assert response_in(second).RemainingContractCertificateChains == 0


@pytest.mark.parametrize(("remaining", "sent"), [(0, 0), (3, 3), (1000, 255), (-1, 0)])
def test_the_central_systems_count_of_chains_goes_into_the_response(remaining: int, sent: int) -> None:
    desk = Desk()
    desk.respond()
    exi = service(available=5).answer(encode(REQUEST))
    desk.relay(exi, remaining)
    response = response_in(desk.respond())
    assert response.RemainingContractCertificateChains == sent
    assert replace(response, RemainingContractCertificateChains=4) == response_in(exi)
    key: Any = PKI.certificates["cps"].public_key()
    assert verify(response.Header.Signature, [SignedElement(response.SignedInstallationData)], key) is None


def test_prioritised_contracts_are_named_to_the_central_system() -> None:
    desk = Desk()
    desk.respond(request_of(PrioritizedEMAIDs=cm.EMAIDList(EMAID=("DE8AAA1B2C3D4E5", "DE8AAA1B2C3D4E6"))))
    (question,) = desk.asked
    assert isinstance(question, InstallCertificate)
    assert question.prioritized_emaids == ("DE8AAA1B2C3D4E5", "DE8AAA1B2C3D4E6")


@pytest.mark.parametrize(
    ("offered", "peer"),
    [(False, Peer("fe80::1", "TLSv1.3", b"leaf")), (True, Peer("fe80::1")), (True, Peer("fe80::1", "TLSv1.3"))],
)
def test_where_it_was_not_offered_it_is_out_of_sequence(offered: bool, peer: Peer) -> None:
    refused = Desk(offered=offered, peer=peer).respond()
    assert isinstance(refused, Refusal) and refused.code is CODES.FAILED_SequenceError


def test_it_has_no_place_while_an_authorization_is_awaited() -> None:
    desk = Desk()
    waiting = cm.AuthorizationReq(
        Header=REQUEST.Header,
        SelectedAuthorizationService=cm.Authorization.EIM,
        EIM_AReqAuthorizationMode=cm.EIM_AReqAuthorizationMode(),
    )
    desk.session = replace(desk.session, awaited_authorization=waiting)
    refused = desk.respond()
    assert isinstance(refused, Refusal) and refused.code is CODES.FAILED_SequenceError


def test_after_a_warning_the_car_may_ask_again() -> None:
    desk = Desk()
    desk.respond()
    desk.relay(None, reason="busy")
    desk.respond()
    assert desk.respond(later_by(REQUEST, 9)) is None
    assert len(desk.asked) == 2


def test_a_car_that_asks_without_end_is_sent_away() -> None:
    desk = Desk()
    for _ in range(installation.REMAINING_CHAINS_MAX + 1):
        assert desk.respond() is None
        desk.relay(None, reason="busy")
        assert desk.respond().ResponseCode is CODES.WARNING_NoCertificateAvailable
    refused = desk.respond()
    assert isinstance(refused, Refusal) and refused.code is CODES.FAILED


def test_it_may_follow_a_refused_contract() -> None:
    desk = Desk()
    desk.session = replace(desk.session, contract=ContractState(attempts=1, presented=frozenset({"a"})))
    assert desk.respond() is None
    assert desk.session.contract.attempts == 1
