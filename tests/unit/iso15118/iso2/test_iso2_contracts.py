"""Plug and Charge of ISO 15118-2: PaymentDetails, the signed AuthorizationReq, receipts. Each code with its cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.flaws import Flaw, flawed_tree
from certs.pki import Curve, Pki
from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.iso2.authorization import CODES
from chargepoint.iso15118.iso2.payment_details import ISO2_CONTRACTS_MAX
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import ChargingSession, EVSEProcessing, PaymentOption
from chargepoint.iso15118.messages.iso15118_2 import ResponseCode as C
from chargepoint.iso15118.messages.xmldsig import Signature
from chargepoint.iso15118.pnc.contract import read_roots
from chargepoint.iso15118.pnc.signature import SignedElement, sign
from chargepoint.model.car import (
    AuthorizationWanted,
    CarRemark,
    CarSessionEnded,
    MeterReadingConfirmed,
    QuestionAsked,
    WishFollowed,
)
from chargepoint.model.car_questions import AuthorizeContract, ContractJudged, ContractStatus
from chargepoint.model.station_view import Wish
from tests.unit.iso15118.car_on_connection import SESSION_ID, UTC_S
from tests.unit.iso15118.iso2.car import BEFORE, Iso2Car

BEGIN = datetime.fromtimestamp(UTC_S, UTC) - timedelta(days=1)


@cache
def pki(flaw: Flaw | None = None, curve: Curve = Curve.P256) -> Pki:
    return Pki(curve, BEGIN) if flaw is None else Pki(curve, BEGIN, flawed_tree("contract", flaw))


def emaid_of(made: Pki) -> str:
    name = made.certificates["contract"].subject.rfc4514_string()
    return next(part.removeprefix("CN=") for part in name.split(",") if part.startswith("CN="))


class ContractCar(Iso2Car):
    """A car that pays with the contract of this PKI. The station trusts the roots of `trusted`."""

    def __init__(self, made: Pki | None = None, trusted: Pki | None = None, **more: Any) -> None:
        self.pki = made or pki()
        roots = read_roots([(trusted or self.pki).certificates["mo_root"].public_bytes(Encoding.DER)])
        values = {"tls": "TLSv1.2", "plug_and_charge": True, "contract_roots": lambda: roots, **more}
        super().__init__(**values)

    def details(self) -> iso2.PaymentDetailsReq:
        leaf, *subs = self.pki.chain_der("contract")
        chain = iso2.CertificateChain(
            Certificate=leaf, SubCertificates=iso2.SubCertificates(Certificate=tuple(subs)) if subs else None
        )
        return iso2.PaymentDetailsReq(eMAID=emaid_of(self.pki), ContractSignatureCertChain=chain)

    def signed(self, body: Any, key: str = "contract") -> Signature:
        return sign([SignedElement(body)], self.pki.keys[key])

    def authorization(self, challenge: bytes, key: str = "contract") -> Any:
        body = iso2.AuthorizationReq(Id="id1", GenChallenge=challenge)
        return self.ask(body, signature=self.signed(body, key))

    def choose_contract(self) -> None:
        """To PaymentDetails."""
        self.agree()
        for state in (Iso2State.SESSION_SETUP, Iso2State.SERVICE_DISCOVERY):
            self.step(state)
        self.ask(self.payment_selection(payment=PaymentOption.Contract))

    def show(self) -> Any:
        """To the answer to PaymentDetails."""
        self.choose_contract()
        return self.ask(self.details())

    def judge(self, status: ContractStatus, why: str = "") -> None:
        """The central system answers the last question about a contract."""
        asked = [e for e in self.learned(QuestionAsked) if isinstance(e.question, AuthorizeContract)][-1]
        self.secc.answer(asked.number, ContractJudged(status, why), self.now)

    def pay(self) -> None:
        """To ChargeParameterDiscovery."""
        self.authorization(self.show().GenChallenge)
        self.judge(ContractStatus.ACCEPTED)
        assert self.ask(iso2.AuthorizationReq()).EVSEProcessing is EVSEProcessing.Finished


def test_contracts_are_offered_over_tls_alone() -> None:
    for tls, wanted, without_tls, offered in (
        ("TLSv1.2", True, False, True),
        (None, True, False, False),
        ("TLSv1.2", False, False, False),
        (None, True, True, True),
    ):
        car = Iso2Car(tls=tls, plug_and_charge=wanted, plug_and_charge_without_tls=without_tls)
        car.agree()
        car.step(Iso2State.SESSION_SETUP)
        options = car.ask(iso2.ServiceDiscoveryReq()).PaymentOptionList.PaymentOption
        assert (PaymentOption.Contract in options) is offered


def test_a_contract_pays_when_the_central_system_accepts_it() -> None:
    car = ContractCar()
    car.see(authorized=None)
    details = car.show()
    assert details.ResponseCode is C.OK
    assert len(details.GenChallenge) == 16
    assert details.EVSETimeStamp == car.now.utc_s
    assert car.learned(QuestionAsked) == []  # nobody is asked before the car signed
    assert len(car.learned(AuthorizationWanted)) == 1
    ongoing = car.authorization(details.GenChallenge)
    assert (ongoing.ResponseCode, ongoing.EVSEProcessing) == (C.OK, EVSEProcessing.Ongoing)
    (asked,) = car.learned(QuestionAsked)
    assert asked.question.emaid == emaid_of(car.pki)
    assert asked.question.root_known
    car.judge(ContractStatus.ACCEPTED)
    assert car.ask(iso2.AuthorizationReq()).EVSEProcessing is EVSEProcessing.Ongoing  # the transaction begins
    car.see(authorized=True)
    finished = car.ask(iso2.AuthorizationReq())
    assert (finished.ResponseCode, finished.EVSEProcessing) == (C.OK, EVSEProcessing.Finished)
    for state in BEFORE[False][4:]:
        for answer in car.step(state):
            assert answer.ResponseCode is C.OK
    assert car.ask(car.session_stop()).ResponseCode is C.OK


@pytest.mark.parametrize(
    ("flaw", "code"),
    [
        (Flaw.EXPIRED, C.FAILED_CertificateExpired),
        (Flaw.SUB_CA_EXPIRED, C.FAILED_CertificateExpired),
        (Flaw.NOT_YET_VALID, C.FAILED_CertificateExpired),
        (Flaw.FORGED, C.FAILED_CertChainError),
        (Flaw.TOO_LONG, C.FAILED_CertChainError),
        (Flaw.WRONG_KEY, C.FAILED_CertChainError),
        (Flaw.SUB_CA_NO_AUTHORITY, C.FAILED_CertChainError),
        (Flaw.ENDS_SOON, C.OK_CertificateExpiresSoon),
        (Flaw.NO_ORGANIZATION, C.OK),
    ],
)
def test_a_chain_and_its_code(flaw: Flaw, code: C) -> None:
    car = ContractCar(pki(flaw))
    assert car.show().ResponseCode is code
    assert not car.secc.ended
    good = code in (C.OK, C.OK_CertificateExpiresSoon)
    assert car.state is (Iso2State.AUTHORIZATION if good else Iso2State.PAYMENT_DETAILS)
    assert len(car.learned(CarRemark)) == (0 if code is C.OK else 1)


@pytest.mark.parametrize(
    ("certificate", "code"),
    [
        (b"", C.FAILED_NoCertificateAvailable),
        (b"\x30" * 64, C.FAILED_CertChainError),  # no certificate at all
        (pki().chain_der("contract")[0], C.FAILED_CertChainError),  # no sub-CA
    ],
)
def test_a_chain_that_is_none(certificate: bytes, code: C) -> None:
    car = ContractCar()
    car.choose_contract()
    shown = replace(car.details(), ContractSignatureCertChain=iso2.CertificateChain(Certificate=certificate))
    assert car.ask(shown).ResponseCode is code


PLAIN = emaid_of(pki()).replace("-", "")


@pytest.mark.parametrize(
    ("emaid", "code"),
    [
        (PLAIN.lower(), C.OK),
        (f"{PLAIN[:2]}-{PLAIN[2:5]}-{PLAIN[5:]}", C.OK),
        ("DEXYZ000000001X", C.FAILED_CertChainError),
        ("", C.FAILED_CertChainError),
    ],
)
def test_hyphens_and_case_of_the_emaid_do_not_count(emaid: str, code: C) -> None:
    car = ContractCar()
    car.choose_contract()
    assert car.ask(replace(car.details(), eMAID=emaid)).ResponseCode is code


def test_an_unknown_root_is_the_central_systems_matter() -> None:
    car = ContractCar(trusted=Pki(Curve.P256, BEGIN))
    details = car.show()
    assert details.ResponseCode is C.OK
    car.authorization(details.GenChallenge)
    assert car.learned(QuestionAsked)[0].question.root_known is False


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ContractStatus.REFUSED, C.FAILED_CertificateNotAllowedAtThisEVSE),
        (ContractStatus.CANCELED, C.FAILED_ContractCanceled),
        (ContractStatus.UNKNOWN_PROVIDER, C.FAILED_NoCertificateAvailable),
        (ContractStatus.CERTIFICATE_REVOKED, C.FAILED_CertificateRevoked),
        (ContractStatus.CERTIFICATE_EXPIRED, C.FAILED_CertificateExpired),
        (ContractStatus.CERTIFICATE_INVALID, C.FAILED_CertChainError),
    ],
)
def test_each_answer_of_the_central_system_has_its_code_and_another_contract_may_follow(
    status: ContractStatus, code: C
) -> None:
    car = ContractCar()
    car.see(authorized=None)
    car.authorization(car.show().GenChallenge)
    car.judge(status, "because")
    assert car.ask(iso2.AuthorizationReq()).ResponseCode is code
    assert "because" in car.learned(CarRemark)[-1].text
    again = car.ask(car.details())
    assert again.ResponseCode is C.OK
    car.authorization(again.GenChallenge)
    car.judge(ContractStatus.ACCEPTED)
    car.see(authorized=True)
    assert car.ask(iso2.AuthorizationReq()).ResponseCode is C.OK


def test_every_answer_of_the_central_system_is_covered() -> None:
    assert set(CODES) == set(ContractStatus) - {ContractStatus.ACCEPTED}


def test_the_challenge_and_the_signature_are_looked_at() -> None:
    car = ContractCar()
    challenge = car.show().GenChallenge
    assert car.authorization(bytes(16)).ResponseCode is C.FAILED_ChallengeInvalid
    challenge = car.ask(car.details()).GenChallenge
    assert car.ask(iso2.AuthorizationReq()).ResponseCode is C.FAILED_ChallengeInvalid
    challenge = car.ask(car.details()).GenChallenge
    assert car.authorization(challenge, "vehicle").ResponseCode is C.FAILED_SignatureError
    challenge = car.ask(car.details()).GenChallenge
    body = iso2.AuthorizationReq(Id="id1", GenChallenge=challenge)
    assert car.ask(body).ResponseCode is C.FAILED_SignatureError
    assert car.learned(QuestionAsked) == []
    assert not car.secc.ended


def test_only_the_first_request_is_signed() -> None:
    car = ContractCar()
    car.see(authorized=None)
    car.authorization(car.show().GenChallenge)
    for _ in range(3):
        answer = car.ask(iso2.AuthorizationReq())
        assert (answer.ResponseCode, answer.EVSEProcessing) == (C.OK, EVSEProcessing.Ongoing)
    assert len(car.learned(QuestionAsked)) == 1


def test_nobody_decides_within_55_seconds() -> None:
    car = ContractCar()
    car.see(authorized=None)
    answer, asked_s = car.authorization(car.show().GenChallenge), car.t
    while answer.ResponseCode is C.OK:
        car.wait(1.0)
        answer = car.ask(iso2.AuthorizationReq())
    assert answer.ResponseCode is C.FAILED
    assert 54 <= car.t - asked_s <= 58
    assert "not decided" in car.learned(CarSessionEnded)[-1].detail


def test_an_accepted_contract_at_an_outlet_that_cannot_charge() -> None:
    car = ContractCar()
    car.see(authorized=False)
    car.authorization(car.show().GenChallenge)
    car.judge(ContractStatus.ACCEPTED)
    assert car.ask(iso2.AuthorizationReq()).ResponseCode is C.FAILED
    assert "cannot charge" in car.learned(CarRemark)[-1].text


def test_a_car_that_tries_out_contracts_is_sent_away() -> None:
    car = ContractCar(pki(Flaw.FORGED))
    car.show()
    for _ in range(ISO2_CONTRACTS_MAX - 1):
        assert car.ask(car.details()).ResponseCode is C.FAILED_CertChainError
    assert car.ask(car.details()).ResponseCode is C.FAILED
    assert car.secc.ended


def test_a_paused_contract_pays_again_without_a_question() -> None:
    first = ContractCar()
    first.pay()
    for state in BEFORE[False][4:-1]:
        first.step(state)
    assert first.ask(first.session_stop(ChargingSession.Pause)).ResponseCode is C.OK
    assert first.secc.kept is not None
    kept = KeptSession.from_json(first.secc.kept.to_json())
    car = ContractCar(kept=kept, session_id=b"\x44" * 8)
    car.session_id = SESSION_ID
    details = car.show()
    answer = car.authorization(details.GenChallenge)
    assert (answer.ResponseCode, answer.EVSEProcessing) == (C.OK, EVSEProcessing.Finished)
    assert car.learned(QuestionAsked) == []
    assert car.state is Iso2State.CHARGE_PARAMETER_DISCOVERY


# -- receipts ------------------------------------------------------------------------------------------------------------


def charging(**more: Any) -> ContractCar:
    car = ContractCar(**more)
    car.pay()
    for state in BEFORE[car.ac][4:-2]:
        car.step(state)
    assert car.state is Iso2State.CHARGE_LOOP
    return car


def receipt(car: ContractCar, meter: iso2.MeterInfo) -> iso2.MeteringReceiptReq:
    return iso2.MeteringReceiptReq(Id="id7", SessionID=car.session_id, SAScheduleTupleID=1, MeterInfo=meter)


@pytest.mark.parametrize("ac", [False, True])
def test_the_car_signs_the_reading_when_the_station_asks_for_it(ac: bool) -> None:
    car = charging(ac=ac)
    assert car.loop().ReceiptRequired is False
    car.wish(Wish.METERING_CONFIRMATION)
    asked = car.loop()
    assert asked.ReceiptRequired is True
    assert asked.MeterInfo.MeterReading == 5000
    body = receipt(car, asked.MeterInfo)
    answer = car.ask(body, signature=car.signed(body))
    assert answer.ResponseCode is C.OK
    assert isinstance(answer.EVSEStatus, iso2.AC_EVSEStatus if ac else iso2.DC_EVSEStatus)
    assert car.learned(WishFollowed)[-1].wish is Wish.METERING_CONFIRMATION
    (confirmed,) = car.learned(MeterReadingConfirmed)
    assert (confirmed.charged_Wh, confirmed.signed) == (5000, True)
    car.wish(None)
    assert car.loop().ReceiptRequired is False


def test_no_other_message_comes_while_a_receipt_is_awaited() -> None:
    car = charging()
    car.wish(Wish.METERING_CONFIRMATION)
    car.loop()
    assert car.loop().ResponseCode is C.FAILED_SequenceError


def test_a_receipt_for_another_reading_or_without_the_contracts_key() -> None:
    for changed, key in (("other", "contract"), ("meter", "vehicle")):
        car = charging()
        car.wish(Wish.METERING_CONFIRMATION)
        meter = replace(car.loop().MeterInfo, MeterID=changed)
        body = receipt(car, meter)
        assert car.ask(body, signature=car.signed(body, key)).ResponseCode is C.FAILED_MeteringSignatureNotValid
        assert car.secc.ended


def test_a_car_without_a_contract_signs_nothing() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.wish(Wish.METERING_CONFIRMATION)
    loop = car.loop()
    assert (loop.ReceiptRequired, loop.MeterInfo) == (False, None)
