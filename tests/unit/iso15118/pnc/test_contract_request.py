"""AuthorizationReq with a contract: the order of the checks, and the code of each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.flaws import Flaw, flawed_tree
from certs.pki import Curve, Pki
from chargepoint.iso15118.exi.codec import NS_CM, decode, encode
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import MessageHeader, ResponseCode
from chargepoint.iso15118.pnc.authorization import ContractRequestVerdict, judge_request
from chargepoint.iso15118.pnc.contract import read_roots
from chargepoint.iso15118.pnc.signature import SignedElement, sign
from chargepoint.security.certificates import CertificateFacts

CHALLENGE = bytes(range(16))
GOOD = {curve: Pki(curve) for curve in (Curve.P521, Curve.ED448, Curve.P256)}
NOW_S = GOOD[Curve.P521].certificates["contract"].not_valid_before_utc.timestamp() + 3600


def request_of(pki: Pki, challenge: bytes = CHALLENGE, leaf: bytes | None = None) -> cm.AuthorizationReq:
    first, *subs = pki.chain_der("contract")
    chain = cm.ContractCertificateChain(
        Certificate=leaf or first, SubCertificates=cm.SubCertificates(Certificate=tuple(subs))
    )
    body = cm.PnC_AReqAuthorizationMode(Id="id1", GenChallenge=challenge, ContractCertificateChain=chain)
    signature = sign([SignedElement(body)], pki.keys["contract"])
    return cm.AuthorizationReq(
        Header=MessageHeader(SessionID=bytes(8), TimeStamp=0, Signature=signature),
        SelectedAuthorizationService=cm.Authorization.PnC,
        PnC_AReqAuthorizationMode=body,
    )


def roots_of(pki: Pki) -> tuple[CertificateFacts, ...]:
    return read_roots([pki.certificates["mo_root"].public_bytes(Encoding.DER)])


def judged(request: cm.AuthorizationReq, pki: Pki, *, allow_p256: bool = False) -> ContractRequestVerdict:
    verdict = judge_request(request, CHALLENGE, roots_of(pki), NOW_S, allow_p256=allow_p256)
    assert verdict.accepted is verdict.code.value.startswith("OK")
    return verdict


@pytest.mark.parametrize("curve", list(GOOD))
def test_a_request_that_went_over_the_wire_is_good(curve: Curve) -> None:
    pki = GOOD[curve]
    over_the_wire = decode(NS_CM, encode(request_of(pki)))
    assert isinstance(over_the_wire, cm.AuthorizationReq)
    verdict = judged(over_the_wire, pki, allow_p256=curve is Curve.P256)
    assert (verdict.code, verdict.reason) == (ResponseCode.OK, None)
    assert verdict.emaid == "UKSWI123456791A"
    assert len(verdict.hash_data()) == 3


def test_p256_without_the_switch_names_the_switch() -> None:
    verdict = judged(request_of(GOOD[Curve.P256]), GOOD[Curve.P256])
    assert verdict.code is ResponseCode.WARNING_CertificateValidationError
    assert verdict.reason is not None
    assert "allow_p256" in verdict.reason


def test_a_request_without_a_contract() -> None:
    bare = replace(request_of(GOOD[Curve.P521]), PnC_AReqAuthorizationMode=None)
    verdict = judged(bare, GOOD[Curve.P521])
    assert verdict.code is ResponseCode.WARNING_AuthorizationSelectionInvalid
    assert (verdict.emaid, verdict.hash_data()) == (None, ())


def test_no_signature_and_a_bad_one() -> None:
    pki = GOOD[Curve.P521]
    request = request_of(pki)
    for signature in (None, request_of(pki, bytes(16)).Header.Signature):
        verdict = judged(replace(request, Header=replace(request.Header, Signature=signature)), pki)
        assert verdict.code is ResponseCode.WARNING_CertificateValidationError
        assert verdict.reason is not None
        assert verdict.reason.startswith("signature of AuthorizationReq: ")
        assert verdict.contract is None


def test_another_challenge() -> None:
    pki = GOOD[Curve.ED448]
    assert judged(request_of(pki, bytes(16)), pki).code is ResponseCode.WARNING_ChallengeInvalid


def test_the_signature_decides_before_the_challenge_and_both_before_the_chain() -> None:
    expired = Pki(Curve.P521, tree=flawed_tree("contract", Flaw.EXPIRED))
    assert judged(request_of(expired), expired).code is ResponseCode.WARNING_CertificateExpired
    wrong = request_of(expired, bytes(16))
    assert judged(wrong, expired).code is ResponseCode.WARNING_ChallengeInvalid
    unsigned = replace(wrong, Header=replace(wrong.Header, Signature=None))
    assert judged(unsigned, expired).code is ResponseCode.WARNING_CertificateValidationError


def test_junk_for_a_leaf() -> None:
    verdict = judged(request_of(GOOD[Curve.P521], leaf=b"\x30" * 800), GOOD[Curve.P521])
    assert verdict.code is ResponseCode.WARNING_CertificateValidationError
    assert verdict.reason is not None
    assert "800 bytes that are no certificate" in verdict.reason


def test_an_unknown_root_leaves_the_question_to_the_central_system() -> None:
    verdict = judged(request_of(GOOD[Curve.P521]), GOOD[Curve.ED448])
    assert verdict.code is ResponseCode.WARNING_eMSPUnknown
    assert verdict.emaid == "UKSWI123456791A"
    assert len(verdict.hash_data()) == 2
