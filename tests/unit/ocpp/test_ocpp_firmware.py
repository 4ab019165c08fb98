"""Firmware: the statuses in their order, what is refused, what waits for drivers, and what a restart changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chargepoint.config.schema import StationSection
from chargepoint.model.commands import ChangeAvailability, Reset, ResetKind
from chargepoint.model.ids import EvseId
from chargepoint.ocpp.blocks.effects import CancelJob, Order, Post, Send, StartJob
from chargepoint.ocpp.blocks.firmware import FirmwareBlock
from chargepoint.ocpp.blocks.jobs import (
    DownloadFirmware,
    InstallFirmware,
    Job,
    JobDone,
    JobEvent,
    JobFailed,
    JobProgress,
    MeasureMemory,
    RemoveFirmware,
    VerifyFirmware,
)
from chargepoint.security.firmware_signing import wrong_signer
from tests.unit.ocpp.conftest import UTC0_S

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

NOW = datetime.fromtimestamp(UTC0_S, UTC)
PAST = "2026-03-01T10:00:00Z"
SOON = "2026-03-01T12:10:00Z"


@dataclass(frozen=True)
class Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def issue(name: str, issuer: Authority | None = None, days: int = 365, signs: bool = True) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    parent = subject if issuer is None else issuer.certificate.subject
    usage = x509.KeyUsage(signs, False, False, False, False, issuer is None, issuer is None, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(parent)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=400))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key if issuer is None else issuer.key, hashes.SHA256())
    )
    return Authority(key, certificate)


ROOT = issue("manufacturer")
SIGNER = issue("signer", ROOT)


class FirmwareDesk:
    """A desk whose firmware block has an installing program and a manufacturer's root. It starts and ends the jobs."""

    def __init__(self, desk: Desk, **section: Any) -> None:
        self.desk = desk
        desk.section = StationSection(**{"firmware_command": ("install",), **section})
        desk.manufacturer_roots = ROOT.pem
        self.restart("1.0")

    def restart(self, version: str = "1.0") -> None:
        self.desk.port.version = version
        self.desk.effects.clear()
        self.desk.restart()
        self.desk.due()
        self.desk.accept()

    @property
    def deadline_s(self) -> float | None:
        """Of the firmware alone."""
        block = next(block for block in self.desk.station._having["deadline_s"] if isinstance(block, FirmwareBlock))
        return block.deadline_s

    def update(self, request_id: int = 1, retrieve: str = PAST, signed: bool = True, **more: Any) -> dict[str, Any]:
        firmware: dict[str, Any] = {"location": more.pop("location", "https://h/fw"), "retrieveDateTime": retrieve}
        if signed:
            firmware |= {"signingCertificate": SIGNER.pem, "signature": "AAAA"}
        firmware |= more.pop("firmware", {})
        if "install" in more:
            firmware["installDateTime"] = more.pop("install")
        return self.desk.ask("UpdateFirmware", {"requestId": request_id, "firmware": firmware, **more})

    def statuses(self) -> list[str]:
        """Since the last call; stored, so in this order. All of one request, or the test names it."""
        found = [
            f"{e.payload['status']}/{e.payload['requestId']}"
            for e in self.desk.effects
            if isinstance(e, Post) and e.action == "FirmwareStatusNotification"
        ]
        self.desk.effects.clear()
        return found

    @property
    def job(self) -> tuple[str, Job]:
        """The job of this block that was started last; the station also measures its memory."""
        jobs = [(e.name, e.job) for e in self.desk.effects if isinstance(e, StartJob)]
        return next((name, job) for name, job in reversed(jobs) if not isinstance(job, MeasureMemory))

    def happen(self, event: JobEvent) -> None:
        self.desk.perform(self.desk.station.job_event(event, self.desk.moment))
        self.desk.due()

    def done(self, kind: type[Job]) -> None:
        """The job started last, of this kind, does well."""
        name, job = self.job
        assert isinstance(job, kind), job
        if kind is DownloadFirmware:
            self.happen(JobProgress(name, "Downloading"))
        self.happen(JobDone(name, ""))

    def fail(self, kind: type[Job], code: str) -> None:
        name, job = self.job
        assert isinstance(job, kind), job
        self.happen(JobFailed(name, code, "why"))

    def security(self) -> list[str]:
        found = [
            e.payload["type"] for e in self.desk.effects if isinstance(e, Post) and e.action.startswith("Security")
        ]
        return [kind for kind in found if kind != "StartupOfTheDevice"]


@pytest.fixture
def firmware(desk: Desk) -> FirmwareDesk:
    return FirmwareDesk(desk)


def orders(desk: Desk) -> list[object]:
    return [e.command for e in desk.effects if isinstance(e, Order)]


def test_from_request_to_the_new_firmware(firmware: FirmwareDesk) -> None:
    """L01.FR.33: the reboot waits for the end of every transaction (OnIdle)."""
    assert firmware.update(7)["status"] == "Accepted"
    firmware.done(RemoveFirmware)
    firmware.done(DownloadFirmware)
    firmware.done(VerifyFirmware)
    assert orders(firmware.desk) == [ChangeAvailability(EvseId(1), operative=False)]
    firmware.done(InstallFirmware)
    assert Reset(ResetKind.ON_IDLE, None) in orders(firmware.desk)
    assert firmware.statuses() == [
        f"{name}/7" for name in ("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting")
    ]
    firmware.restart("2.0")
    assert firmware.security() == ["FirmwareUpdated", "ResetOrReboot"]  # L01.FR.31
    assert firmware.statuses() == ["Installed/7"]  # L01.FR.28, FR.32: by the firmware that runs now
    assert firmware.desk.kept("firmware").keys() == {"last-status", "request"}
    assert firmware.desk.boot_reason == "FirmwareUpdate"


def test_the_job_has_what_was_asked_for(firmware: FirmwareDesk) -> None:
    firmware.update(retries=3, retryInterval=7)
    firmware.done(RemoveFirmware)
    assert firmware.job[1] == DownloadFirmware("https://h/fw", "firmware.bin", 4, 7.0)


def test_an_unknown_signer_is_refused(firmware: FirmwareDesk) -> None:
    other = issue("signer", issue("manufacturer"))
    answer = firmware.update(firmware={"signingCertificate": other.pem})
    assert answer["status"] == "InvalidCertificate"  # L01.FR.22
    assert firmware.security()[-1:] == ["InvalidFirmwareSigningCertificate"]  # L01.FR.02
    assert firmware.desk.kept("firmware") == {}


@pytest.mark.parametrize(
    ("signer", "why"),
    [
        (SIGNER, ""),
        (issue("old", ROOT, days=-1), "valid only from"),
        (issue("x", ROOT, signs=False), "key usage"),
        (issue("y", SIGNER), "no valid root"),
        (issue("z"), "no valid root"),
    ],
)
def test_signers(signer: Authority, why: str) -> None:
    found = wrong_signer(signer.pem, ROOT.pem, UTC0_S)
    assert (why in found) if why else (found == "")
    assert wrong_signer("nonsense", ROOT.pem, UTC0_S).startswith("unreadable")
    assert "firmware_root_file" in wrong_signer(SIGNER.pem, "", UTC0_S)


@pytest.mark.parametrize("missing", [("signature",), ("signingCertificate",), ("signature", "signingCertificate")])
def test_unsigned_firmware_is_refused(firmware: FirmwareDesk, missing: tuple[str, ...]) -> None:
    both = {"signingCertificate": SIGNER.pem, "signature": "AAAA"}
    given = {name: value for name, value in both.items() if name not in missing}
    assert firmware.update(signed=False, firmware=given)["status"] == "Rejected"  # TC_L_18


def test_a_bench_may_take_unsigned_firmware(desk: Desk) -> None:
    firmware = FirmwareDesk(desk, firmware_unsigned=True)
    assert firmware.update(signed=False)["status"] == "Accepted"
    firmware.done(RemoveFirmware)
    firmware.done(DownloadFirmware)
    firmware.done(InstallFirmware)
    assert firmware.statuses() == [f"{s}/1" for s in ("Downloading", "Downloaded", "Installing", "InstallRebooting")]


def test_without_an_installing_program_nothing_begins(desk: Desk) -> None:
    firmware = FirmwareDesk(desk, firmware_unsigned=True, firmware_command=())
    answer = firmware.update(signed=False)
    assert answer["status"] == "Rejected" and "firmware_command" in answer["statusInfo"]["additionalInfo"]


@pytest.mark.parametrize("place", ["sftp://h/f", "https://", "x y"])
def test_a_location_that_is_none(firmware: FirmwareDesk, place: str) -> None:
    assert firmware.update(location=place)["statusInfo"]["reasonCode"] == "InvalidURL"


@pytest.mark.parametrize(
    ("kind", "code", "outcome"),
    [
        (DownloadFirmware, "DownloadFailed", "DownloadFailed"),
        (DownloadFirmware, "InternalError", "DownloadFailed"),
        (VerifyFirmware, "InvalidSignature", "InvalidSignature"),
        (InstallFirmware, "InstallVerificationFailed", "InstallVerificationFailed"),
        (InstallFirmware, "InstallationFailed", "InstallationFailed"),
        (InstallFirmware, "TooMany", "InstallationFailed"),
    ],
)
def test_failures(firmware: FirmwareDesk, kind: type[Job], code: str, outcome: str) -> None:
    firmware.update()
    firmware.done(RemoveFirmware)
    for step in (DownloadFirmware, VerifyFirmware, InstallFirmware):
        if step is kind:
            firmware.fail(kind, code)
            break
        firmware.done(step)
    assert firmware.security() == (["InvalidFirmwareSignature"] if kind is VerifyFirmware else [])
    if kind is InstallFirmware:
        assert orders(firmware.desk)[-1] == ChangeAvailability(EvseId(1), operative=True)
    assert firmware.statuses()[-1] == f"{outcome}/1"  # L01.FR.29, FR.30
    assert "update" not in firmware.desk.kept("firmware")
    assert firmware.update(2)["status"] == "Accepted"  # nothing of it is in the way


def test_a_download_and_an_installation_at_their_times(firmware: FirmwareDesk) -> None:
    firmware.update(retrieve=SOON, install="2026-03-01T12:20:00Z")
    firmware.done(RemoveFirmware)
    assert firmware.statuses() == ["DownloadScheduled/1"]  # L01.FR.13
    assert firmware.deadline_s == pytest.approx(600.0)
    firmware.desk.due(600.0)
    firmware.done(DownloadFirmware)
    firmware.done(VerifyFirmware)
    assert firmware.statuses() == [
        f"{s}/1" for s in ("Downloading", "Downloaded", "SignatureVerified", "InstallScheduled")
    ]
    assert firmware.deadline_s == pytest.approx(1200.0)
    firmware.desk.due(1199.0)
    assert (firmware.statuses(), orders(firmware.desk)) == ([], [])
    firmware.desk.due(1200.0)
    assert firmware.statuses() == ["Installing/1"]


@pytest.mark.parametrize("allow_new", [False, True])
def test_an_installation_waits_for_every_transaction(two_evses: Desk, allow_new: bool) -> None:
    firmware, desk = FirmwareDesk(two_evses), two_evses
    desk.set("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", str(allow_new).lower())
    desk.port.begin(1)
    firmware.update()
    firmware.done(RemoveFirmware)
    firmware.done(DownloadFirmware)
    firmware.done(VerifyFirmware)
    free = [] if allow_new else [ChangeAvailability(EvseId(2), operative=False)]  # L01.FR.07
    assert orders(desk) == free
    assert firmware.statuses()[-1] == "InstallScheduled/1"  # L01.FR.34
    desk.due(50.0)
    assert (firmware.statuses(), orders(desk)) == ([], [])
    desk.port.end(1)
    desk.due(51.0)
    closed = {order.evse_id for order in orders(desk) if isinstance(order, ChangeAvailability)}
    assert closed == ({1, 2} if allow_new else {1})
    assert firmware.statuses() == ["Installing/1"]


def test_a_newer_request_cancels_until_the_installation_begins(firmware: FirmwareDesk) -> None:
    firmware.update(1)
    firmware.done(RemoveFirmware)
    first, _ = firmware.job
    assert firmware.update(2)["status"] == "AcceptedCanceled"  # L01.FR.24
    assert CancelJob(first) in firmware.desk.effects
    firmware.happen(JobDone(first, "too late"))
    firmware.done(RemoveFirmware)
    firmware.done(DownloadFirmware)
    firmware.done(VerifyFirmware)
    assert firmware.statuses() == [f"{s}/2" for s in ("Downloading", "Downloaded", "SignatureVerified", "Installing")]
    assert firmware.update(3)["status"] == "Rejected"  # L01.FR.27


@pytest.mark.parametrize("stage", [DownloadFirmware, VerifyFirmware])
def test_a_restart_on_the_way_goes_on(firmware: FirmwareDesk, stage: type[Job]) -> None:
    firmware.desk.port.begin()
    firmware.update()
    firmware.done(RemoveFirmware)
    if stage is VerifyFirmware:
        firmware.done(DownloadFirmware)
    firmware.restart()
    firmware.desk.due()
    assert isinstance(firmware.job[1], stage)


def test_a_restart_while_the_installation_waits_checks_the_file_again(firmware: FirmwareDesk) -> None:
    firmware.desk.port.begin()
    firmware.update()
    firmware.done(RemoveFirmware)
    firmware.done(DownloadFirmware)
    firmware.done(VerifyFirmware)
    firmware.restart()
    firmware.done(VerifyFirmware)
    assert firmware.statuses() == []
    firmware.desk.port.end()
    firmware.desk.due(5.0)
    assert firmware.statuses() == ["Installing/1"]


@pytest.mark.parametrize(("version", "outcome"), [("1.0", "InstallationFailed/1"), ("2.0", "Installed/1")])
def test_a_restart_in_the_installation(firmware: FirmwareDesk, version: str, outcome: str) -> None:
    firmware.update()
    firmware.done(RemoveFirmware)
    firmware.done(DownloadFirmware)
    firmware.done(VerifyFirmware)
    firmware.restart(version)
    assert firmware.statuses() == [outcome]


def test_the_trigger(firmware: FirmwareDesk) -> None:
    def trigger() -> dict[str, Any]:
        firmware.desk.sent.clear()
        assert firmware.desk.ask("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})["status"] == (
            "Accepted"
        )
        return next(s.payload for s in firmware.desk.sent if isinstance(s, Send))

    assert trigger() == {"status": "Idle"}
    firmware.update(4)
    firmware.done(RemoveFirmware)
    firmware.fail(DownloadFirmware, "DownloadFailed")
    assert trigger() == {"status": "DownloadFailed", "requestId": 4}  # L01.FR.26
    firmware.update(5)
    for kind in (RemoveFirmware, DownloadFirmware, VerifyFirmware, InstallFirmware):
        firmware.done(kind)
    firmware.restart("2.0")
    assert trigger() == {"status": "Idle"}  # L01.FR.25
