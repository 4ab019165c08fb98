"""Passwords, network profiles and refused handshakes over real sockets: what the central system sees and what stays on the disk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import stat
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from websockets.asyncio.server import serve

from certs.pki import Curve, Pki
from chargepoint.app.clock import SystemClock
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.ocpp import credentials
from chargepoint.ocpp.client import OcppClient
from chargepoint.ocpp.credentials import CredentialsError
from chargepoint.store.database import Store
from hil.simulators.csms import Csms
from tests.joined.no_station import NoStation

PASSWORD = "0123456789abcdef"
NEW_PASSWORD = "another_password"
LOG = logging.getLogger("test.security")


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki(Curve.P256)


@pytest.fixture
def folder(pki: Pki, tmp_path: Path) -> Path:
    pki.write(tmp_path)
    write_password(tmp_path, PASSWORD)
    return tmp_path


def write_password(folder: Path, text: str) -> None:
    (folder / "password").write_text(text)
    (folder / "password").chmod(0o600)


def server_context(folder: Path, *, ask_client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "csms_chain.pem", folder / "csms.key")
    if ask_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "csms_root.pem")
    return context


def section(folder: Path, url: str, profile: int = 1, **more: object) -> CsmsSection:
    fields: dict[str, object] = {
        "url": url,
        "security_profile": profile,
        "password_file": folder / "password",
        "ca_file": folder / "csms_root.pem",
        "reconnect_min_s": 0.05,
        "call_timeout_s": 2.0,
    }
    return CsmsSection.model_validate(fields | more)


@contextlib.asynccontextmanager
async def running(csms: CsmsSection, folder: Path) -> AsyncIterator[Store]:
    """The OCPP client, as after a start; what it keeps is in `folder`."""
    store = Store.open(folder / "s.db")
    client = OcppClient(csms, StationSection(state_dir=folder), store, NoStation(), SystemClock(), LOG)
    task = asyncio.create_task(client.run())
    try:
        yield store
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        store.close()


def security_events(csms: Csms) -> list[str]:
    return [str(payload["type"]) for payload in csms.log("CP1").of("SecurityEventNotification")]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def variable(component: str, name: str, value: str) -> dict[str, object]:
    data = {"component": {"name": component}, "variable": {"name": name}, "attributeValue": value}
    return {"setVariableData": [data]}


def profile(url: str, security_profile: int = 1) -> dict[str, object]:
    return {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": url,
        "messageTimeout": 2,
        "securityProfile": security_profile,
        "ocppInterface": "Wired0",
    }


async def test_a_new_password_serves_the_next_connection_and_every_one_after_a_restart(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """TC_A_09. A01.FR.10."""
    caplog.set_level(logging.DEBUG)
    async with Csms(passwords={"CP1": PASSWORD}) as csms:
        async with running(section(folder, csms.url), folder):
            await csms.station("CP1")
            csms.passwords = {"CP1": NEW_PASSWORD}
            request = variable("SecurityCtrlr", "BasicAuthPassword", NEW_PASSWORD)
            answer = await csms.call("CP1", "SetVariables", request)
            assert answer["setVariableResult"][0]["attributeStatus"] == "Accepted"
            await csms.until(lambda: csms.log("CP1").connections == 2)
            await until(lambda: not (folder / "secrets" / "password.old").exists())
        async with running(section(folder, csms.url), folder):
            await csms.until(lambda: csms.log("CP1").connections == 3)
    file = folder / "secrets" / "password"
    assert file.read_text() == NEW_PASSWORD
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert NEW_PASSWORD.encode() not in (folder / "s.db").read_bytes()
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith(LOG.name))
    assert NEW_PASSWORD not in ours


async def test_a_central_system_that_forgot_the_new_password_gets_the_old_one(folder: Path) -> None:
    async with Csms(passwords={"CP1": PASSWORD}) as csms, running(section(folder, csms.url), folder):
        await csms.station("CP1")
        await csms.call("CP1", "SetVariables", variable("SecurityCtrlr", "BasicAuthPassword", NEW_PASSWORD))
        await csms.until(lambda: csms.log("CP1").connections == 2)
        await until(lambda: not (folder / "secrets" / "password").exists())
        await csms.until(lambda: "FailedToAuthenticateAtCsms" in security_events(csms))


async def test_the_password_in_the_configuration_file_wins_where_it_is_written_anew(folder: Path) -> None:
    async with Csms(passwords={"CP1": PASSWORD}) as csms:
        async with running(section(folder, csms.url), folder):
            await csms.station("CP1")
            csms.passwords = {"CP1": NEW_PASSWORD}
            await csms.call("CP1", "SetVariables", variable("SecurityCtrlr", "BasicAuthPassword", NEW_PASSWORD))
            await csms.until(lambda: csms.log("CP1").connections == 2)
        csms.passwords = {"CP1": "by-the-installer"}
        write_password(folder, "by-the-installer")
        async with running(section(folder, csms.url), folder):
            await csms.until(lambda: csms.log("CP1").connections == 3)


@contextlib.contextmanager
def refusing(context: ssl.SSLContext) -> Iterator[int]:
    """A server that fails every TLS handshake with its alert; gives its port. asyncio's server would reset the connection instead."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve_all() -> None:
            with contextlib.suppress(OSError):  # the listener was shut down
                while True:
                    accepted, _ = listener.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(accepted, server_side=True) as secure:
                        secure.recv(1)

        thread = threading.Thread(target=serve_all)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def of_another_authority(folder: Path) -> ssl.SSLContext:
    Pki(Curve.P256).write(folder / "other")
    return server_context(folder / "other")


def with_an_old_version(folder: Path) -> ssl.SSLContext:
    context = server_context(folder)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # an old version is the matter of this test
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    return context


def with_an_old_cipher_suite(folder: Path) -> ssl.SSLContext:
    context = server_context(folder)
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@pytest.mark.parametrize(
    ("make_context", "event"),
    [
        (of_another_authority, "InvalidCsmsCertificate"),
        (with_an_old_version, "InvalidTLSVersion"),
        (with_an_old_cipher_suite, "InvalidTLSCipherSuite"),
    ],
)
async def test_a_refused_server_is_one_security_event_sent_to_the_right_one(
    folder: Path, make_context: Callable[[Path], ssl.SSLContext], event: str
) -> None:
    """TC_A_05, TC_A_06; A00.FR.308 (of another authority), A00.FR.323, FR.426 (an old cipher suite)."""
    with refusing(make_context(folder)) as port:
        async with running(section(folder, f"wss://127.0.0.1:{port}", 2), folder) as store:
            await until(lambda: store.outbox_depth() >= 2)
    right = Csms(port=port, ssl_context=server_context(folder), passwords={"CP1": PASSWORD})
    async with right, running(section(folder, right.url, 2), folder):
        await right.until(lambda: event in security_events(right))
        assert security_events(right).count(event) == 1


async def test_migration_to_a_second_central_system_after_a_restart(folder: Path) -> None:
    """TC_B_45."""
    async with Csms() as first, Csms() as second:
        csms = section(folder, first.url)
        async with running(csms, folder):
            await first.station("CP1")
            request = {"configurationSlot": 2, "connectionData": profile(second.url)}
            assert (await first.call("CP1", "SetNetworkProfile", request))["status"] == "Accepted"
            answer = await first.call(
                "CP1", "SetVariables", variable("OCPPCommCtrlr", "NetworkConfigurationPriority", "2,1")
            )
            assert answer["setVariableResult"][0]["attributeStatus"] == "RebootRequired"
        async with running(csms, folder):
            await second.station("CP1")
        assert first.log("CP1").connections == 1


async def test_a_second_central_system_that_does_not_answer_is_left_for_the_first(folder: Path) -> None:
    """TC_B_46, TC_B_49."""

    async def refuse(socket: object) -> None:
        raise AssertionError("nobody connects here")

    async with serve(refuse, "127.0.0.1", 0) as closed:
        port = closed.sockets[0].getsockname()[1]
    async with Csms() as first:
        csms = section(folder, first.url)
        async with running(csms, folder):
            await first.station("CP1")
            request = {"configurationSlot": 2, "connectionData": profile(f"ws://127.0.0.1:{port}")}
            await first.call("CP1", "SetNetworkProfile", request)
            for name, value in (("NetworkConfigurationPriority", "2,1"), ("NetworkProfileConnectionAttempts", "2")):
                await first.call("CP1", "SetVariables", variable("OCPPCommCtrlr", name, value))
        async with running(csms, folder):
            await first.until(lambda: first.log("CP1").connections == 2)


async def test_an_upgrade_to_tls_is_for_ever(folder: Path) -> None:
    """TC_A_19."""
    async with (
        Csms(passwords={"CP1": PASSWORD}) as plain,
        Csms(ssl_context=server_context(folder), passwords={"CP1": PASSWORD}) as secure,
    ):
        csms = section(folder, plain.url)
        async with running(csms, folder):
            await plain.station("CP1")
            request = {"configurationSlot": 2, "connectionData": profile(secure.url, 2)}
            assert (await plain.call("CP1", "SetNetworkProfile", request))["status"] == "Accepted"
            await plain.call("CP1", "SetVariables", variable("OCPPCommCtrlr", "NetworkConfigurationPriority", "2,1"))
        async with running(csms, folder):
            await secure.station("CP1")
            wanted = [("SecurityCtrlr", "SecurityProfile"), ("OCPPCommCtrlr", "NetworkConfigurationPriority")]
            asked = [{"component": {"name": c}, "variable": {"name": v}} for c, v in wanted]
            answer = await secure.call("CP1", "GetVariables", {"getVariableData": asked})
            assert [result["attributeValue"] for result in answer["getVariableResult"]] == ["2", "2"]
        async with running(csms, folder):
            await secure.until(lambda: secure.log("CP1").connections == 2)
        assert plain.log("CP1").connections == 1


@pytest.mark.parametrize("key", ["password_file", "key_file"])
def test_a_secret_that_every_user_may_read_is_refused_with_its_remedy(folder: Path, key: str) -> None:
    profile_number = 1 if key == "password_file" else 3
    csms = section(
        folder,
        "wss://host" if profile_number == 3 else "ws://host",
        profile_number,
        certificate_file=folder / "station_chain.pem",
        key_file=folder / "station.key",
    )
    credentials.check(csms)
    path: Path = getattr(csms, key)
    path.chmod(0o644)
    with pytest.raises(CredentialsError, match=f"every user may read it .mode 0644.; chmod o= {path}"):
        credentials.check(csms)
    path.chmod(0o640)
    credentials.check(csms)


async def test_a_renewed_certificate_serves_the_next_connection(folder: Path, pki: Pki) -> None:
    """TC_A_11, over TLS with client certificates: request, signature, new connection, the old certificate gone."""
    async with Csms(ssl_context=server_context(folder, ask_client=True)) as csms:
        settings = {"certificate_file": folder / "station_chain.pem", "key_file": folder / "station.key"}
        async with running(section(folder, csms.url, 3, **settings), folder):
            await csms.station("CP1")
            for connections in (2, 3):
                await csms.call("CP1", "TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"})
                await csms.heard("CP1", "SignCertificate", connections - 1)
                request = csms.log("CP1").of("SignCertificate")[-1]
                signed = {
                    "certificateChain": sign(pki, str(request["csr"])),
                    "certificateType": request["certificateType"],
                }
                assert (await csms.call("CP1", "CertificateSigned", signed))["status"] == "Accepted"
                await csms.until(lambda n=connections: csms.log("CP1").connections == n)  # type: ignore[misc]
                await until(lambda: len(list((folder / "secrets").glob("*.pem"))) == 1)
    [key] = (folder / "secrets").glob("*.key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def sign(pki: Pki, csr: str) -> str:
    """The certificate that a central system makes of a request."""
    request = x509.load_pem_x509_csr(csr.encode())
    assert request.is_signature_valid
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(pki.certificates["csms_root"].subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(seconds=1))
        .not_valid_after(now + timedelta(days=90))
    )
    certificate = builder.sign(pki.keys["csms_root"], hashes.SHA256())
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


async def test_an_installed_root_vouches_for_the_next_central_system(folder: Path, tmp_path: Path) -> None:
    """TC_B_50, TC_M_01."""
    other = Pki(Curve.P256)
    other.write(tmp_path / "other")
    async with (
        Csms(ssl_context=server_context(folder), passwords={"CP1": PASSWORD}) as first,
        Csms(ssl_context=server_context(tmp_path / "other"), passwords={"CP1": PASSWORD}) as second,
    ):
        csms = section(folder, first.url, 2)
        async with running(csms, folder):
            await first.station("CP1")
            root = other.certificates["csms_root"].public_bytes(Encoding.PEM).decode("ascii")
            request: dict[str, object] = {"certificateType": "CSMSRootCertificate", "certificate": root}
            assert (await first.call("CP1", "InstallCertificate", request))["status"] == "Accepted"
            request = {"configurationSlot": 2, "connectionData": profile(second.url, 2)}
            assert (await first.call("CP1", "SetNetworkProfile", request))["status"] == "Accepted"
            await first.call("CP1", "SetVariables", variable("OCPPCommCtrlr", "NetworkConfigurationPriority", "2,1"))
        async with running(csms, folder):
            await second.station("CP1")
