"""Block A, security: passwords, TLS, certificates of the station, change of the security profile."""

from __future__ import annotations

import base64
import ssl

from cryptography import x509
from cryptography.x509.oid import NameOID

from hil.certification.cases.b_connections import network_profile, sets_priority
from hil.certification.central_system import Entrance
from hil.certification.certificate_renewal import (
    certificate_is_sent,
    check_key,
    checked_request,
    signing_is_asked,
    station_certificate_renewed,
    v2g_certificate_renewed,
)
from hil.certification.keys import BAD_SERVERS, VALID_SERVER, oldest_tls, ordinary_tls
from hil.certification.memory_states import certificate_installed
from hil.certification.patterns import MISSING, Payload, one_of
from hil.certification.registry import case
from hil.certification.states import booted, booted_by, connectors_are, startup_is_reported
from hil.certification.trial import Trial

NEW_PASSWORD = "another-password-of-the-bench"
SHORT_PASSWORD = "too-short"
WAIT_MINIMUM_S = 2
SUITE_PAIRS = (
    {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"AES128-GCM-SHA256", "AES256-GCM-SHA384"},
)
"""OpenSSL's names of the cipher suites of which a station must know one pair."""


# -- password ----------------------------------------------------------------------------------------------------------------


def _check_credentials(trial: Trial, password: str) -> None:
    """The last handshake had the identity and this password."""
    _, headers = trial.csms.entrances[0].handshakes[-1]
    expected = base64.b64encode(f"{trial.configured.identity}:{password}".encode()).decode("ascii")
    trial.checks.value(1, "header Authorization", headers.get("Authorization", MISSING), f"Basic {expected}")


async def _set_password(trial: Trial, password: str, status: object) -> Payload:
    data = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "attributeValue": password,
    }
    pattern = {"setVariableResult[0].attributeStatus": status}
    return await trial.calls(1, "SetVariables", {"setVariableData": [data]}, pattern)


@case("TC_A_01_CS")
async def basic_authentication(trial: Trial) -> None:
    """The handshake carries identity and password."""
    password = trial.configured.basic_password
    await booted(trial)
    _check_credentials(trial, password)
    trial.checks.true(1, "the password has 16 to 40 characters", 16 <= len(password) <= 40, len(password))


@case("TC_A_09_CS")
async def new_password(trial: Trial) -> None:
    """A new password is used from the next connection on."""
    answer = await _set_password(trial, NEW_PASSWORD, one_of("Accepted", "RebootRequired"))
    trial.needs_fresh_start = True
    trial.csms.entrances[0].password = NEW_PASSWORD
    restarts = answer["setVariableResult"][0]["attributeStatus"] == "RebootRequired"
    if restarts:
        await booted_by(trial, "OnIdle")
        await connectors_are(trial, 7, "Available")
    else:
        before = trial.csms.connections
        await trial.csms.drop()
        within_s = trial.configured.reboot_within_s
        came = await trial.csms.until(lambda: trial.csms.connections > before, within_s)
        trial.checks.true(3, "the station connects with the new password", came)
    _check_credentials(trial, NEW_PASSWORD)


@case("TC_A_10_CS")
async def short_password(trial: Trial) -> None:
    """A password of less than 16 characters is rejected, and the old one stays."""
    await _set_password(trial, SHORT_PASSWORD, "Rejected")
    await trial.csms.drop()
    await trial.connected(3)
    _check_credentials(trial, trial.configured.basic_password)
    await booted(trial)


# -- TLS ---------------------------------------------------------------------------------------------------------------------


def _check_tls(trial: Trial) -> ssl.SSLObject:
    """Version and cipher suites of the present connection."""
    session = trial.csms.tls_session()
    if session is None:
        trial.checks.fail(2, "the connection", "plain", "TLS")
    trial.checks.value(2, "TLS version", session.version(), one_of("TLSv1.2", "TLSv1.3"))
    offered = {name for name, _, _ in session.shared_ciphers() or []}
    known = any(pair <= offered for pair in SUITE_PAIRS)
    trial.checks.true(2, "one of the two pairs of cipher suites is offered", known, sorted(offered))
    return session


@case("TC_A_04_CS", security_profile=2)
async def valid_server_certificate(trial: Trial) -> None:
    """The station takes a valid certificate of the central system."""
    await booted_by(trial, "Immediate")
    _check_tls(trial)
    await connectors_are(trial, 9, "Available")


@case("TC_A_05_CS", security_profile=2)
async def invalid_server_certificate(trial: Trial) -> None:
    """The station refuses each kind of invalid certificate, and reports it."""
    await trial.sets("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "2")
    for flaw, chain in BAD_SERVERS.items():
        trial.keys.show(trial.tls_context(), chain)
        await trial.calls("before", "Reset", {"type": "Immediate"}, {"status": "Accepted"}, evidence=False)
        await trial.disconnected("before")
        await trial.wait(trial.configured.unseen_s)
        trial.checks.true(3, f"no connection with a certificate that is wrong: {flaw}", not trial.csms.connected)
        trial.keys.show(trial.tls_context(), VALID_SERVER)
        await trial.expects(10, "BootNotification", within_s=trial.configured.reboot_within_s)
        await connectors_are(trial, 12, "Available")
        await trial.expects(14, "SecurityEventNotification", where={"type": "InvalidCsmsCertificate"})


@case("TC_A_06_CS", security_profile=2)
async def old_tls(trial: Trial) -> None:
    """The station refuses TLS 1.1."""
    await trial.sets("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "1")
    context = trial.tls_context()
    oldest_tls(context, ssl.TLSVersion.TLSv1_1)
    await trial.calls("before", "Reset", {"type": "Immediate"}, {"status": "Accepted"}, evidence=False)
    await trial.disconnected("before")
    await trial.wait(trial.configured.unseen_s)
    trial.checks.true(3, "no connection with TLS 1.1", not trial.csms.connected)
    ordinary_tls(context)
    await trial.expects(10, "BootNotification", within_s=trial.configured.reboot_within_s)
    await connectors_are(trial, 12, "Available")
    await startup_is_reported(trial, 14)


@case("TC_A_07_CS", security_profile=3)
async def client_certificate(trial: Trial) -> None:
    """The station shows its own certificate, whose common name is its serial number."""
    boot = await booted_by(trial, "Immediate")
    session = _check_tls(trial)
    der = session.getpeercert(binary_form=True)
    if der is None:
        trial.checks.fail(4, "the station's certificate", "none", "one")
    certificate = x509.load_der_x509_certificate(der)
    check_key(trial, 4, certificate.public_key())
    trial.checks.true(4, "the certificate has a serial number", certificate.serial_number > 0)
    names = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    serial_number = boot.payload["chargingStation"].get("serialNumber")
    trial.checks.value(4, "common name of the certificate", names, [serial_number])
    await connectors_are(trial, 9, "Available")


# -- certificates of the station ---------------------------------------------------------------------------------------------


@case("TC_A_11_CS", security_profile=3)
async def renew_certificate(trial: Trial) -> None:
    """A new certificate of the station."""
    await station_certificate_renewed(trial, "csms_root")


@case("TC_A_12_CS")
async def renew_v2g_certificate(trial: Trial) -> None:
    """A new certificate towards the car."""
    await v2g_certificate_renewed(trial)


@case("TC_A_14_CS", security_profile=3)
async def bad_new_certificate(trial: Trial) -> None:
    """A certificate that another root signed is rejected, and reported."""
    request = await signing_is_asked(trial, "SignChargingStationCertificate")
    chain = trial.keys.sign_request(request, "another_root")
    await certificate_is_sent(trial, chain, "ChargingStationCertificate", "Rejected")
    await trial.expects(7, "SecurityEventNotification", where={"type": "InvalidChargingStationCertificate"})


@case("TC_A_15_CS", security_profile=3)
async def signing_rejected(trial: Trial) -> None:
    """The central system refuses to sign."""
    await signing_is_asked(trial, "SignChargingStationCertificate", "Rejected")


@case("TC_A_23_CS", security_profile=3)
async def signing_is_asked_again(trial: Trial) -> None:
    """Where no certificate comes, the station asks again, after a time that doubles."""
    await trial.sets("SecurityCtrlr", "CertSigningWaitMinimum", str(WAIT_MINIMUM_S))
    await trial.sets("SecurityCtrlr", "CertSigningRepeatTimes", "2")
    await signing_is_asked(trial, "SignChargingStationCertificate")
    before_s = max(call.at_s for call in trial.csms.calls if call.action == "SignCertificate")
    request = None
    for step, wait_s in ((6, WAIT_MINIMUM_S), (9, 2 * WAIT_MINIMUM_S)):
        again = await trial.expects(step, "SignCertificate", within_s=wait_s + trial.configured.answer_within_s)
        waited_s = again.at_s - before_s
        words = f"the station waits {wait_s} s or more"
        trial.checks.true(step - 1, words, waited_s >= wait_s - 0.1, f"{waited_s:.2f} s")
        before_s, request = again.at_s, checked_request(trial, again)
    assert request is not None
    chain = trial.keys.sign_request(request, "csms_root")
    await certificate_is_sent(trial, chain, "ChargingStationCertificate")


# -- change of the security profile --------------------------------------------------------------------------------------------


async def _second_profile(trial: Trial, security_profile: int, status: str) -> tuple[Entrance, int, str]:
    """SetNetworkProfile for another address with this security profile: its entrance, its slot, and the slot in use."""
    context = trial.keys.server_context(asks_for_certificate=security_profile == 3) if security_profile > 1 else None
    entrance = Entrance(password=trial.configured.basic_password, tls=context)
    await trial.csms.open(entrance)
    active = await trial.gets("OCPPCommCtrlr", "ActiveNetworkProfile") or "1"
    slot = next(number for number in range(1, 10) if str(number) != active)
    profile = network_profile(entrance.url, security_profile)
    payload = {"configurationSlot": slot, "connectionData": profile}
    await trial.calls(1, "SetNetworkProfile", payload, {"status": status})
    trial.needs_fresh_start = status == "Accepted"
    return entrance, slot, active


@case("TC_A_19_CS")
async def upgrade(trial: Trial) -> None:
    """From security profile 1 to 2; the slot with the lower profile is forgotten."""
    await certificate_installed(trial, "CSMSRootCertificate", trial.keys.pem("csms_root"))
    entrance, slot, active = await _second_profile(trial, 2, "Accepted")
    await sets_priority(trial, f"{slot},{active}", one_of("Accepted", "RebootRequired"))
    await booted(trial, reset="OnIdle")
    trial.checks.true(7, "the station connected with TLS", trial.csms.tls_session() is not None)
    trial.checks.true(7, "the station connected to the new address", entrance.attempts > 0)
    profile = await trial.gets("SecurityCtrlr", "SecurityProfile")
    trial.checks.value(11, "SecurityCtrlr.SecurityProfile", profile, "2")
    priority = (await trial.gets("OCPPCommCtrlr", "NetworkConfigurationPriority") or "").split(",")
    trial.checks.true(13, "the former slot is not in the priority", active not in priority, priority)


@case("TC_A_20_CS")
async def upgrade_without_a_root(trial: Trial) -> None:
    """Without a root of the central system a slot with TLS cannot be used."""
    _, slot, active = await _second_profile(trial, 2, "Accepted")
    await sets_priority(trial, f"{slot},{active}", "Rejected")


@case("TC_A_21_CS")
async def upgrade_without_a_certificate(trial: Trial) -> None:
    """Without an own certificate a slot with security profile 3 cannot be used."""
    await certificate_installed(trial, "CSMSRootCertificate", trial.keys.pem("csms_root"))
    _, slot, active = await _second_profile(trial, 3, "Accepted")
    await sets_priority(trial, f"{slot},{active}", "Rejected")


@case("TC_A_22_CS", security_profile=2)
async def downgrade(trial: Trial) -> None:
    """A slot with a lower security profile is rejected."""
    await _second_profile(trial, 1, "Rejected")
