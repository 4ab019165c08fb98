"""Block M, certificates for cars: the station relays a car's request for a contract certificate, and the answer.

The answers are those of ISO 15118-20. With a car of another version the cases that succeed are undecided.
"""

from __future__ import annotations

import base64

from hil.certification.frames import StationCall
from hil.certification.memory_states import certificate_installed
from hil.certification.patterns import PRESENT, Payload
from hil.certification.registry import case
from hil.certification.states import ev_connected_pre_session, evse_of
from hil.certification.trial import Trial
from hil.certification.validation import CaseNotDecided

REQUEST = "Get15118EVCertificate"
CONTROLLER = "ISO15118Ctrlr"
SCHEMA_20 = "urn:iso:std:iso:15118:-20"
"""How the schema versions of ISO 15118-20 begin."""
ROOTS = {"V2GRootCertificate": "v2g_root", "MORootCertificate": "mo_root"}


async def _car_asks(trial: Trial, action: str) -> None:
    """The memory states, the switches, and a car that asks."""
    trial.needs_fresh_start = True
    for kind, name in ROOTS.items():
        await certificate_installed(trial, kind, trial.keys.pem(name))
    for variable in ("ContractCertificateInstallationEnabled", "PnCEnabled"):
        if await trial.has(CONTROLLER, variable):
            await trial.sets_where_there(CONTROLLER, variable, "true")
    await trial.station.request_certificate(evse_of(trial), action)
    await ev_connected_pre_session(trial)


async def _succeeds(trial: Trial, action: str) -> None:
    service = trial.keys.provisioning()

    def answer(call: StationCall) -> Payload:
        exi = service.answer(base64.b64decode(call.payload["exiRequest"]))
        if exi is None:
            return {"status": "Failed", "exiResponse": ""}
        return {"status": "Accepted", "exiResponse": base64.b64encode(exi).decode("ascii")}

    trial.csms.answers.order(REQUEST, answer)
    await _car_asks(trial, action)
    within_s = trial.configured.reboot_within_s
    call = await trial.expects(1, REQUEST, {"action": action, "exiRequest": PRESENT}, within_s=within_s)
    schema = str(call.payload["iso15118SchemaVersion"])
    if not schema.startswith(SCHEMA_20):
        raise CaseNotDecided(f"the car's request has the schema {schema}: the suite answers {SCHEMA_20} only")
    await trial.expects(3, "Authorize", {"idToken.type": "eMAID"}, within_s=within_s)


async def _fails(trial: Trial, action: str) -> None:
    """The schema wants an exiResponse, which Part 6 leaves out: it is empty."""
    trial.csms.answers.order(REQUEST, {"status": "Failed", "exiResponse": ""})
    await _car_asks(trial, action)
    await trial.expects(1, REQUEST, {"action": action}, within_s=trial.configured.reboot_within_s)
    await trial.nothing_comes(3, "Authorize", for_s=trial.configured.unseen_s)


@case("TC_M_26_CS")
async def installation_succeeds(trial: Trial) -> None:
    """A car without a contract gets one, and authorises with it."""
    await _succeeds(trial, "Install")


@case("TC_M_27_CS")
async def installation_fails(trial: Trial) -> None:
    """A car that gets no contract does not authorise."""
    await _fails(trial, "Install")


@case("TC_M_28_CS")
async def update_succeeds(trial: Trial) -> None:
    """A car whose contract ends soon gets another one (CertificateUpdate is a message of ISO 15118-2 alone)."""
    await _succeeds(trial, "Update")


@case("TC_M_29_CS")
async def update_fails(trial: Trial) -> None:
    """A car whose contract is not renewed does not authorise (CertificateUpdate is a message of ISO 15118-2 alone)."""
    await _fails(trial, "Update")
