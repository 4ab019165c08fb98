"""M03 to M05: roots are installed, listed by their hashes and deleted; what the configuration names stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from certs.pki import Curve, Pki
from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp.variables.security import MAX_CERTIFICATES
from tests.unit.ocpp.conftest import UTC0_S, Desk, FakePort

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime.fromtimestamp(UTC0_S, UTC)


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki(Curve.P256, NOW)


def pem(pki: Pki, node: str) -> str:
    return pki.certificates[node].public_bytes(Encoding.PEM).decode("ascii")


def install(desk: Desk, kind: str, certificate: str) -> dict[str, Any]:
    return desk.ask("InstallCertificate", {"certificateType": kind, "certificate": certificate})


def listed(desk: Desk, *kinds: str) -> list[dict[str, Any]]:
    answer = desk.ask("GetInstalledCertificateIds", {"certificateType": list(kinds)} if kinds else {})
    found: list[dict[str, Any]] = answer.get("certificateHashDataChain", [])
    assert answer["status"] == ("Accepted" if found else "NotFound")
    return found


def entries(desk: Desk) -> str:
    return desk.station.model.text("SecurityCtrlr/CertificateEntries")


@pytest.mark.parametrize(
    ("kind", "node"),
    [
        ("CSMSRootCertificate", "csms_root"),
        ("ManufacturerRootCertificate", "oem_root"),
        ("V2GRootCertificate", "v2g_root"),
        ("MORootCertificate", "mo_root"),
    ],
)
def test_a_root_is_installed_listed_kept_and_deleted(desk: Desk, pki: Pki, kind: str, node: str) -> None:
    """TC_M_01 to 04, 12 to 14, 16, 20."""
    assert install(desk, kind, pem(pki, node)) == {"status": "Accepted"}
    assert install(desk, kind, pem(pki, node)) == {"status": "Accepted"}  # M05.FR.17
    assert entries(desk) == "1"
    desk.restart()
    desk.accept()
    [found] = listed(desk, kind)
    root = pki.certificates[node]
    wanted = ocsp.OCSPRequestBuilder().add_certificate(root, root, hashes.SHA256()).build()
    assert found == {
        "certificateType": kind,
        "certificateHashData": {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": wanted.issuer_name_hash.hex(),
            "issuerKeyHash": wanted.issuer_key_hash.hex(),
            "serialNumber": f"{root.serial_number:x}",
        },
    }
    upper = {k: v if k == "hashAlgorithm" else v.upper() for k, v in found["certificateHashData"].items()}
    assert desk.ask("DeleteCertificate", {"certificateHashData": upper}) == {"status": "Accepted"}
    assert desk.ask("DeleteCertificate", {"certificateHashData": upper}) == {"status": "NotFound"}  # TC_M_22
    assert desk.files == {}
    assert listed(desk) == []  # TC_M_19


def test_several_types_are_listed_together(desk: Desk, pki: Pki) -> None:
    """TC_M_17, TC_M_18."""
    install(desk, "CSMSRootCertificate", pem(pki, "csms_root"))
    install(desk, "ManufacturerRootCertificate", pem(pki, "oem_root"))
    install(desk, "MORootCertificate", pem(pki, "mo_root"))
    some = listed(desk, "CSMSRootCertificate", "ManufacturerRootCertificate")
    assert {entry["certificateType"] for entry in some} == {"CSMSRootCertificate", "ManufacturerRootCertificate"}
    assert len(listed(desk)) == 3


def weak_root() -> str:
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "weak")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(NOW - timedelta(1)).not_valid_after(NOW + timedelta(9))
    builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode("ascii")


def bad_certificates(pki: Pki) -> Iterator[tuple[str, str]]:
    yield "no PEM certificate", "no certificate"
    yield "no PEM certificate", pem(pki, "csms_root").replace("M", "!")
    yield "expired", pem(Pki(Curve.P256, NOW - timedelta(days=4000)), "csms_root")
    yield "valid only in", pem(Pki(Curve.P256, NOW + timedelta(days=40)), "csms_root")
    yield "no authority", pem(pki, "station")
    yield "2 certificates", pem(pki, "csms_root") + pem(pki, "mo_root")
    yield "1024 bits", weak_root()


def test_what_is_no_good_root_is_refused_with_the_reason(desk: Desk, pki: Pki) -> None:
    """TC_M_07."""
    for reason, certificate in bad_certificates(pki):
        answer = install(desk, "CSMSRootCertificate", certificate)
        assert answer["status"] == "Rejected", reason
        assert reason in answer["statusInfo"]["additionalInfo"]
    assert desk.files == {}


def test_there_is_a_bound_and_it_is_in_the_device_model(desk: Desk, pki: Pki) -> None:
    desk.files.update({f"mo_roots/{number}.pem": pem(pki, "mo_root") for number in range(MAX_CERTIFICATES - 1)})
    desk.restart()
    desk.accept()
    assert install(desk, "CSMSRootCertificate", pem(pki, "csms_root"))["status"] == "Accepted"
    answer = install(desk, "V2GRootCertificate", pem(pki, "v2g_root"))
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "OutOfStorage")  # M05.FR.06
    assert install(desk, "CSMSRootCertificate", pem(pki, "csms_root"))["status"] == "Accepted"
    assert entries(desk) == str(MAX_CERTIFICATES)


def test_configured_certificates_are_listed_and_not_deleted(desk: Desk, pki: Pki) -> None:
    """TC_M_15, TC_M_23."""
    desk.configured = {
        "csms_roots/configured.pem": pem(pki, "csms_root"),
        "station_chain.pem": pem(pki, "station"),
        "v2g_roots/v2g_root.pem": pem(pki, "v2g_root"),
        "secc_chain.pem": pki.chain_pem("secc").decode("ascii"),
    }
    desk.restart()
    desk.accept()
    [chain] = listed(desk, "V2GCertificateChain")
    leaf, *subs = pki.chain("secc")
    assert chain["certificateHashData"]["serialNumber"] == f"{leaf.serial_number:x}"
    assert [child["serialNumber"] for child in chain["childCertificateHashData"]] == [
        f"{certificate.serial_number:x}" for certificate in subs
    ]
    for entry in listed(desk):
        answer = desk.ask("DeleteCertificate", {"certificateHashData": entry["certificateHashData"]})
        assert answer["status"] == "Failed"
    own = ocsp.OCSPRequestBuilder().add_certificate(
        pki.certificates["station"], pki.certificates["csms_root"], hashes.SHA384()
    )
    asked = own.build()
    data = {
        "hashAlgorithm": "SHA384",
        "issuerNameHash": asked.issuer_name_hash.hex(),
        "issuerKeyHash": asked.issuer_key_hash.hex(),
        "serialNumber": f"{asked.serial_number:x}",
    }
    assert desk.ask("DeleteCertificate", {"certificateHashData": data})["status"] == "Failed"  # M04.FR.06


def test_the_last_root_of_a_secure_connection_stays(pki: Pki) -> None:
    """M04.FR.03."""
    desk = Desk(FakePort(), CsmsSection(url="wss://host", security_profile=2))
    install(desk, "CSMSRootCertificate", pem(pki, "csms_root"))
    [found] = listed(desk)
    answer = desk.ask("DeleteCertificate", {"certificateHashData": found["certificateHashData"]})
    assert answer["status"] == "Failed"
    install(desk, "CSMSRootCertificate", pem(Pki(Curve.P256, NOW), "csms_root"))
    answer = desk.ask("DeleteCertificate", {"certificateHashData": found["certificateHashData"]})
    assert answer["status"] == "Accepted"
