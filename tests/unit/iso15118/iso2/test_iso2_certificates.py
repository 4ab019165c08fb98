"""CertificateInstallation and CertificateUpdate of ISO 15118-2: relayed byte for byte, and refused with every mandatory field."""

from __future__ import annotations

from typing import Any

import pytest

from certs.flaws import Flaw
from certs.pki import Pki
from chargepoint.iso15118.exi.codec import NS_ISO2, encode
from chargepoint.iso15118.iso2.certificate_installation import CERTIFICATES_MAX
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import ResponseCode as C
from chargepoint.iso15118.messages.xmldsig import X509IssuerSerial
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import CarRemark, QuestionAsked
from chargepoint.model.car_questions import CertificateRelayed
from tests.unit.iso15118.iso2.test_iso2_contracts import ContractCar, emaid_of, pki

ROOTS = iso2.ListOfRootCertificateIDs(
    RootCertificateID=(X509IssuerSerial(X509IssuerName="CN=root", X509SerialNumber=1),)
)


class InstallingCar(ContractCar):
    """A car in PaymentDetails that asks for a certificate."""

    def __init__(self, made: Pki | None = None, *, update: bool = False, **more: Any) -> None:
        super().__init__(made, **{"certificate_installation": True, **more})
        self.update = update
        self.choose_contract()

    def wanted(self, leaf: bytes | None = None) -> Any:
        if not self.update:
            own = self.pki.chain_der("provisioning")[0] if leaf is None else leaf
            return iso2.CertificateInstallationReq(Id="id1", OEMProvisioningCert=own, ListOfRootCertificateIDs=ROOTS)
        own, *subs = self.pki.chain_der("contract")
        chain = iso2.CertificateChain(
            Certificate=own if leaf is None else leaf, SubCertificates=iso2.SubCertificates(Certificate=tuple(subs))
        )
        return iso2.CertificateUpdateReq(
            Id="id1", ContractSignatureCertChain=chain, eMAID=emaid_of(self.pki), ListOfRootCertificateIDs=ROOTS
        )

    @property
    def key(self) -> str:
        return "contract" if self.update else "provisioning"

    def send_wanted(self, leaf: bytes | None = None, key: str | None = None) -> list[Any]:
        body = self.wanted(leaf)
        return self.send(body, signature=self.signed(body, key or self.key))

    def relay(self, exi: bytes | None, reason: str = "") -> list[Any]:
        asked = self.learned(QuestionAsked)[-1]
        self.secc.answer(asked.number, CertificateRelayed(exi, reason=reason), self.now)
        return self.answers()

    def response(self, code: C = C.OK, session_id: bytes | None = None, *, update: bool | None = None) -> bytes:
        """As a central system would make it."""
        kind = (
            iso2.CertificateUpdateRes
            if (self.update if update is None else update)
            else iso2.CertificateInstallationRes
        )
        leaf, *subs = self.pki.chain_der("contract")
        chain = iso2.CertificateChain(
            Id="id1", Certificate=leaf, SubCertificates=iso2.SubCertificates(Certificate=tuple(subs))
        )
        body = kind(
            ResponseCode=code,
            SAProvisioningCertificateChain=chain,
            ContractSignatureCertChain=chain,
            ContractSignatureEncryptedPrivateKey=iso2.ContractSignatureEncryptedPrivateKey(Id="id2", value=bytes(48)),
            DHpublickey=iso2.DiffieHellmanPublickey(Id="id3", value=bytes(65)),
            eMAID=iso2.EMAID(Id="id4", value=emaid_of(self.pki).replace("-", "")),
        )
        return encode(self.message(body, session_id))


def test_the_service_is_offered_where_certificates_are_relayed() -> None:
    for relays in (True, False):
        car = ContractCar(certificate_installation=relays)
        car.agree()
        car.step(Iso2State.SESSION_SETUP)
        services = car.ask(iso2.ServiceDiscoveryReq()).ServiceList
        assert (services is not None) is relays
        detail = car.ask(iso2.ServiceDetailReq(ServiceID=2))
        assert detail.ResponseCode is (C.OK if relays else C.FAILED_ServiceIDInvalid)
        if relays:
            names = [s.Parameter[0].stringValue for s in detail.ServiceParameterList.ParameterSet]
            assert names == ["Installation", "Update"]
    for category, offered in ((iso2.ServiceCategory.ContractCertificate, True), (iso2.ServiceCategory.Internet, False)):
        car = ContractCar(certificate_installation=True)
        car.agree()
        car.step(Iso2State.SESSION_SETUP)
        services = car.ask(iso2.ServiceDiscoveryReq(ServiceCategory=category)).ServiceList
        assert (services is not None) is offered


@pytest.mark.parametrize("update", [False, True])
def test_the_request_goes_out_and_the_response_comes_back_byte_for_byte(update: bool) -> None:
    car = InstallingCar(update=update)
    body = car.wanted()
    signature = car.signed(body, car.key)
    raw = encode(car.message(body, signature=signature))
    assert car.send_bytes(frame(PayloadType.EXI_SAP, raw + b"\x00")) == []
    (asked,) = car.learned(QuestionAsked)
    assert asked.question.exi_request == raw
    assert (asked.question.schema_version, asked.question.update) == (NS_ISO2, update)
    exi = car.response()
    car.secc.answer(asked.number, CertificateRelayed(exi), car.now)
    assert car.secc.to_send() == frame(PayloadType.EXI_SAP, exi)
    car.answers()
    assert "relayed to the car" in car.learned(CarRemark)[-1].text
    assert car.ask(car.details()).ResponseCode is C.OK


@pytest.mark.parametrize("update", [False, True])
def test_a_failed_response_of_the_central_system_is_relayed_too(update: bool) -> None:
    car = InstallingCar(update=update)
    car.send_wanted()
    (answer,) = car.relay(car.response(C.FAILED_CertificateRevoked))
    assert answer.ResponseCode is C.FAILED_CertificateRevoked


@pytest.mark.parametrize("update", [False, True])
def test_without_an_answer_in_four_and_a_half_seconds_it_fails(update: bool) -> None:
    car = InstallingCar(update=update)
    before_s = car.t
    assert car.send_wanted() == []
    (answer,) = car.await_answer(6.0)
    assert answer.ResponseCode is C.FAILED
    assert 4.4 <= car.t - before_s <= 4.6
    assert (len(answer.DHpublickey.value), len(answer.eMAID.value)) == (65, 15)
    assert not car.secc.ended
    assert car.ask(car.details()).ResponseCode is C.OK


@pytest.mark.parametrize("update", [False, True])
def test_refusals(update: bool) -> None:
    car = InstallingCar(update=update)
    (answer,) = car.send_wanted(leaf=b"\x30" * 64)
    assert answer.ResponseCode is C.FAILED_CertChainError
    (answer,) = car.send_wanted(key="vehicle")
    assert answer.ResponseCode is C.FAILED_SignatureError
    (answer,) = car.send(car.wanted())
    assert answer.ResponseCode is C.FAILED_SignatureError
    car.send_wanted()
    (answer,) = car.relay(None, "the central system is offline")
    assert answer.ResponseCode is C.FAILED_NoCertificateAvailable
    assert "offline" in car.learned(CarRemark)[-1].text
    for wrong in (b"\x80\x00", car.response(session_id=b"\x01"), car.response(update=not update), b"\x80" * 20_000):
        car.send_wanted()
        (answer,) = car.relay(wrong)
        assert answer.ResponseCode is C.FAILED_NoCertificateAvailable
        assert "cannot be relayed" in car.learned(CarRemark)[-1].text
    assert not car.secc.ended


def test_an_expired_certificate_gets_no_other() -> None:
    car = InstallingCar(pki(Flaw.EXPIRED), update=True)
    (answer,) = car.send_wanted()
    assert answer.ResponseCode is C.FAILED_CertificateExpired


def test_a_station_that_relays_nothing_has_no_certificate() -> None:
    car = InstallingCar(certificate_installation=False)
    (answer,) = car.send_wanted()
    assert answer.ResponseCode is C.FAILED_NoCertificateAvailable


def test_a_car_that_asks_for_ever_is_answered_without_a_question() -> None:
    car = InstallingCar()
    for _ in range(CERTIFICATES_MAX):
        car.send_wanted()
        car.relay(None, "none")
    (answer,) = car.send_wanted()
    assert answer.ResponseCode is C.FAILED_NoCertificateAvailable
    assert len(car.learned(QuestionAsked)) == CERTIFICATES_MAX


def test_with_external_means_it_is_out_of_order() -> None:
    car = ContractCar(certificate_installation=True).reach(Iso2State.AUTHORIZATION)
    assert car.ask(car.request_of(iso2.CertificateInstallationReq)).ResponseCode is C.FAILED_SequenceError
