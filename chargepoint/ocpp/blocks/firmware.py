"""L01, L02 Firmware: an update from its request over download, signature and installation to the restart. Survives a restart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from chargepoint.config.schema import StationSection
from chargepoint.model.commands import Reset, ResetKind
from chargepoint.ocpp.blocks.availability import AvailabilityBlock
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    CancelJob,
    Effect,
    Effects,
    Order,
    Post,
    SecurityEventOccurred,
    Send,
    Share,
    StartJob,
    WriteJournal,
    status,
)
from chargepoint.ocpp.blocks.jobs import (
    DownloadFirmware,
    FirmwareJob,
    InstallFirmware,
    JobDone,
    JobEvent,
    JobFailed,
    JobProgress,
    RemoveFirmware,
    VerifyFirmware,
)
from chargepoint.ocpp.blocks.logs import PROTOCOLS, attempts_of
from chargepoint.ocpp.blocks.registration import BOOT_SPACE, REASON
from chargepoint.ocpp.certificate_stock import MANUFACTURER_ROOTS, CertificateStock
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.file_transfer import TransferError, location, without_secrets
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.kept_files import KeptFiles
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import from_wire
from chargepoint.security.firmware_signing import wrong_signer
from chargepoint.store.rows import Json, Keep

SPACE = "firmware"
FILE_NAME = "firmware.bin"
_UPDATE, _LAST, _REQUEST = "update", "last-status", "request"
ALLOW_NEW = "ChargingStation/AllowNewSessionsPendingFirmwareUpdate"


class UpdateStage(Enum):
    """How far an update is. The process may end in each of them."""

    DOWNLOAD_SCHEDULED = "download-scheduled"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"
    INSTALL_SCHEDULED = "install-scheduled"
    INSTALLING = "installing"
    REBOOTING = "rebooting"


@dataclass(frozen=True, slots=True)
class FirmwareUpdate:
    """One update as kept. `certificate`, `signature` empty: unsigned. `install_s` None: at once; both times UTC seconds.

    `announced`: the central system was notified that the installation waits. `from_version`: the firmware that ran before.
    """

    request_id: int
    location: str
    retrieve_s: float
    install_s: float | None
    certificate: str
    signature: str
    attempts: int
    retry_s: float
    stage: UpdateStage
    announced: bool
    from_version: str

    def written(self) -> Json:
        """What is kept."""
        return {
            "requestId": self.request_id,
            "location": self.location,
            "retrieveS": self.retrieve_s,
            "installS": self.install_s,
            "certificate": self.certificate,
            "signature": self.signature,
            "attempts": self.attempts,
            "retryS": self.retry_s,
            "stage": self.stage.value,
            "announced": self.announced,
            "fromVersion": self.from_version,
        }

    @classmethod
    def read(cls, kept: Json) -> FirmwareUpdate:
        """The inverse of `written`."""
        return cls(
            kept["requestId"],
            kept["location"],
            kept["retrieveS"],
            kept["installS"],
            kept["certificate"],
            kept["signature"],
            kept["attempts"],
            kept["retryS"],
            UpdateStage(kept["stage"]),
            kept["announced"],
            kept["fromVersion"],
        )


class FirmwareBlock(FunctionalBlock):
    """One update at a time: a newer request ends the older one, until the installation has begun (L01.FR.24, FR.27).

    Statuses are stored messages, so that they arrive in their order, also over the restart.
    """

    def __init__(
        self,
        station: StationSection,
        firmware_version: str,
        manufacturer_roots: str,
        model: DeviceModel,
        availability: AvailabilityBlock,
        kept: Kept,
        files: KeptFiles,
    ) -> None:
        super().__init__()
        self._files = files
        self._stock = CertificateStock(files)
        self._station = station
        self._version = firmware_version
        self._roots = manufacturer_roots
        self._model = model
        self._availability = availability
        self._space = kept.space(SPACE)
        self._boot = kept.space(BOOT_SPACE)
        self._job = ""
        self._count = 0
        self._again_at_s: float | None = None
        self.calls = {"UpdateFirmware": self._update_firmware}
        self.triggers = {"FirmwareStatusNotification": self._trigger}

    @property
    def _update(self) -> FirmwareUpdate | None:
        kept = self._space.get(_UPDATE)
        return None if kept is None else FirmwareUpdate.read(kept)

    @property
    def installing(self) -> bool:
        """The installing program runs: whoever restarts the station now interrupts it."""
        update = self._update
        return update is not None and update.stage is UpdateStage.INSTALLING

    # -- the request -----------------------------------------------------------------------------------------------------

    def _update_firmware(self, request: Payload, now: StationNow) -> CallAnswer:
        """L01.FR.21: the certificate is judged before the answer."""
        firmware = request["firmware"]
        certificate, signature = firmware.get("signingCertificate", ""), firmware.get("signature", "")
        refusal = self._refusal(firmware["location"], certificate, signature, now)
        if refusal is not None:
            return refusal
        earlier = self._update
        if earlier is not None and earlier.stage in (UpdateStage.INSTALLING, UpdateStage.REBOOTING):
            text = f"the update of request {earlier.request_id} is being installed"
            return CallAnswer(status("Rejected", "InvalidState", text))  # L01.FR.27
        attempts, retry_s = attempts_of(request)
        update = FirmwareUpdate(
            request["requestId"],
            firmware["location"],
            from_wire(firmware["retrieveDateTime"]).timestamp(),
            from_wire(firmware["installDateTime"]).timestamp() if "installDateTime" in firmware else None,
            certificate,
            signature,
            attempts,
            retry_s,
            UpdateStage.DOWNLOAD_SCHEDULED,
            announced=False,
            from_version=self._version,
        )
        effects: list[Effect] = [self._keep(update)]
        then: list[Effect] = []
        if earlier is not None:
            then.append(CancelJob(self._job))
        then += self._availability.release()
        then.append(self._start(RemoveFirmware(FILE_NAME)))
        if update.retrieve_s > now.utc_s:  # L01.FR.13
            then += self._notify("DownloadScheduled", update.request_id)
        return CallAnswer(
            status("Accepted" if earlier is None else "AcceptedCanceled"),  # L01.FR.24
            tuple(effects),
            then=tuple(then),
        )

    def _refusal(self, place: str, certificate: str, signature: str, now: StationNow) -> CallAnswer | None:
        try:
            location(place, self._model.members(PROTOCOLS))
        except TransferError as error:
            return CallAnswer(status("Rejected", "InvalidURL", f"location: {error.text}"))
        if bool(certificate) is not bool(signature) or not (certificate or self._station.firmware_unsigned):
            text = "signingCertificate and signature are needed: this station installs signed firmware only"
            return CallAnswer(status("Rejected", "MissingParam", text))
        why = wrong_signer(certificate, self._manufacturer_roots(), now.utc_s) if certificate else ""
        if why:  # L01.FR.02, FR.22
            event = SecurityEventOccurred("InvalidFirmwareSigningCertificate", why[:255])
            return CallAnswer(status("InvalidCertificate", "InvalidCertificate", why), (Share(event),))
        if not self._station.firmware_command:
            text = "no program installs firmware here: see [station] firmware_command"
            return CallAnswer(status("Rejected", "UnsupportedRequest", text))
        return None

    def _manufacturer_roots(self) -> str:
        """Those of the configuration, and those that came over OCPP (M05)."""
        installed = (self._files[item.name] for item in self._stock.roots(MANUFACTURER_ROOTS) if item.installed)
        return "\n".join((self._roots, *installed))

    def _trigger(self, request: Payload, now: StationNow) -> CallAnswer:
        """L01.FR.25, FR.26: the status sent last; Idle after Installed, and before the first update."""
        last, request_id = str(self._space.get(_LAST, "Installed")), self._space.get(_REQUEST)
        payload: Payload = {"status": "Idle"}
        if last != "Installed" and request_id is not None:
            payload = {"status": last, "requestId": request_id}
        return CallAnswer(status("Accepted"), then=(Send("FirmwareStatusNotification", payload),))

    # -- time and transactions -------------------------------------------------------------------------------------------

    @property
    def deadline_s(self) -> float | None:
        """When a download or an installation is due."""
        return self._again_at_s

    def started(self, now: StationNow) -> Effects:
        """Go on where the earlier process ended."""
        update = self._update
        if update is None:
            return ()
        match update.stage:
            case UpdateStage.REBOOTING:
                return self._installed(update)
            case UpdateStage.INSTALLING:  # the installing program may have restarted the daemon itself
                if update.from_version != self._version:
                    return self._installed(update)
                return self._failed(update, "InstallationFailed", "the station restarted during the installation")
            case UpdateStage.DOWNLOADING:
                return (self._keep(replace(update, stage=UpdateStage.DOWNLOAD_SCHEDULED)),)
            case UpdateStage.INSTALL_SCHEDULED | UpdateStage.VERIFYING:  # the file is checked anew
                return self._verify(replace(update, stage=UpdateStage.VERIFYING))
            case UpdateStage.DOWNLOAD_SCHEDULED:
                return ()

    def tick(self, now: StationNow) -> Effects:
        """Begin what is due. An installation waits for the end of every transaction (L01.FR.06)."""
        self._again_at_s = None
        update = self._update
        if update is None or self._job:
            return ()
        if update.stage is UpdateStage.DOWNLOAD_SCHEDULED:
            if self._later(update.retrieve_s, now):
                return ()
            job = self._start(DownloadFirmware(update.location, FILE_NAME, update.attempts, update.retry_s))
            return (self._keep(replace(update, stage=UpdateStage.DOWNLOADING)), job)
        if update.stage is not UpdateStage.INSTALL_SCHEDULED:
            return ()
        scheduled = update.install_s is not None and self._later(update.install_s, now)
        charging = any(evse.transaction_id is not None for evse in now.evses)
        if scheduled or charging:
            effects: list[Effect] = []
            if not update.announced:  # L01.FR.16, FR.34
                effects += (self._keep(replace(update, announced=True)),)
                effects += self._notify("InstallScheduled", update.request_id)
            return (*effects, *(() if scheduled else self._close(now)))
        return (
            self._keep(replace(update, stage=UpdateStage.INSTALLING)),
            *self._notify("Installing", update.request_id),
            *self._close(now, every=True),
            self._start(InstallFirmware(FILE_NAME)),
        )

    def _later(self, at_utc_s: float, now: StationNow) -> bool:
        if at_utc_s <= now.utc_s:
            return False
        self._again_at_s = now.monotonic_s + at_utc_s - now.utc_s
        return True

    def _close(self, now: StationNow, *, every: bool = False) -> Effects:
        """No new sessions while the installation waits, unless they are permitted (L01.FR.07)."""
        if self._model.flag(ALLOW_NEW) and not every:
            return ()
        return self._availability.withhold(int(evse.evse_id) for evse in now.evses if evse.transaction_id is None)

    # -- what becomes of the work ----------------------------------------------------------------------------------------

    def job_event(self, event: JobEvent, now: StationNow) -> Effects:
        """The next stage, or the end of the update."""
        update = self._update
        if not self._job or event.name != self._job or update is None:
            return ()
        if isinstance(event, JobProgress):
            return self._notify("Downloading", update.request_id)
        self._job = ""
        if isinstance(event, JobFailed):
            code = {
                UpdateStage.DOWNLOAD_SCHEDULED: "DownloadFailed",
                UpdateStage.DOWNLOADING: "DownloadFailed",
                UpdateStage.VERIFYING: "InvalidSignature",
            }
            known = ("DownloadFailed", "InvalidSignature", "InstallVerificationFailed", "InstallationFailed")
            outcome = event.code if event.code in known else code.get(update.stage, "InstallationFailed")
            return self._failed(update, outcome, event.text)
        assert isinstance(event, JobDone)
        match update.stage:
            case UpdateStage.DOWNLOADING:
                downloaded = self._notify("Downloaded", update.request_id)
                return (*downloaded, *self._verify(replace(update, stage=UpdateStage.VERIFYING)))
            case UpdateStage.VERIFYING:
                again = update.announced  # after a restart it was notified before
                verified = () if again or not update.signature else self._notify("SignatureVerified", update.request_id)
                return (self._keep(replace(update, stage=UpdateStage.INSTALL_SCHEDULED)), *verified)
            case UpdateStage.INSTALLING:
                return (
                    self._keep(replace(update, stage=UpdateStage.REBOOTING)),
                    self._boot.keep(REASON, "FirmwareUpdate"),
                    *self._notify("InstallRebooting", update.request_id),  # L01.FR.32 (a)
                    Order(Reset(ResetKind.ON_IDLE, None)),
                )
            case _:
                return ()  # what an earlier update left is removed: the tick goes on

    def _verify(self, update: FirmwareUpdate) -> Effects:
        if not update.signature:
            return (self._keep(replace(update, stage=UpdateStage.INSTALL_SCHEDULED)),)
        return (self._keep(update), self._start(VerifyFirmware(FILE_NAME, update.certificate, update.signature)))

    def _installed(self, update: FirmwareUpdate) -> Effects:
        """L01.FR.28, FR.31, by the firmware that runs now."""
        return (
            self._space.forget(_UPDATE),
            *self._notify("Installed", update.request_id),
            Share(SecurityEventOccurred("FirmwareUpdated", f"{update.from_version} to {self._version}")),
            WriteJournal("*", f"firmware updated: {update.from_version} to {self._version}"),
            self._start(RemoveFirmware(FILE_NAME)),
        )

    def _failed(self, update: FirmwareUpdate, outcome: str, text: str) -> Effects:
        effects: list[Effect] = [self._space.forget(_UPDATE), *self._notify(outcome, update.request_id)]
        effects.append(WriteJournal("!", f"firmware: {outcome}: {without_secrets(text)}"))
        if outcome == "InvalidSignature":  # L01.FR.03
            effects.append(Share(SecurityEventOccurred("InvalidFirmwareSignature", without_secrets(text)[:255])))
        return (*effects, *self._availability.release(), self._start(RemoveFirmware(FILE_NAME)))

    def _keep(self, update: FirmwareUpdate) -> Keep:
        return self._space.keep(_UPDATE, update.written())

    def _start(self, job: FirmwareJob) -> StartJob:
        self._count += 1
        self._job = f"firmware-{self._count}"
        return StartJob(self._job, job)

    def _notify(self, outcome: str, request_id: int) -> Effects:
        """L01.FR.01, FR.10."""
        return (
            self._space.keep(_LAST, outcome),
            self._space.keep(_REQUEST, request_id),
            Post("FirmwareStatusNotification", {"status": outcome, "requestId": request_id}),
        )
