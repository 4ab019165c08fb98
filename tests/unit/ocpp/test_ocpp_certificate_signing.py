"""A02, A03: the station's own certificates: asked for, asked again with a back-off, checked, kept, shown, renewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certs.pki import Curve, Pki
from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp.blocks.certificate_signing import CHAINS_MAX
from chargepoint.ocpp.blocks.effects import Post, Reconnect, StartJob
from chargepoint.ocpp.blocks.jobs import GenerateKey, JobDone, JobFailed
from chargepoint.ocpp.certificate_stock import key_name
from tests.unit.ocpp.conftest import UTC0_S, Desk, FakePort

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime.fromtimestamp(UTC0_S, UTC)
STATION = "ChargingStationCertificate"
DAY_S = 86_400.0


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki(Curve.P256, NOW)


@pytest.fixture
def desk(desk: Desk, pki: Pki) -> Desk:
    """It trusts the central system's root and the cars' root."""
    desk.configured = {
        "csms_roots/configured.pem": pem(pki.certificates["csms_root"]),
        "v2g_roots/v2g_root.pem": pem(pki.certificates["v2g_root"]),
    }
    desk.restart()
    desk.accept()
    return desk


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


class Key:
    """A key as the job makes it."""

    def __init__(self, job: GenerateKey) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, job.common_name)])
        request = x509.CertificateSigningRequestBuilder().subject_name(self.name).sign(self.private, hashes.SHA256())
        self.csr = request.public_bytes(Encoding.PEM).decode("ascii")

    def signed(
        self, pki: Pki, issuer: str = "csms_root", days: float = 100.0, starts: float = -1.0, **changes: Any
    ) -> str:
        """The certificate that a central system makes of the request."""
        start = changes.get("now", NOW) + timedelta(days=starts)
        key = changes.get("key", self.private)
        builder = (
            x509.CertificateBuilder()
            .subject_name(changes.get("name", self.name))
            .issuer_name(pki.certificates[issuer].subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=days))
        )
        certificate = builder.sign(pki.keys[issuer], hashes.SHA256())
        return pem(certificate)


def trigger(desk: Desk, what: str = "SignChargingStationCertificate") -> Key:
    """TriggerMessage up to the SignCertificate that follows."""
    desk.effects.clear()
    assert desk.ask("TriggerMessage", {"requestedMessage": what})["status"] == "Accepted"
    return made(desk)


def made(desk: Desk) -> Key:
    """The job that was begun last is done."""
    starts = [effect for effect in desk.effects if isinstance(effect, StartJob)]
    start = next(effect for effect in reversed(starts) if isinstance(effect.job, GenerateKey))
    assert isinstance(start.job, GenerateKey)
    key = Key(start.job)
    desk.files[start.job.key_file] = ""
    desk.perform(desk.station.job_event(JobDone(start.name, key.csr), desk.moment))
    return key


def requests(desk: Desk) -> list[dict[str, Any]]:
    return [send.payload for send in desk.sent if send.action == "SignCertificate"]


def sign_answer(desk: Desk, status: str = "Accepted") -> None:
    desk.answered("SignCertificate", requests(desk)[-1], {"status": status})


def give(desk: Desk, chain: str, kind: str = STATION) -> dict[str, Any]:
    return desk.ask("CertificateSigned", {"certificateChain": chain, "certificateType": kind})


def shown(desk: Desk) -> str | None:
    name = desk.station.network.target(desk.now.utc_s).chain_name
    return None if name is None else desk.files[name]


def security_events(desk: Desk) -> list[str]:
    return [effect.payload["type"] for effect in desk.effects if isinstance(effect, Post)]


def test_a_new_certificate_is_asked_for_checked_kept_and_shown(desk: Desk, pki: Pki) -> None:
    """TC_A_11."""
    key = trigger(desk)
    assert requests(desk) == [{"csr": key.csr, "certificateType": STATION}]
    sign_answer(desk)
    chain = key.signed(pki)
    assert give(desk, chain) == {"status": "Accepted"}
    assert shown(desk) == chain
    assert "ReconfigurationOfSecurityParameters" in security_events(desk)
    desk.restart()
    assert shown(desk) == chain
    assert desk.due(10_000.0) == [] or "SignCertificate" not in desk.due(10_000.0)
    assert desk.kept("certificate-signing") == {}


def test_a_connection_with_the_old_certificate_is_made_anew(pki: Pki) -> None:
    desk = Desk(FakePort(), CsmsSection(url="wss://host", security_profile=3))
    desk.configured = {"csms_roots/configured.pem": pem(pki.certificates["csms_root"])}
    desk.restart()
    desk.accept()
    first = trigger(desk)
    give(desk, first.signed(pki, starts=-3))
    assert any(isinstance(effect, Reconnect) for effect in desk.effects)  # A02.FR.08
    second = trigger(desk)
    newer = second.signed(pki)
    give(desk, newer)
    assert shown(desk) == newer  # A02.FR.09
    assert len([name for name in desk.files if name.endswith(".pem")]) == 2  # the old one until the new one has worked
    desk.perform(desk.station.connected(desk.version, 1.0, desk.moment))
    assert [desk.files[name] for name in desk.files if name.endswith(".pem")] == [newer]
    assert len(desk.files) == 2


def test_the_certificate_for_cars_is_named_as_their_server_wants_it(desk: Desk, pki: Pki) -> None:
    """TC_A_12. A03.FR.13."""
    key = trigger(desk, "SignV2GCertificate")
    [start] = [effect for effect in desk.effects if isinstance(effect, StartJob)]
    assert isinstance(start.job, GenerateKey)
    assert start.job.curve == "secp521r1"
    assert requests(desk)[-1]["certificateType"] == "V2GCertificate"
    sign_answer(desk)
    chain = key.signed(pki, "cpo_sub2") + "".join(pem(pki.certificates[name]) for name in ("cpo_sub2", "cpo_sub1"))
    assert give(desk, chain, "V2GCertificate") == {"status": "Accepted"}
    [name] = [name for name in desk.files if name.endswith(".pem")]
    assert name.startswith("secc_chain_")
    assert name.replace("secc_chain_", "secc_").replace(".pem", ".key") in desk.files
    answer = desk.ask("GetInstalledCertificateIds", {"certificateType": ["V2GCertificateChain"]})
    [entry] = answer["certificateHashDataChain"]
    assert len(entry["childCertificateHashData"]) == 2
    found = {"certificateHashData": entry["certificateHashData"]}
    assert desk.ask("DeleteCertificate", found)["status"] == "Accepted"
    assert desk.files == {}


def bad_chains(pki: Pki, key: Key) -> Iterator[tuple[str, str]]:
    other = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another")])
    yield "no PEM certificate", "nonsense"
    yield "expired", key.signed(pki, days=1, starts=-10)
    yield "valid only in", key.signed(pki, starts=5)
    yield "no root of this station vouches", key.signed(pki, "oem_root")
    yield "not the one of the request", key.signed(pki, key=other)
    yield "its common name must be CP1", key.signed(pki, name=name)
    yield "not issued by", key.signed(pki) + pem(pki.certificates["mo_root"])
    yield "at most 5", key.signed(pki) * 6


def test_a_wrong_certificate_is_discarded_and_a_security_event(desk: Desk, pki: Pki) -> None:
    """TC_A_14; nothing is asked again before the next trigger (A02.FR.20). A00.FR.427: a certificate of another name is not taken."""
    key = trigger(desk)
    sign_answer(desk)
    for reason, chain in bad_chains(pki, key):
        desk.effects.clear()
        answer = give(desk, chain)
        assert answer["status"] == "Rejected", reason
        assert reason in answer["statusInfo"]["additionalInfo"]
        assert "InvalidChargingStationCertificate" in security_events(desk)
    assert [name for name in desk.files if name.endswith(".pem")] == []
    desk.due(100_000.0)
    assert len(requests(desk)) == 1
    desk.restart()
    desk.accept()
    desk.due(desk.now_s + 1000.0)
    assert requests(desk) == []


def test_a_certificate_that_nobody_asked_for_is_refused(desk: Desk, pki: Pki) -> None:
    key = Key(GenerateKey("CP1", "", "secp256r1", "x.key"))
    assert give(desk, key.signed(pki))["status"] == "Rejected"


def test_a_refused_request_is_not_repeated(desk: Desk) -> None:
    """TC_A_15."""
    trigger(desk)
    sign_answer(desk, "Rejected")
    desk.due(100_000.0)
    assert len(requests(desk)) == 1


def test_a_request_is_repeated_with_doubled_waits_and_then_no_more(desk: Desk) -> None:
    """TC_A_23."""
    desk.set("SecurityCtrlr", "CertSigningWaitMinimum", "10")
    desk.set("SecurityCtrlr", "CertSigningRepeatTimes", "1")
    trigger(desk)
    sign_answer(desk)
    sent_at: list[float] = []
    for second in range(200):
        before = len(requests(desk))
        desk.due(float(second))
        if len(requests(desk)) > before:
            sent_at.append(second)
            sign_answer(desk)
    assert sent_at == [10, 30]  # A02.FR.17, FR.18, FR.19
    assert len({request["csr"] for request in requests(desk)}) == 1


def test_silence_and_a_lost_connection_count_as_a_certificate_that_does_not_come(desk: Desk, pki: Pki) -> None:
    desk.set("SecurityCtrlr", "CertSigningWaitMinimum", "10")
    key = trigger(desk)
    desk.perform(desk.station.disconnected(desk.moment))
    desk.due(5.0)
    assert len(requests(desk)) == 1
    desk.perform(desk.station.connected(desk.version, 1.0, desk.moment))
    desk.due(6.0)
    assert len(requests(desk)) == 2
    desk.unanswered("SignCertificate", **requests(desk)[-1])
    desk.due(16.0)
    assert len(requests(desk)) == 3
    assert give(desk, key.signed(pki))["status"] == "Accepted"
    desk.due(10_000.0)
    assert len(requests(desk)) == 3


def test_what_waited_before_a_restart_is_still_taken(desk: Desk, pki: Pki) -> None:
    key = trigger(desk)
    sign_answer(desk)
    desk.restart()
    desk.accept()
    assert give(desk, key.signed(pki))["status"] == "Accepted"
    assert shown(desk) is not None


def test_a_certificate_near_its_end_is_renewed_unasked(desk: Desk, pki: Pki) -> None:
    """A03.FR.02."""
    key = trigger(desk)
    give(desk, key.signed(pki, days=60))
    desk.effects.clear()
    desk.due(20 * DAY_S)
    assert not [e for e in desk.effects if isinstance(e, StartJob) and isinstance(e.job, GenerateKey)]
    desk.due(30 * DAY_S)
    made(desk)
    assert len(requests(desk)) == 2
    desk.due(31 * DAY_S)
    assert len([e for e in desk.effects if isinstance(e, StartJob) and isinstance(e.job, GenerateKey)]) == 1


def test_a_key_that_cannot_be_made_is_written_to_the_journal(desk: Desk) -> None:
    desk.ask("TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"})
    starts = [effect for effect in desk.effects if isinstance(effect, StartJob)]
    start = next(effect for effect in reversed(starts) if isinstance(effect.job, GenerateKey))
    desk.perform(desk.station.job_event(JobFailed(start.name, "OSError", "disk full"), desk.moment))
    assert requests(desk) == []
    trigger(desk)
    assert len(requests(desk)) == 1


def test_a_chain_beyond_the_variable_s_bound_is_refused(desk: Desk, pki: Pki) -> None:
    key = trigger(desk)
    most = int(desk.station.model.text("SecurityCtrlr/MaxCertificateChainSize"))
    chain = key.signed(pki)
    assert give(desk, chain + "\n" * (most - len(chain)))["status"] == "Accepted"  # A02.FR.16


def test_a_chain_beyond_a_lower_bound_is_rejected(desk: Desk, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    """A03.FR.16. The schema has the same bound as the variable of today; a longer chain never comes so far."""
    key = trigger(desk)
    chain = key.signed(pki)
    monkeypatch.setattr(desk.station.model, "integer", lambda _: len(chain) - 1)
    answer = give(desk, chain)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "TooLargeElement")
    monkeypatch.setattr(desk.station.model, "integer", lambda _: len(chain))
    assert give(desk, chain)["status"] == "Accepted"


def keys(desk: Desk) -> list[str]:
    return sorted(name for name in desk.files if name.endswith(".key"))


def test_a_key_that_a_power_cut_left_alone_is_removed_at_the_next_start(desk: Desk, pki: Pki) -> None:
    """The key of a request, and that of a certificate, stay."""
    key = trigger(desk)
    give(desk, key.signed(pki))
    trigger(desk, "SignV2GCertificate")
    wanted = keys(desk)
    assert len(wanted) == 2
    desk.files["station_5f1.key"] = desk.files["secc_5f2.key"] = ""
    desk.restart()
    assert keys(desk) == wanted
    assert len(desk.station.files) == len(desk.files)


def test_a_key_that_is_being_made_serves_a_second_trigger(desk: Desk) -> None:
    """A second job would end the first, whose key nobody would know."""
    desk.effects.clear()
    for _ in range(3):
        assert desk.ask("TriggerMessage", {"requestedMessage": "SignV2GCertificate"})["status"] == "Accepted"
    assert sum(isinstance(effect, StartJob) for effect in desk.effects) == 1
    made(desk)
    assert len(requests(desk)) == 1
    trigger(desk, "SignV2GCertificate")
    assert len(requests(desk)) == 2


def test_old_certificates_make_way_with_their_keys(desk: Desk, pki: Pki) -> None:
    """However often the central system renews it, the newest are kept and no more."""
    for number in range(CHAINS_MAX + 3):
        desk.now_s += 1.0
        chain = trigger(desk).signed(pki, starts=-1.0 + number / 24)
        assert give(desk, chain)["status"] == "Accepted"
        assert chain in desk.files.values()
    chains = [name for name in desk.files if name.startswith("station_chain")]
    assert len(chains) == len(keys(desk)) == CHAINS_MAX
    assert {key_name(name) for name in chains} == set(keys(desk))
