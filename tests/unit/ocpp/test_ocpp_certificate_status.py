"""M06: the revocation status of the certificates towards cars is asked, believed only with its signature, kept and refreshed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from certs.pki import Curve, Pki
from chargepoint.ocpp.blocks.effects import WriteJournal
from tests.unit.ocpp.conftest import UTC0_S, Desk

NOW = datetime.fromtimestamp(UTC0_S, UTC)
WEEK_S = 7 * 86_400.0


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki(Curve.P256, NOW)


@pytest.fixture
def desk(desk: Desk, pki: Pki) -> Desk:
    """It has a chain towards cars."""
    desk.configured = {
        "secc_chain.pem": pki.chain_pem("secc").decode("ascii"),
        "v2g_roots/v2g_root.pem": pki.certificates["v2g_root"].public_bytes(Encoding.PEM).decode("ascii"),
    }
    desk.restart()
    desk.accept()
    return desk


def asked(desk: Desk) -> list[dict[str, Any]]:
    return [send.payload for send in desk.sent if send.action == "GetCertificateStatus"]


def answer(
    pki: Pki, node: str, issuer: str, at_s: float = 0.0, signer: str | None = None, revoked: bool = False
) -> str:
    at = NOW + timedelta(seconds=at_s)
    builder = ocsp.OCSPResponseBuilder().add_response(
        pki.certificates[node],
        pki.certificates[issuer],
        hashes.SHA256(),
        ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
        at,
        at + timedelta(days=8),
        at if revoked else None,
        None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, pki.certificates[signer or issuer])
    response = builder.sign(pki.keys[signer or issuer], hashes.SHA256())
    return base64.b64encode(response.public_bytes(Encoding.DER)).decode("ascii")


CHAIN = (("secc", "cpo_sub2"), ("cpo_sub2", "cpo_sub1"), ("cpo_sub1", "v2g_root"))


def answer_all(desk: Desk, pki: Pki, at_s: float = 0.0) -> None:
    for request, (node, issuer) in zip(asked(desk)[-3:], CHAIN, strict=True):
        response = {"status": "Accepted", "ocspResult": answer(pki, node, issuer, at_s)}
        desk.answered("GetCertificateStatus", request, response)


def test_leaf_and_sub_cas_are_asked_about_once_and_again_after_a_week(desk: Desk, pki: Pki) -> None:
    """TC_M_24. M06.FR.10."""
    desk.due()
    assert [int(request["ocspRequestData"]["serialNumber"], 16) for request in asked(desk)] == [
        pki.certificates[node].serial_number for node, _ in CHAIN
    ]
    answer_all(desk, pki)
    assert [kept["status"] for kept in desk.kept("certificate-status").values()] == ["good"] * 3
    desk.due(WEEK_S - 10)
    desk.restart()
    desk.accept()
    desk.due(WEEK_S - 5)
    assert asked(desk) == []
    desk.due(WEEK_S + 3600.0)
    assert len(asked(desk)) == 3


@pytest.mark.parametrize("bad", ["failed", "unsigned", "nonsense", "old"])
def test_an_answer_that_says_nothing_is_not_kept_and_asked_again(desk: Desk, pki: Pki, bad: str) -> None:
    """TC_M_25."""
    desk.due()
    response: dict[str, Any] = {"status": "Accepted", "ocspResult": "AAAA"}
    if bad == "failed":
        response = {"status": "Failed"}
    elif bad == "unsigned":
        response["ocspResult"] = answer(pki, "secc", "cpo_sub2", signer="mo_root")
    elif bad == "old":
        response["ocspResult"] = answer(pki, "secc", "cpo_sub2", at_s=-20 * 86_400.0)
    desk.answered("GetCertificateStatus", asked(desk)[0], response)
    assert desk.kept("certificate-status") == {}
    desk.due(60.0)
    assert len(asked(desk)) == 3
    desk.due(3700.0)
    assert len(asked(desk)) == 6


def test_a_revoked_certificate_is_written_to_the_journal(desk: Desk, pki: Pki) -> None:
    desk.due()
    response = {"status": "Accepted", "ocspResult": answer(pki, "secc", "cpo_sub2", revoked=True)}
    desk.answered("GetCertificateStatus", asked(desk)[0], response)
    assert any(isinstance(effect, WriteJournal) and "revoked" in effect.text for effect in desk.effects)
    assert [kept["status"] for kept in desk.kept("certificate-status").values()] == ["revoked"]


def test_a_new_chain_is_asked_about_at_once_and_the_old_answers_are_forgotten(desk: Desk, pki: Pki) -> None:
    """M06.FR.07."""
    desk.due()
    answer_all(desk, pki)
    other = Pki(Curve.P256, NOW + timedelta(minutes=1))
    desk.now_s = 120.0
    desk.files["secc_chain_b.pem"] = other.chain_pem("secc").decode("ascii")
    desk.files["secc_b.key"] = ""
    desk.restart()
    desk.accept()
    desk.due()
    assert [int(request["ocspRequestData"]["serialNumber"], 16) for request in asked(desk)] == [
        other.certificates[node].serial_number for node in ("secc", "cpo_sub2")
    ]  # the root of the last sub-CA is not known
    assert desk.kept("certificate-status") == {}
