"""A02: a certificate whose validity has not begun is kept and shown from its begin on; keys that belong to nothing are removed."""

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
from chargepoint.ocpp.blocks.effects import KeepFile, Reconnect, StartJob
from chargepoint.ocpp.blocks.jobs import GenerateKey, JobDone
from tests.unit.ocpp.conftest import UTC0_S, Desk, FakePort

NOW = datetime.fromtimestamp(UTC0_S, UTC)
DAY_S = 86_400.0
STATION, CAR = "ChargingStationCertificate", "V2GCertificate"
ISSUERS = {STATION: "csms_root", CAR: "v2g_root"}


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


def renew(desk: Desk, pki: Pki, use: str, starts_in_days: float) -> str:
    """TriggerMessage up to a CertificateSigned that is accepted; the chain."""
    desk.effects.clear()
    message = "SignChargingStationCertificate" if use == STATION else "SignV2GCertificate"
    assert desk.ask("TriggerMessage", {"requestedMessage": message})["status"] == "Accepted"
    start, key_file = key_job(desk)
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CP1")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(private, hashes.SHA256())
    csr = request.public_bytes(Encoding.PEM).decode("ascii")
    desk.files[key_file] = ""
    desk.perform(desk.station.job_event(JobDone(start, csr), desk.moment))
    begin = desk.moment.utc + timedelta(days=starts_in_days)
    issuer = ISSUERS[use]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(pki.certificates[issuer].subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=100))
        .sign(pki.keys[issuer], hashes.SHA256())
    )
    chain = certificate.public_bytes(Encoding.PEM).decode("ascii")
    answer = desk.ask("CertificateSigned", {"certificateChain": chain, "certificateType": use})
    assert answer == {"status": "Accepted"}
    return chain


def shown(desk: Desk) -> str | None:
    """The chain that the next connection shows; None: the configuration's."""
    name = desk.station.network.target(desk.now.utc_s).chain_name
    return None if name is None else desk.files[name]


def reconnects(desk: Desk) -> bool:
    return any(isinstance(effect, Reconnect) for effect in desk.effects)


@pytest.mark.parametrize("restarts", [False, True])
def test_a_future_certificate_is_shown_when_its_validity_begins(station: Desk, pki: Pki, restarts: bool) -> None:
    """A02.FR.08. The certificate before serves until then."""
    first = renew(station, pki, STATION, -1)
    future = renew(station, pki, STATION, 2)
    assert shown(station) == first
    assert not reconnects(station)
    if restarts:
        station.restart()
        station.accept()
    station.effects.clear()
    station.due(2 * DAY_S - 1)
    assert shown(station) == first
    assert not reconnects(station)
    station.due(2 * DAY_S)
    assert shown(station) == future
    assert reconnects(station)
    station.effects.clear()
    station.due(2 * DAY_S + 1)
    assert not reconnects(station)


def test_the_deadline_is_the_begin_of_the_validity(station: Desk, pki: Pki) -> None:
    renew(station, pki, STATION, 0.01)
    station.due()
    deadline_s = station.station.deadline_s
    assert deadline_s is not None and deadline_s <= 0.01 * DAY_S + 1


def test_the_file_of_a_future_certificate_for_cars_is_written_again_at_its_begin(station: Desk, pki: Pki) -> None:
    """The server for cars looks at files that changed."""
    chain = renew(station, pki, CAR, 1)
    station.effects.clear()
    station.now_s = DAY_S
    written = [effect for effect in station.station.tick(station.moment) if isinstance(effect, KeepFile)]
    assert [effect.content for effect in written] == [chain]


def test_a_key_that_belongs_to_nothing_is_removed_at_the_start(station: Desk, pki: Pki) -> None:
    """The process was killed after the key was made, and before its request was kept."""
    renew(station, pki, STATION, -1)
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
