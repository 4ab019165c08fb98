"""Messages recorded from a car made by others (EcoG EVCC): its real signatures and its real contract chain."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from chargepoint.iso15118.exi.codec import NS_CM, NS_ISO2, decode, encode
from chargepoint.iso15118.messages.common_messages import AuthorizationReq, PnC_AReqAuthorizationMode
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.messages.iso15118_2 import V2G_Message
from chargepoint.iso15118.pnc.contract import judge
from chargepoint.iso15118.pnc.signature import SignatureFault, SignedElement, verify
from chargepoint.security.certificates import read_certificate
from chargepoint.security.chain import ChainFault
from chargepoint.security.revocation import hash_data

VECTORS = Path(__file__).resolve().parents[3] / "vectors"
SESSIONS = VECTORS / "exi" / "SESSIONS.jsonl.gz"
SIGNED_BY_2 = json.loads((VECTORS / "signatures" / "iso15118-2.json").read_text())
AT_UTC_S = 1_797_000_000.0  # in December 2026, within the validity of the recorded certificates


def recorded() -> dict[str, AuthorizationReq]:
    found = {}
    with gzip.open(SESSIONS, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if row["message"] == "AuthorizationReq" and row["schema"] == NS_CM:
                message = decode(NS_CM, bytes.fromhex(row["exi"]))
                assert isinstance(message, AuthorizationReq)
                found[row["variant"]] = message
    return found


RECORDED = recorded()


def test_there_are_four_recorded_signatures() -> None:
    assert sorted(RECORDED) == ["ac_notls", "dc_notls", "dcbpt_dynamic_notls", "dcbpt_notls"]


def body_of(message: AuthorizationReq) -> PnC_AReqAuthorizationMode:
    assert message.PnC_AReqAuthorizationMode is not None
    return message.PnC_AReqAuthorizationMode


@pytest.mark.parametrize("session", sorted(RECORDED))
def test_the_signature_of_an_outside_car_is_good(session: str) -> None:
    message, body = RECORDED[session], body_of(RECORDED[session])
    key = read_certificate(body.ContractCertificateChain.Certificate).public_key
    assert key is not None
    signature = message.Header.Signature
    assert verify(signature, [SignedElement(body)], key, allow_p256=True) is None
    strict = verify(signature, [SignedElement(body)], key)
    assert strict is not None
    assert strict.fault is SignatureFault.KEY
    others = [body_of(other) for name, other in RECORDED.items() if name != session]
    for other in others:
        finding = verify(signature, [SignedElement(other)], key, allow_p256=True)
        assert finding is not None
        assert finding.fault is SignatureFault.DIGEST_VALUE


@pytest.mark.parametrize("row", SIGNED_BY_2, ids=[row["message"] for row in SIGNED_BY_2])
def test_the_signature_of_an_outside_car_of_iso15118_2_is_good(row: dict[str, str]) -> None:
    message = decode(NS_ISO2, bytes.fromhex(row["exi"]))
    assert isinstance(message, V2G_Message)
    body = message.Body.BodyElement
    assert encode(body, fragment=True).hex() == row["fragment"]
    key = load_der_public_key(bytes.fromhex(row["public_key"]))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert verify(message.Header.Signature, [SignedElement(body)], key, allow_p256=True) is None
    foreign = ec.generate_private_key(ec.SECP256R1()).public_key()
    finding = verify(message.Header.Signature, [SignedElement(body)], foreign, allow_p256=True)
    assert finding is not None
    assert finding.fault is SignatureFault.SIGNATURE_VALUE


def test_the_contract_chain_of_an_outside_car_lacks_only_its_root() -> None:
    chain = body_of(RECORDED["ac_notls"]).ContractCertificateChain
    subs = chain.SubCertificates.Certificate
    verdict = judge(chain.Certificate, subs, [], AT_UTC_S, allow_p256=True)
    assert verdict.finding is not None
    assert (verdict.code, verdict.finding.fault) == (ResponseCode.WARNING_eMSPUnknown, ChainFault.ROOT_UNKNOWN)
    assert verdict.emaid == "UKSWI123456791A"
    strict = judge(chain.Certificate, subs, [], AT_UTC_S)
    assert strict.finding is not None
    assert strict.finding.fault is ChainFault.KEY
    assert verdict.chain is not None
    asked = hash_data(verdict.chain.certificates, None)
    assert [question.responder_url for question in asked] == ["https://www.example.com/"] * 2
