"""Block L, firmware: updates that succeed, are scheduled, fail, are replaced, and wait for drivers.

The suite signs the images; a station gets the manufacturer's root before it starts (docs/certification.md).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from hil.certification.firmware import own_image
from hil.certification.frames import StationCall
from hil.certification.patterns import Payload, one_of
from hil.certification.registry import case
from hil.certification.states import (
    connectors_are,
    energy_transfer_started,
    ev_disconnected,
    parking_bay_unoccupied,
)
from hil.certification.trial import Trial
from hil.certification.validation import CaseNotDecided, Step

NOTICE = "FirmwareStatusNotification"
PATH = "/firmware.bin"
PAST_S = -7200.0
SCHEDULED_AFTER_S = 6.0
"""How far in the future a case schedules a download or an installation."""
HELD_S = 3.0
"""How long a transfer stops in its middle, where a case does something meanwhile."""
TRANSFER_WITHIN_S = 60.0
INSTALLED_WITHIN_S = 120.0
SECOND_EVSE = 2


# -- the request -------------------------------------------------------------------------------------------------------


def image_of(trial: Trial, *, usable: bool = True) -> bytes:
    """The configured image, or one for our own bench. Raises CaseNotDecided for a file that cannot be read."""
    configured = trial.configured
    name = configured.firmware_file if usable else configured.unusable_firmware_file
    if not name:
        return own_image(usable=usable)
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CaseNotDecided(f"[configured] firmware files: {error}") from error


async def firmware_offered(
    trial: Trial,
    *,
    usable: bool = True,
    signer: str = "valid",
    signs_this: bool = True,
    retrieve_after_s: float = PAST_S,
    install_after_s: float | None = PAST_S,
) -> Payload:
    """The image lies on the suite's firmware server; UpdateFirmware for it. Raises CaseNotDecided for a station without HTTP."""
    protocols = await trial.gets("OCPPCommCtrlr", "FileTransferProtocols") or ""
    if "HTTP" not in protocols.split(","):
        raise CaseNotDecided(f"the suite's firmware server speaks HTTP, the station {protocols or 'nothing'}")
    image, key = image_of(trial, usable=usable), trial.keys.firmware_signer(signer)
    trial.firmware_server.files[PATH] = image
    firmware: Payload = {
        "location": trial.firmware_server.url(PATH),
        "retrieveDateTime": trial.time_from_now(retrieve_after_s),
        "signingCertificate": key.pem,
        "signature": key.sign(image if signs_this else image[::-1]),
    }
    if install_after_s is not None:
        firmware["installDateTime"] = trial.time_from_now(install_after_s)
    return {"requestId": trial.request_id(), "firmware": firmware}


async def update_asked(trial: Trial, step: Step, request: Payload, status: object = "Accepted") -> int:
    """UpdateFirmware and its answer; the requestId. TriggerMessage would show this update after the case: the station starts afresh."""
    trial.needs_fresh_start = True
    await trial.calls(step, "UpdateFirmware", request, {"status": status})
    return int(request["requestId"])


# -- what follows ------------------------------------------------------------------------------------------------------


async def status_is(
    trial: Trial, step: Step, status: object, request_id: int, within_s: float | None = None
) -> StationCall:
    """The next FirmwareStatusNotification has this status and this requestId: none may come between."""
    return await trial.expects(step, NOTICE, {"status": status, "requestId": request_id}, within_s=within_s)


async def downloaded(trial: Trial, first_step: int, request_id: int, ends_with: str = "SignatureVerified") -> None:
    """Downloading, Downloaded, and what the check of the signature finds."""
    await status_is(trial, first_step, "Downloading", request_id)
    await status_is(trial, first_step + 2, "Downloaded", request_id, TRANSFER_WITHIN_S)
    await status_is(trial, first_step + 4, ends_with, request_id, TRANSFER_WITHIN_S)


async def _installs(trial: Trial, step: int, request_id: int) -> int:
    """Up to and including Installing; the number of connections before it. `step`: the optional change to Unavailable."""
    connections = trial.csms.connections
    either = one_of("Installing", "InstallRebooting")
    call = await status_is(trial, step + 3, either, request_id, INSTALLED_WITHIN_S)
    if (
        call.payload.get("status") == "InstallRebooting"
    ):  # RebootBeforeFirmwareInstallation; its steps 3 to 8 are optional
        for rebooted in ("BootNotification", NOTICE):
            has = {"reason": "FirmwareUpdate"} if rebooted == "BootNotification" else {"status": "Installing"}
            where = {} if rebooted == "BootNotification" else {"status": "Installing"}
            await trial.may_come(step + 2, rebooted, has, where, trial.configured.unseen_s)
    return connections


async def is_installed(trial: Trial, step: int, request_id: int, *, installs: bool = True) -> None:
    """From the optional change to Unavailable (`step`) to the security event. `installs`: Installing has not come yet."""
    connections = await _installs(trial, step, request_id) if installs else trial.csms.connections
    either = one_of("InstallRebooting", "Installed")
    call = await status_is(trial, step + 5, either, request_id, INSTALLED_WITHIN_S)
    within_s = trial.configured.reboot_within_s
    if call.payload.get("status") == "InstallRebooting":  # RebootBeforeFirmwareActivation
        await trial.expects(step + 5, "BootNotification", {"reason": "FirmwareUpdate"}, within_s=within_s)
        await connectors_are(trial, step + 5, "Available", within_s=within_s)
        await status_is(trial, step + 9, "Installed", request_id, within_s)
    else:
        again = await trial.csms.until(lambda: trial.csms.connections > connections, within_s)
        trial.checks.true(step + 6, "the station connects again with the new firmware", again)
    await _every_connector_is_back(trial, step + 7)
    await trial.expects(step + 11, "SecurityEventNotification", where={"type": "FirmwareUpdated"})


async def _every_connector_is_back(trial: Trial, step: int) -> None:
    """Every connector is Available, whether or not the station took it out of service for the installation."""
    places = trial.configured.every_connector()

    def back() -> bool:
        return all(trial.csms.connectors.get(place) == "Available" for place in places)

    came = await trial.csms.until(back, trial.configured.answer_within_s)
    trial.checks.true(step, "every connector is Available again", came, dict(trial.csms.connectors))


# -- updates without drivers -------------------------------------------------------------------------------------------


@case("TC_L_01_CS")
async def installed_at_once(trial: Trial) -> None:
    """Download and installation at once."""
    number = await update_asked(trial, 1, await firmware_offered(trial))
    await downloaded(trial, 3, number)
    await is_installed(trial, 9, number)


@case("TC_L_02_CS")
async def installation_is_scheduled(trial: Trial) -> None:
    """The installation waits for its time."""
    request = await firmware_offered(trial, install_after_s=SCHEDULED_AFTER_S)
    number = await update_asked(trial, 1, request)
    await downloaded(trial, 3, number)
    await status_is(trial, 9, "InstallScheduled", number)
    call = await _not_before(trial, 14, request["firmware"]["installDateTime"], "Installing", "InstallRebooting")
    trial.checks.message(14, NOTICE, call.payload, {"requestId": number})
    await is_installed(trial, 11, number, installs=call.payload["status"] == "InstallRebooting")


@case("TC_L_03_CS")
async def download_is_scheduled(trial: Trial) -> None:
    """The download waits for its time."""
    request = await firmware_offered(trial, retrieve_after_s=SCHEDULED_AFTER_S)
    number = await update_asked(trial, 1, request)
    await status_is(trial, 3, "DownloadScheduled", number)
    call = await _not_before(trial, 5, request["firmware"]["retrieveDateTime"], "Downloading")
    trial.checks.message(5, NOTICE, call.payload, {"requestId": number})
    await status_is(trial, 7, "Downloaded", number, TRANSFER_WITHIN_S)
    await status_is(trial, 9, "SignatureVerified", number, TRANSFER_WITHIN_S)
    await is_installed(trial, 11, number)


async def _not_before(trial: Trial, step: int, due: str, *statuses: str) -> StationCall:
    """The next status is one of these, and does not come before its time."""
    within_s = SCHEDULED_AFTER_S + trial.configured.answer_within_s
    call = await trial.expects(step, NOTICE, {"status": one_of(*statuses)}, within_s=within_s)
    early_s = (datetime.fromisoformat(due) - call.clock).total_seconds()
    tolerance_s = trial.configured.time_tolerance_s
    words = f"{call.payload.get('status')} comes at the scheduled time, at most {tolerance_s:g} s before it"
    trial.checks.true(step, words, early_s <= tolerance_s, f"{early_s:.1f} s before it")
    return call


# -- updates that fail -------------------------------------------------------------------------------------------------


@case("TC_L_05_CS")
async def wrong_certificate(trial: Trial) -> None:
    """A signing certificate that has expired, and one of another authority, are refused and reported."""
    for kind in ("expired", "stranger"):
        refused = one_of("InvalidCertificate", "RevokedCertificate")
        await update_asked(trial, 1, await firmware_offered(trial, signer=kind), refused)
        event = {"type": "InvalidFirmwareSigningCertificate"}
        await trial.expects(3, "SecurityEventNotification", where=event)


@case("TC_L_06_CS")
async def wrong_signature(trial: Trial) -> None:
    """The signature of another file is found out and reported, in either order (errata 2025-09, 6.2.83)."""
    number = await update_asked(trial, 1, await firmware_offered(trial, signs_this=False))
    await downloaded(trial, 3, number, ends_with="InvalidSignature")
    await trial.expects(9, "SecurityEventNotification", where={"type": "InvalidFirmwareSignature"})


@case("TC_L_07_CS")
async def missing_file(trial: Trial) -> None:
    """A file that does not exist cannot be downloaded."""
    request = await firmware_offered(trial)
    request["firmware"]["location"] += "_doesnotExist"
    number = await update_asked(trial, 1, request)
    call = await status_is(trial, 3, one_of("Downloading", "DownloadFailed"), number)
    if call.payload.get("status") == "Downloading":
        await status_is(trial, 5, "DownloadFailed", number, TRANSFER_WITHIN_S)


@case("TC_L_08_CS")
async def unusable_file(trial: Trial) -> None:
    """A signed file that is no firmware for this station is not installed."""
    number = await update_asked(trial, 1, await firmware_offered(trial, usable=False))
    await downloaded(trial, 3, number)
    await _installs(trial, 9, number)
    failed = one_of("InstallVerificationFailed", "InstallationFailed")
    await status_is(trial, 16, failed, number, INSTALLED_WITHIN_S)
    await _every_connector_is_back(trial, 14)


@case("TC_L_18_CS")
async def unsigned(trial: Trial) -> None:
    """Firmware without certificate and signature is refused."""
    request = await firmware_offered(trial)
    for name in ("signingCertificate", "signature"):
        del request["firmware"][name]
    await update_asked(trial, 1, request, one_of("Rejected", "InvalidCertificate"))


# -- an update that replaces another -----------------------------------------------------------------------------------


@case("TC_L_10_CS")
async def replaced(trial: Trial) -> None:
    """A second request cancels the download of the first one, which may be reported as failed (errata 2025-09, 6.2.82)."""
    trial.firmware_server.pause_s = HELD_S
    first = await update_asked(trial, 1, await firmware_offered(trial))
    await status_is(trial, 3, "Downloading", first)
    second = await update_asked(trial, 5, await firmware_offered(trial), "AcceptedCanceled")
    given_up = {"requestId": first, "status": one_of("DownloadFailed", "InstallationFailed")}
    call = await trial.expects(7, NOTICE)
    if call.payload.get("requestId") == first:
        trial.checks.message(6, NOTICE, call.payload, given_up)
        call = await trial.expects(7, NOTICE)
    trial.checks.message(7, NOTICE, call.payload, {"status": "Downloading", "requestId": second})
    await status_is(trial, 9, "Downloaded", second, TRANSFER_WITHIN_S)
    await status_is(trial, 11, "SignatureVerified", second, TRANSFER_WITHIN_S)
    await is_installed(trial, 13, second)


# -- an update that waits for drivers ----------------------------------------------------------------------------------


async def _scheduled_behind_a_driver(trial: Trial) -> tuple[int, bool]:
    """Energy flows, and the update is ready. The requestId, and whether the station already installs."""
    await energy_transfer_started(trial)
    number = await update_asked(trial, 1, await firmware_offered(trial))
    await downloaded(trial, 3, number)
    call = await status_is(trial, 9, one_of("InstallScheduled", "Installing"), number)
    return number, call.payload.get("status") == "Installing"


@case("TC_L_14_CS")
async def waits_and_takes_drivers(trial: Trial) -> None:
    """While an installation waits for a driver, another one may come (AllowNewSessionsPendingFirmwareUpdate)."""
    await trial.sets_where_there("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", "true")
    number, installing = await _scheduled_behind_a_driver(trial)
    trial.at_evse(SECOND_EVSE)
    trial.session.token = trial.configured.second_token
    await energy_transfer_started(trial)
    if installing:
        await trial.wait(TRANSFER_WITHIN_S / 2)
    trial.at_evse(trial.configured.evse_id)
    await parking_bay_unoccupied(trial)
    trial.at_evse(SECOND_EVSE)
    await ev_disconnected(trial, state=None)
    await is_installed(trial, 14, number, installs=not installing)


@case("TC_L_15_CS")
async def waits_and_takes_no_driver(trial: Trial) -> None:
    """While an installation waits for a driver, the other connectors are out of service."""
    await trial.sets("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", "false")
    number, installing = await _scheduled_behind_a_driver(trial)
    here = trial.configured.evse_id
    await connectors_are(
        trial, 11, "Unavailable", places=[place for place in trial.configured.every_connector() if place[0] != here]
    )
    if installing:
        await trial.wait(TRANSFER_WITHIN_S / 2)
    await ev_disconnected(trial, state=None)
    await is_installed(trial, 14, number, installs=not installing)
