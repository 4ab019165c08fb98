"""Questions about revocation as OCPP wants them, and answers of OCSP responders, good, bad and false."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ReasonFlags, ocsp
from hypothesis import given
from hypothesis import strategies as st

from certs.flaws import Flaw, flawed_tree
from certs.pki import STATUS_ADDRESS, Curve, Pki, PrivateKey
from certs.tree import TREE, Node, Use
from chargepoint.model.car_questions import CertificateHash
from chargepoint.ocpp.blocks.contracts import hash_on_wire
from chargepoint.ocpp.schemas import Schemas
from chargepoint.ocpp.version import OCPP_2_0_1
from chargepoint.security.certificates import CertificateFacts, read_certificate
from chargepoint.security.revocation import Revocation, hash_data, read_answer

MADE = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW_S = MADE.timestamp()
OCSP_SIGNING = frozenset({"1.3.6.1.5.5.7.3.9"})
RESPONDERS = (
    Node("responder", "Responder-DEV", "mo_sub2", Use.SIGNER, 30, purposes=OCSP_SIGNING),
    Node("stranger", "Stranger-DEV", "oem_sub2", Use.SIGNER, 30, purposes=OCSP_SIGNING),
    Node("idle", "Idle-DEV", "mo_sub2", Use.SIGNER, 30),
)
PKI = Pki(Curve.P521, MADE, TREE + RESPONDERS)


def facts(name: str, pki: Pki = PKI) -> CertificateFacts:
    return read_certificate(pki.certificates[name].public_bytes(Encoding.DER))


CHAIN = tuple(facts(name) for name in ("contract", "mo_sub2", "mo_sub1"))
ROOT = facts("mo_root")
LEAF, ISSUER = CHAIN[0], CHAIN[1]


def answer(
    signer: str = "mo_sub2",
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    about: str = "contract",
    made: datetime = MADE,
    days: float = 7,
    embed: bool = False,
    pki: Pki = PKI,
) -> str:
    revoked = status is ocsp.OCSPCertStatus.REVOKED
    certificate, key = pki.certificates[signer], pki.keys[signer]
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=pki.certificates[about],
        issuer=pki.certificates["mo_sub2"],
        algorithm=hashes.SHA256(),
        cert_status=status,
        this_update=made,
        next_update=made + timedelta(days=days),
        revocation_time=made if revoked else None,
        revocation_reason=ReasonFlags.key_compromise if revoked else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
    if embed:
        builder = builder.certificates([certificate])
    response = builder.sign(key, _digest(key))
    return base64.b64encode(response.public_bytes(Encoding.DER)).decode()


def _digest(key: PrivateKey) -> hashes.SHA512 | None:
    return None if isinstance(key, ed448.Ed448PrivateKey) else hashes.SHA512()


# -- the question -----------------------------------------------------------------------------------------------------


def test_each_certificate_of_the_chain_is_asked_about_leaf_first() -> None:
    questions = hash_data(CHAIN, ROOT)
    assert len(questions) == 3
    for question, certificate, issuer in zip(questions, CHAIN, (*CHAIN[1:], ROOT), strict=True):
        key = issuer.certificate.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        assert question == CertificateHash(
            hash_algorithm="SHA256",
            issuer_name_hash=hashlib.sha256(issuer.certificate.subject.public_bytes()).hexdigest(),
            issuer_key_hash=hashlib.sha256(key).hexdigest(),
            serial_number=f"{certificate.certificate.serial_number:x}",
            responder_url=STATUS_ADDRESS,
        )


def test_the_question_fits_the_schemas_of_ocpp() -> None:
    rows = [hash_on_wire(question) for question in hash_data(CHAIN, ROOT)]
    token = {"idToken": "UKSWI123456791A", "type": "eMAID"}
    payload = {"idToken": token, "iso15118CertificateHashData": rows}
    assert Schemas(OCPP_2_0_1).check_request("Authorize", payload) is None
    status = {"ocspRequestData": rows[0]}
    assert Schemas(OCPP_2_0_1).check_request("GetCertificateStatus", status) is None


def test_without_the_root_the_highest_certificate_is_left_out() -> None:
    assert hash_data(CHAIN, None) == hash_data(CHAIN, ROOT)[:2]


def test_without_an_address_nothing_can_be_asked() -> None:
    bare = Pki(Curve.P521, MADE, flawed_tree("contract", Flaw.NO_STATUS_ADDRESS))
    chain = [facts(name, bare) for name in ("contract", "mo_sub2", "mo_sub1")]
    assert len(hash_data(chain, facts("mo_root", bare))) == 2


# -- the answer -------------------------------------------------------------------------------------------------------


def read(text: str, at_utc_s: float = NOW_S) -> Revocation:
    return read_answer(text, LEAF, ISSUER, at_utc_s)


def test_the_issuer_answers() -> None:
    assert read(answer()) is Revocation.GOOD
    assert read(answer(status=ocsp.OCSPCertStatus.REVOKED)) is Revocation.REVOKED
    assert read(answer(status=ocsp.OCSPCertStatus.UNKNOWN)) is Revocation.UNKNOWN


def test_an_ed448_issuer_answers() -> None:
    pki = Pki(Curve.ED448, MADE, TREE + RESPONDERS)
    text = answer(status=ocsp.OCSPCertStatus.REVOKED, pki=pki)
    assert read_answer(text, facts("contract", pki), facts("mo_sub2", pki), NOW_S) is Revocation.REVOKED


def test_a_responder_answers_where_the_issuer_appointed_it() -> None:
    assert read(answer("responder", embed=True)) is Revocation.GOOD
    assert read(answer("responder", embed=False)) is Revocation.UNKNOWN  # nobody can see who that is
    assert read(answer("stranger", embed=True)) is Revocation.UNKNOWN  # another issuer's responder
    assert read(answer("idle", embed=True)) is Revocation.UNKNOWN  # not for OCSP
    assert read(answer("responder", embed=True, days=400), NOW_S + 31 * 86400) is Revocation.UNKNOWN  # expired


def test_an_answer_about_another_certificate_says_nothing() -> None:
    assert read(answer(about="mo_sub2")) is Revocation.UNKNOWN
    other = Pki(Curve.P521, MADE)
    assert read_answer(answer(), LEAF, facts("mo_sub2", other), NOW_S) is Revocation.UNKNOWN


def test_an_answer_is_good_for_its_time_with_five_minutes_for_the_clocks() -> None:
    week_s = 7 * 86400
    assert read(answer(), NOW_S + week_s + 299) is Revocation.GOOD
    assert read(answer(), NOW_S + week_s + 301) is Revocation.UNKNOWN
    assert read(answer(), NOW_S - 299) is Revocation.GOOD
    assert read(answer(), NOW_S - 301) is Revocation.UNKNOWN


def test_a_refusal_of_the_responder_says_nothing() -> None:
    refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    assert read(base64.b64encode(refusal.public_bytes(Encoding.DER)).decode()) is Revocation.UNKNOWN


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA", "ü", base64.b64encode(b"\x30" * 800).decode()])
def test_junk_says_nothing(text: str) -> None:
    assert read(text) is Revocation.UNKNOWN


@given(at=st.integers(0, 10_000), bits=st.integers(1, 255))
def test_no_mutated_answer_raises_or_changes_the_word(at: int, bits: int) -> None:
    data = bytearray(base64.b64decode(REVOKED))
    data[at % len(data)] ^= bits
    assert read(base64.b64encode(bytes(data)).decode()) is not Revocation.GOOD


REVOKED = answer(status=ocsp.OCSPCertStatus.REVOKED)
