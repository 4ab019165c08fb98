"""A02: of two certificates of the station the one that does not work goes, and keys that belong to nothing go at the start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certs.pki import Curve, Pki
from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp.blocks.effects import ConnectionFailed, Post, StartJob
from chargepoint.ocpp.blocks.jobs import GenerateKey, JobDone
from tests.unit.ocpp.conftest import UTC0_S, Desk, FakePort

NOW = datetime.fromtimestamp(UTC0_S, UTC)
STATION = "ChargingStationCertificate"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki(Curve.P256, NOW)


@pytest.fixture
def station(pki: Pki) -> Desk:
    """Security profile 3, with the roots of both uses in its configuration."""
    desk = Desk(FakePort(), CsmsSection(url="wss://host", security_profile=3))
    desk.configured = {
        f"{folder}/configured.pem": pki.certificates[root].public_bytes(Encoding.PEM).decode("ascii")
        for folder, root in (("csms_roots", "csms_root"), ("v2g_roots", "v2g_root"))
    }
    desk.restart()
    desk.accept()
    return desk


def key_job(desk: Desk) -> tuple[str, str]:
    """The name of the job that makes a key, and the file of the key."""
    start = next(effect for effect in desk.effects if isinstance(effect, StartJob))
    assert isinstance(start.job, GenerateKey)
    return start.name, start.job.key_file


def renew(desk: Desk, pki: Pki, starts_in_days: float) -> str:
    """TriggerMessage up to a CertificateSigned that is accepted; the chain."""
    desk.effects.clear()
    assert desk.ask("TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"})["status"] == "Accepted"
    start, key_file = key_job(desk)
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CP1")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(private, hashes.SHA256())
    csr = request.public_bytes(Encoding.PEM).decode("ascii")
    desk.files[key_file] = ""
    desk.perform(desk.station.job_event(JobDone(start, csr), desk.moment))
    begin = desk.moment.utc + timedelta(days=starts_in_days)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(pki.certificates["csms_root"].subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=100))
        .sign(pki.keys["csms_root"], hashes.SHA256())
    )
    chain = certificate.public_bytes(Encoding.PEM).decode("ascii")
    answer = desk.ask("CertificateSigned", {"certificateChain": chain, "certificateType": STATION})
    assert answer == {"status": "Accepted"}
    return chain


ATTEMPTS = 3
"""NetworkProfileConnectionAttempts of the factory."""


def refuse(desk: Desk, times: int = ATTEMPTS, kind: str = "FailedToAuthenticateAtCsms") -> None:
    """The central system does not take the certificate that the next attempts show."""
    desk.perform(desk.station.disconnected(desk.moment))
    for _ in range(times):
        shown(desk)
        desk.perform(desk.station.informed(ConnectionFailed(kind, "refused"), desk.moment))


def connect(desk: Desk) -> None:
    shown(desk)
    desk.effects.clear()
    desk.perform(desk.station.connected(desk.version, 1.0, desk.moment))


def shown(desk: Desk) -> str | None:
    """The chain that the next connection shows; None: the configuration's."""
    name = desk.station.network.target(desk.now.utc_s).chain_name
    return None if name is None else desk.files[name]


def chains(desk: Desk) -> list[str]:
    return [text for name, text in desk.files.items() if name.endswith(".pem")]


def discarded(desk: Desk) -> bool:
    """Whether the central system is notified of it."""
    events = [effect.payload["type"] for effect in desk.effects if isinstance(effect, Post)]
    return "DiscardedRenewedClientCertificate" in events


def test_the_certificate_that_did_not_work_is_discarded(station: Desk, pki: Pki) -> None:
    """A02.FR.10, FR.29, as the errata of 2025-09 have them."""
    old = renew(station, pki, -2)
    connect(station)
    new = renew(station, pki, -1)
    assert shown(station) == new
    refuse(station)
    assert shown(station) == old
    connect(station)
    assert chains(station) == [old]
    assert len(station.files) == 2  # its key is gone, too
    assert discarded(station)


def test_certificates_take_turns_when_every_network_profile_has_failed(station: Desk, pki: Pki) -> None:
    """A02.FR.28: first every attempt with the new one, then those of the last good profile with the old one."""
    old = renew(station, pki, -2)
    connect(station)
    new = renew(station, pki, -1)
    seen = []
    for _ in range(3 * ATTEMPTS):
        seen.append(shown(station))
        refuse(station, 1)
    assert seen == [*[new] * ATTEMPTS, *[old] * ATTEMPTS, *[new] * ATTEMPTS]


def test_a_central_system_that_is_away_turns_no_certificate(station: Desk, pki: Pki) -> None:
    renew(station, pki, -2)
    connect(station)
    new = renew(station, pki, -1)
    refuse(station, 5 * ATTEMPTS, kind="")
    assert shown(station) == new


def test_the_configured_certificate_that_worked_stays_alone(station: Desk, pki: Pki) -> None:
    configured = pki.certificates["station"].public_bytes(Encoding.PEM).decode("ascii")
    station.configured |= {"station_chain.pem": configured}
    station.restart()
    station.accept()
    renew(station, pki, -0.01)
    refuse(station)
    assert shown(station) is None
    connect(station)
    assert station.files == {}
    assert discarded(station)


def test_the_old_certificate_goes_without_a_notice(station: Desk, pki: Pki) -> None:
    renew(station, pki, -2)
    connect(station)
    new = renew(station, pki, -1)
    connect(station)
    assert chains(station) == [new]
    assert not discarded(station)


def test_a_key_that_belongs_to_nothing_is_removed_at_the_start(station: Desk, pki: Pki) -> None:
    """The process was killed after the key was made, and before its request was kept."""
    renew(station, pki, -1)
    owned = {name for name in station.files if name.endswith(".key")}
    station.files |= {"station_5f1.key": "", "secc_5f2.key": ""}
    station.restart()
    assert {name for name in station.files if name.endswith(".key")} == owned


def test_the_key_of_a_request_that_waits_stays(station: Desk) -> None:
    station.effects.clear()
    station.ask("TriggerMessage", {"requestedMessage": "SignV2GCertificate"})
    start, key_file = key_job(station)
    station.files[key_file] = ""
    station.perform(station.station.job_event(JobDone(start, "csr"), station.moment))
    station.restart()
    assert key_file in station.files


def test_an_expired_certificate_is_shown_all_the_same(station: Desk, pki: Pki) -> None:
    """A00.FR.430: the central system decides; a valid one goes before."""
    first = renew(station, pki, -2)
    connect(station)
    station.now_s += 150 * 86_400.0
    assert shown(station) == first
    second = renew(station, pki, -1)
    assert shown(station) == second
