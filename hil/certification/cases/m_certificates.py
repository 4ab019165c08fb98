"""Block M, certificates: installed, listed, deleted; status of the station's certificate towards the car.

Of block B the two cases that move to another central system below another root.
"""

from __future__ import annotations

from hil.certification.cases.b_connections import migrates
from hil.certification.certificate_renewal import v2g_certificate_renewed
from hil.certification.frames import StationCall
from hil.certification.keys import ANOTHER_SERVER, NEXT_ROOT, NEXT_SERVER
from hil.certification.memory_states import certificate_installed
from hil.certification.patterns import ABSENT, Payload, one_of
from hil.certification.registry import case
from hil.certification.states import booted
from hil.certification.trial import Trial
from hil.certification.validation import Step

CSMS, MANUFACTURER, V2G, MO = (
    "CSMSRootCertificate",
    "ManufacturerRootCertificate",
    "V2GRootCertificate",
    "MORootCertificate",
)
ROOTS = {CSMS: "another_root", MANUFACTURER: "manufacturer_root", V2G: "v2g_root", MO: "mo_root"}
"""Which of the suite's roots a case installs; for the central system a second one beside that in use."""


async def _install(trial: Trial, kind: str) -> None:
    await certificate_installed(trial, kind, trial.keys.pem(ROOTS[kind]))
    trial.needs_fresh_start = True


async def _installed(trial: Trial, step: Step, kinds: list[str] | None) -> list[Payload]:
    """GetInstalledCertificates: every chain of these kinds."""
    asked = {} if kinds is None else {"certificateType": kinds}
    answer = await trial.calls(step, "GetInstalledCertificateIds", asked, {"status": "Accepted"})
    chains: list[Payload] = answer.get("certificateHashDataChain", [])
    return chains


def _holds(trial: Trial, chains: list[Payload], kind: str, name: str) -> bool:
    """Whether a chain of this kind is this certificate."""
    return any(
        chain["certificateType"] == kind and trial.keys.is_hash_of(name, chain["certificateHashData"])
        for chain in chains
    )


async def _is_listed(trial: Trial, step: Step, *kinds: str) -> None:
    chains = await _installed(trial, step, list(kinds))
    for kind in kinds:
        trial.checks.true(step, f"the installed {kind} is listed", _holds(trial, chains, kind, ROOTS[kind]), chains)
    others = sorted({chain["certificateType"] for chain in chains} - set(kinds))
    trial.checks.value(step, "kinds that were not asked for", others, [])


async def _installed_and_listed(trial: Trial, *kinds: str) -> None:
    for kind in kinds:
        await _install(trial, kind)
    await _is_listed(trial, 2, *kinds)


@case("TC_M_01_CS")
async def install_csms_root(trial: Trial) -> None:
    """A further root of the central system."""
    await _installed_and_listed(trial, CSMS)


@case("TC_M_02_CS")
async def install_manufacturer_root(trial: Trial) -> None:
    """A root of the manufacturer."""
    await _installed_and_listed(trial, MANUFACTURER)


@case("TC_M_03_CS")
async def install_v2g_root(trial: Trial) -> None:
    """A V2G root."""
    await _installed_and_listed(trial, V2G)


@case("TC_M_04_CS")
async def install_mo_root(trial: Trial) -> None:
    """A root of a mobility operator."""
    await _installed_and_listed(trial, MO)


@case("TC_M_12_CS")
async def list_csms_roots(trial: Trial) -> None:
    """The roots of the central system are listed."""
    await _installed_and_listed(trial, CSMS)


@case("TC_M_13_CS")
async def list_manufacturer_roots(trial: Trial) -> None:
    """The roots of the manufacturer are listed."""
    await _installed_and_listed(trial, MANUFACTURER)


@case("TC_M_14_CS")
async def list_v2g_roots(trial: Trial) -> None:
    """The V2G roots are listed."""
    await _installed_and_listed(trial, V2G)


@case("TC_M_16_CS")
async def list_mo_roots(trial: Trial) -> None:
    """The roots of mobility operators are listed."""
    await _installed_and_listed(trial, MO)


@case("TC_M_17_CS")
async def list_two_kinds(trial: Trial) -> None:
    """Two kinds of roots are listed."""
    await _installed_and_listed(trial, CSMS, MANUFACTURER)


@case("TC_M_18_CS")
async def list_every_kind(trial: Trial) -> None:
    """Without a kind every certificate is listed."""
    for kind in (CSMS, MANUFACTURER):
        await _install(trial, kind)
    chains = await _installed(trial, 1, None)
    for kind in (CSMS, MANUFACTURER):
        trial.checks.true(2, f"the installed {kind} is listed", _holds(trial, chains, kind, ROOTS[kind]), chains)


@case("TC_M_15_CS")
async def list_v2g_chain(trial: Trial) -> None:
    """The station's own chain towards the car is listed with its sub-CAs (errata 2025-09, 6.2.84)."""
    await v2g_certificate_renewed(trial)
    chains = await _installed(trial, 1, ["V2GCertificateChain"])
    with_children = [chain for chain in chains if chain.get("childCertificateHashData")]
    kinds = {chain["certificateType"] for chain in with_children}
    trial.checks.value(1, "kinds of chains with childCertificateHashData", kinds, {"V2GCertificateChain"})


@case("TC_M_19_CS")
async def list_nothing(trial: Trial) -> None:
    """A kind of which none is installed."""
    asked = {"certificateType": [MO]}
    statuses = {"status": one_of("Accepted", "NotFound")}
    found = await trial.calls("before", "GetInstalledCertificateIds", asked, statuses, evidence=False)
    for chain in found.get("certificateHashDataChain", []):
        data = {"certificateHashData": chain["certificateHashData"]}
        trial.needs_fresh_start = True
        await trial.calls("before", "DeleteCertificate", data, {"status": "Accepted"}, evidence=False)
    empty = {"status": "NotFound", "certificateHashDataChain": ABSENT}
    await trial.calls(1, "GetInstalledCertificateIds", asked, empty)


@case("TC_M_07_CS")
async def expired_root(trial: Trial) -> None:
    """An expired root is rejected."""
    payload = {"certificateType": CSMS, "certificate": trial.keys.pem("expired_root")}
    await trial.calls(1, "InstallCertificate", payload, {"status": "Rejected"})
    await _is_not_listed(trial, 3, "expired_root")


@case("TC_M_09_CS", security_profile=2, additional_root_check=True)
async def root_of_nobody(trial: Trial) -> None:
    """With AdditionalRootCertificateCheck a root that the present one did not sign is rejected."""
    payload = {"certificateType": CSMS, "certificate": trial.keys.pem("another_root")}
    await trial.calls(1, "InstallCertificate", payload, {"status": "Rejected"})
    chains = await _installed(trial, 3, [CSMS])
    trial.checks.value(4, "number of roots that are listed", len(chains), 1)
    trial.checks.true(4, "the present root is listed", _holds(trial, chains, CSMS, "csms_root"), chains)


async def _next_root_installed(trial: Trial) -> None:
    await certificate_installed(trial, CSMS, trial.keys.pem(NEXT_ROOT))
    trial.needs_fresh_start = True


async def _old_root_is(trial: Trial, step: int, *, listed: bool) -> None:
    chains = await _installed(trial, step, [CSMS])
    words = f"the old root is {'listed' if listed else 'not listed'}"
    trial.checks.true(step + 1, words, _holds(trial, chains, CSMS, "csms_root") is listed, chains)


@case("TC_M_30_CS", security_profile=2, additional_root_check=True)
async def next_root_is_used(trial: Trial) -> None:
    """After a connection with the new root the old one is gone."""
    await _next_root_installed(trial)
    trial.keys.show(trial.tls_context(), NEXT_SERVER)
    await booted(trial, reset="OnIdle")
    await _old_root_is(trial, 6, listed=False)


@case("TC_M_31_CS", security_profile=2, additional_root_check=True)
async def old_root_is_the_fallback(trial: Trial) -> None:
    """Where the new root does not vouch for the central system, the old one does, and stays."""
    await _next_root_installed(trial)
    await booted(trial, reset="OnIdle")
    await trial.expects("after", "SecurityEventNotification", where={"type": "InvalidCsmsCertificate"})
    await _old_root_is(trial, 7, listed=True)


@case("TC_B_47_CS", security_profile=2, additional_root_check=True)
async def migration_falls_back(trial: Trial) -> None:
    """A new root, and another central system below the old one: the station comes back to the former address by the old root."""
    await trial.sets("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "1")
    await _next_root_installed(trial)
    entrance = await migrates(trial, refuses=False, security_profile=2)
    former = trial.csms.entrances[0]
    seen = former.attempts
    await booted(trial, reset="OnIdle")
    trial.checks.true(9, "the station came back to the former address", former.attempts > seen)
    trial.checks.true(8, "no handshake was completed at the new address", entrance.attempts == 0)
    await _old_root_is(trial, 11, listed=True)


@case("TC_B_50_CS", security_profile=2)
async def migration_by_another_root(trial: Trial) -> None:
    """Another central system below another root, which was installed before."""
    await _install(trial, CSMS)
    entrance = await migrates(trial, refuses=False, security_profile=2, chain=ANOTHER_SERVER)
    await booted(trial, reset="OnIdle")
    trial.checks.true(7, "the station connected to the new address", entrance.attempts > 0)


async def _is_not_listed(trial: Trial, step: Step, name: str) -> None:
    asked = {"certificateType": [CSMS]}
    statuses = {"status": one_of("Accepted", "NotFound")}
    answer = await trial.calls(step, "GetInstalledCertificateIds", asked, statuses)
    chains = answer.get("certificateHashDataChain", [])
    trial.checks.true(
        step + 1 if isinstance(step, int) else step,
        "the rejected root is not listed",
        not _holds(trial, chains, CSMS, name),
    )


@case("TC_M_20_CS")
async def delete_a_root(trial: Trial) -> None:
    """A root is deleted."""
    await _install(trial, CSMS)
    chains = await _installed(trial, 1, [CSMS])
    name = ROOTS[CSMS]
    trial.checks.true(1, "the root to delete is listed", _holds(trial, chains, CSMS, name), chains)
    for chain in chains:
        if trial.keys.is_hash_of(name, chain["certificateHashData"]):
            data = {"certificateHashData": chain["certificateHashData"]}
            await trial.calls(2, "DeleteCertificate", data, {"status": "Accepted"})
    await _is_not_listed(trial, 4, name)


@case("TC_M_22_CS")
async def delete_an_unknown_certificate(trial: Trial) -> None:
    """A certificate that is not installed cannot be deleted."""
    data = {"certificateHashData": trial.keys.hash_data("expired_root", "SHA256")}
    await trial.calls(2, "DeleteCertificate", data, {"status": "NotFound"})


@case("TC_M_23_CS", security_profile=3)
async def delete_own_certificate(trial: Trial) -> None:
    """The station's own certificate cannot be deleted."""
    data = {"certificateHashData": trial.keys.hash_data("station", "SHA256")}
    await trial.calls(2, "DeleteCertificate", data, {"status": one_of("NotFound", "Failed")})


async def _roots_and_certificate(trial: Trial) -> None:
    """The memory states of both cases about the certificate's status."""
    for kind in (V2G, MO):
        await _install(trial, kind)
    await v2g_certificate_renewed(trial)


@case("TC_M_24_CS")
async def certificate_status(trial: Trial) -> None:
    """The station asks for the status of its certificate towards the car and of both sub-CAs (errata 2025-09, 6.2.85)."""

    def is_good(call: StationCall) -> Payload:
        return {"status": "Accepted", "ocspResult": trial.keys.ocsp_answer(call.payload["ocspRequestData"])}

    trial.csms.answers.order("GetCertificateStatus", is_good)
    await _roots_and_certificate(trial)
    calls = [await trial.expects(1, "GetCertificateStatus") for _ in ("leaf", "sub-CA 2", "sub-CA 1")]
    asked = {call.payload["ocspRequestData"]["serialNumber"].lower().lstrip("0") for call in calls}
    trial.checks.value(1, "different certificates that are asked about", len(asked), len(calls))
    for name in ("cpo_sub1", "cpo_sub2"):
        serial_number = trial.keys.hash_data(name, "SHA256")["serialNumber"]
        trial.checks.true(1, f"the status of {name} is asked for", serial_number.lstrip("0") in asked, sorted(asked))


@case("TC_M_25_CS")
async def certificate_status_is_unknown(trial: Trial) -> None:
    """The central system cannot give the status."""
    trial.csms.answers.order("GetCertificateStatus", {"status": "Failed"})
    await _roots_and_certificate(trial)
    await trial.expects(1, "GetCertificateStatus")
