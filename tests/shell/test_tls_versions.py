"""One port for TLS 1.2 (ISO 15118-2) and TLS 1.3 (ISO 15118-20): the first message of the car chooses.

Source: docs/sources/iso15118-2-din.md 4. The cars are Python's OpenSSL; a car that names its roots is bytes put together here,
because no client of OpenSSL sends trusted_ca_keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.pki import Curve, Pki
from chargepoint.security.certificates import CertificateFacts, KeyKind, read_certificate, read_pem
from chargepoint.security.client_hello import NamedBy
from chargepoint.security.handshake import HandshakeFailure, HandshakeFault
from chargepoint.security.iso2_tls import names_of
from chargepoint.security.tls import evcc_context
from chargepoint.security.tls_credentials import TlsCredentials
from tests.unit.security.test_client_hello import hello_of_openssl

GIVE_UP_S = 20.0


class Port:
    """A port with the station's credentials that greets each car."""

    def __init__(self, folder: Path, *, iso2: bool = True, installed: Path | None = None) -> None:
        self.folder = folder
        self.failures: list[HandshakeFailure] = []
        self.credentials = TlsCredentials(
            folder, logging.getLogger("tls"), iso2=iso2, installed=installed, on_failure=self.failures.append
        )
        self.number = 0

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Port]:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                writer.write(b"hello\n")
                await writer.drain()
                writer.close()

        server = await asyncio.start_server(greet, "::1", 0, ssl=self.credentials.live_context())
        self.number = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def visit(self, car: ssl.SSLContext) -> tuple[str, str, CertificateFacts] | None:
        """Version, suite and the station's leaf; None where the handshake or the greeting failed."""
        writer = None
        try:
            async with asyncio.timeout(GIVE_UP_S):
                reader, writer = await asyncio.open_connection("::1", self.number, ssl=car)
                session: ssl.SSLObject = writer.get_extra_info("ssl_object")
                if await reader.readline() != b"hello\n":
                    return None
        except (OSError, ssl.SSLError):
            return None
        finally:
            if writer is not None:
                writer.close()
        leaf, suite = session.getpeercert(binary_form=True), session.cipher()
        assert leaf is not None
        assert suite is not None
        return session.version() or "", suite[0], read_certificate(leaf)

    async def failed(self) -> HandshakeFault:
        async with asyncio.timeout(GIVE_UP_S):
            while not self.failures:
                await asyncio.sleep(0.01)
        return self.failures[-1].fault


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "pki"
    Pki(Curve.P521).write(folder)
    Pki(Curve.P256).write_second(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path, made_once: Path) -> Path:
    shutil.copytree(made_once, tmp_path / "pki")
    return tmp_path / "pki"


def car(
    folder: Path,
    *,
    shows: str | None,
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
) -> ssl.SSLContext:
    """A car that knows every V2G root of the folder. `shows`: its chain; None: no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if shows is None else evcc_context(folder, shows)
    context.minimum_version, context.maximum_version = oldest, newest
    context.check_hostname = False
    for root in (folder / "v2g_roots").glob("*.pem"):
        context.load_verify_locations(root)
    return context


OLD, NEW = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


async def test_each_version_gets_its_own_leaf_on_one_port(folder: Path) -> None:
    async with Port(folder).listening() as port:
        old = await port.visit(car(folder, shows=None, newest=OLD))
        new = await port.visit(car(folder, shows="vehicle", oldest=NEW))
        both = await port.visit(car(folder, shows="vehicle"))
    assert old is not None
    assert new is not None
    assert both is not None
    assert (old[0], old[1], old[2].key_kind) == ("TLSv1.2", "ECDHE-ECDSA-AES128-SHA256", KeyKind.P256)
    assert (new[0], new[2].key_kind) == ("TLSv1.3", KeyKind.P521)
    assert (both[0], both[2].key_kind) == ("TLSv1.3", KeyKind.P521)
    assert port.failures == []


async def test_tls_1_2_asks_no_certificate_and_takes_none_amiss(folder: Path) -> None:
    async with Port(folder).listening() as port:
        assert await port.visit(car(folder, shows="vehicle", newest=OLD)) is not None


@pytest.mark.parametrize("oldest", [OLD, NEW])
async def test_tls_1_3_without_the_cars_certificate_fails(folder: Path, oldest: ssl.TLSVersion) -> None:
    """Also for a car that would speak 1.2, too: whoever offers 1.3 is held to ISO 15118-20."""
    async with Port(folder).listening() as port:
        assert await port.visit(car(folder, shows=None, oldest=oldest)) is None
        assert await port.failed() is HandshakeFault.NO_CERTIFICATE


@pytest.mark.parametrize(
    ("shows", "newest", "alert"),
    [
        (None, NEW, "CERTIFICATE_REQUIRED"),
        ("stranger", NEW, "UNKNOWN_CA"),
        ("vehicle", OLD, "PROTOCOL_VERSION"),
    ],
)
async def test_a_refused_car_reads_why_in_an_alert(
    folder: Path, tmp_path: Path, shows: str | None, newest: ssl.TLSVersion, alert: str
) -> None:
    """RFC 8446 6.2: whoever ends a handshake because of an error sends an alert. asyncio drops it."""
    context = car(folder, shows=None if shows == "stranger" else shows, newest=newest)
    if shows == "stranger":
        Pki(Curve.P521).write(tmp_path / "stranger")
        context.load_cert_chain(tmp_path / "stranger/vehicle_chain.pem", tmp_path / "stranger/vehicle.key")
    async with Port(folder, iso2=False).listening() as port:

        def visit() -> str:  # asyncio's own client hides the reason
            with socket.create_connection(("::1", port.number), GIVE_UP_S) as raw:
                try:
                    with context.wrap_socket(raw) as line:
                        return repr(line.recv(100))
                except OSError as error:
                    return getattr(error, "reason", None) or repr(error)

        assert alert in await asyncio.to_thread(visit)
        await port.failed()
        assert len(port.failures) == 1
        assert await port.visit(car(folder, shows="vehicle")) is not None


async def test_a_suite_that_iso_15118_2_does_not_name_fails(folder: Path) -> None:
    old = car(folder, shows=None, newest=OLD)
    old.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    async with Port(folder).listening() as port:
        assert await port.visit(old) is None
        assert await port.failed() is HandshakeFault.CIPHER_SUITE


@pytest.mark.parametrize("reason", ["no leaf on secp256r1", "iso15118-2 is not spoken"])
async def test_without_iso_15118_2_there_is_no_tls_1_2(folder: Path, reason: str) -> None:
    if reason.startswith("no leaf"):
        (folder / "secc_chain_p256.pem").unlink()
    async with Port(folder, iso2=reason.startswith("no leaf")).listening() as port:
        assert await port.visit(car(folder, shows=None, newest=OLD)) is None
        assert await port.failed() is HandshakeFault.VERSION
        assert await port.visit(car(folder, shows="vehicle")) is not None


async def test_a_leaf_that_comes_later_serves_the_next_car(folder: Path) -> None:
    kept = (folder / "secc_chain_p256.pem").read_bytes()
    (folder / "secc_chain_p256.pem").unlink()
    async with Port(folder).listening() as port:
        assert await port.visit(car(folder, shows=None, newest=OLD)) is None
        (folder / "secc_chain_p256.pem").write_bytes(kept)
        assert await port.visit(car(folder, shows=None, newest=OLD)) is not None


# -- the car names its roots ------------------------------------------------------------------------------------------


def hello_naming(root: CertificateFacts, by: NamedBy) -> bytes:
    """OpenSSL's own hello of TLS 1.2 with trusted_ca_keys behind its extensions."""
    hello = bytearray(hello_of_openssl(OLD))
    name = next(n.name for n in names_of(root) if n.by is by)
    entry = bytes((by,)) + (len(name).to_bytes(2, "big") if by is NamedBy.DISTINGUISHED_NAME else b"") + name
    added = b"\x00\x03" + (len(entry) + 2).to_bytes(2, "big") + len(entry).to_bytes(2, "big") + entry
    at = 9 + 2 + 32
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 1 + hello[at]
    for start, size in ((3, 2), (6, 3), (at, 2)):  # lengths of record, message and extensions
        length = int.from_bytes(hello[start : start + size], "big") + len(added)
        hello[start : start + size] = length.to_bytes(size, "big")
    return bytes(hello) + added


def shown_to(port: int, hello: bytes) -> CertificateFacts:
    """The leaf in the station's Certificate message, which TLS 1.2 sends in clear."""
    with socket.create_connection(("::1", port), GIVE_UP_S) as raw:
        raw.sendall(hello)
        records, message = raw.makefile("rb"), b""
        while True:
            head = records.read(5)
            assert head[0] == 22, head
            message += records.read(int.from_bytes(head[3:5], "big"))
            while len(message) >= 4 and len(message) >= 4 + (length := int.from_bytes(message[1:4], "big")):
                kind, body, message = message[0], message[4 : 4 + length], message[4 + length :]
                if kind == 11:
                    return read_certificate(body[6 : 6 + int.from_bytes(body[3:6], "big")])


@pytest.mark.parametrize("by", [NamedBy.CERTIFICATE_SHA1, NamedBy.DISTINGUISHED_NAME, NamedBy.KEY_SHA1])
async def test_a_car_gets_the_chain_to_a_root_that_it_names(folder: Path, tmp_path: Path, by: NamedBy) -> None:
    other = Pki(Curve.P256, datetime.now(UTC) - timedelta(hours=1))
    (folder / "secc_chain_other.pem").write_bytes(other.chain_pem("secc"))
    other.write(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "secc.key", folder / "secc_other.key")
    shutil.copy(tmp_path / "other" / "v2g_root.pem", folder / "v2g_roots" / "other.pem")
    first = read_pem((folder / "v2g_roots" / "v2g_root_p256.pem").read_bytes())[0]
    second = read_pem((folder / "v2g_roots" / "other.pem").read_bytes())[0]
    unknown = read_pem((folder / "v2g_roots" / "v2g_root.pem").read_bytes())[0]
    leaves = [read_pem((folder / f"secc_chain_{name}.pem").read_bytes())[0] for name in ("p256", "other")]
    if by is NamedBy.DISTINGUISHED_NAME:  # both trees have the same names: the first chain fits
        second, leaves[1] = first, leaves[1]
    async with Port(folder).listening() as port:
        found = {
            name: await asyncio.to_thread(shown_to, port.number, hello_naming(root, by))
            for name, root in (("first", first), ("second", second), ("unknown", unknown))
        }
        unnamed = await asyncio.to_thread(shown_to, port.number, hello_of_openssl(OLD))
    wanted = [leaf.der for leaf in leaves]
    assert found["first"].der in wanted
    if by is not NamedBy.DISTINGUISHED_NAME:
        assert {found["first"].der, found["second"].der} == set(wanted)
    assert found["unknown"].der in wanted
    assert unnamed.der == found["unknown"].der
