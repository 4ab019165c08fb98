"""The station's keys for cars over real TLS on ::1: both curves, changed files, cars that must be refused, session keys."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import ssl
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from certs.flaws import Flaw, flawed_tree
from certs.pki import Curve, Pki
from chargepoint.app.log import BoundedHandler
from chargepoint.security.certificates import KeyKind, read_certificate
from chargepoint.security.handshake import HandshakeFailure, HandshakeFault
from chargepoint.security.station_leaves import TrustError
from chargepoint.security.tls import evcc_context, peer_chain, secc_context
from chargepoint.security.tls_credentials import TlsCredentials

GIVE_UP_S = 20.0


class Station:
    """A server on ::1 that answers each line with the same line."""

    def __init__(self, credentials: TlsCredentials) -> None:
        self.credentials = credentials
        self.chains: list[tuple[bytes, ...]] = []
        self.port = 0

    async def serve(self, stack: contextlib.AsyncExitStack) -> None:
        server = await asyncio.start_server(self._echo, "::1", 0, ssl=self.credentials.live_context())
        self.port = server.sockets[0].getsockname()[1]
        await stack.enter_async_context(server)

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.chains.append(peer_chain(writer.get_extra_info("ssl_object")))
        with contextlib.suppress(OSError, ssl.SSLError):
            while line := await reader.readline():
                writer.write(line)
                await writer.drain()
        writer.close()


class Wire:
    """A car's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.session: ssl.SSLObject = writer.get_extra_info("ssl_object")
        leaf = self.session.getpeercert(binary_form=True)
        assert leaf is not None
        self.leaf = read_certificate(leaf)

    async def echo(self) -> bool:
        self.writer.write(b"hello\n")
        with contextlib.suppress(OSError, ssl.SSLError):
            return await asyncio.wait_for(self.reader.readline(), GIVE_UP_S) == b"hello\n"
        return False


class Bench:
    """Folders, a station, its log and the failures that it reported."""

    def __init__(self, folder: Path, stack: contextlib.AsyncExitStack) -> None:
        self.folder = folder
        self.stack = stack
        self.failures: list[HandshakeFailure] = []
        self.lines: list[str] = []
        self.log = logging.Logger("keys")
        handler = logging.Handler()
        handler.emit = lambda record: self.lines.append(record.getMessage())  # type: ignore[method-assign]
        self.log.addHandler(handler)

    async def station(self, *, allow_p256: bool = False, key_log_file: Path | None = None) -> Station:
        credentials = TlsCredentials(
            self.folder,
            self.log,
            allow_p256=allow_p256,
            key_log_file=key_log_file,
            on_failure=self.failures.append,
        )
        station = Station(credentials)
        await station.serve(self.stack)
        return station

    async def connect(self, station: Station, car: ssl.SSLContext | None = None) -> Wire:
        reader, writer = await asyncio.open_connection("::1", station.port, ssl=car or self.car())
        self.stack.callback(writer.close)
        return Wire(reader, writer)

    def car(self, name: str = "vehicle", folder: Path | None = None) -> ssl.SSLContext:
        context = evcc_context(folder or self.folder, name)
        for root in (self.folder / "v2g_roots").glob("*.pem"):
            context.load_verify_locations(root)
        return context

    async def refused(self, station: Station, car: ssl.SSLContext) -> HandshakeFailure:
        """The failure that the station reports for this car, after its log."""
        before = len(self.failures)
        with contextlib.suppress(OSError, ssl.SSLError):
            assert not await (await self.connect(station, car)).echo()
        async with asyncio.timeout(GIVE_UP_S):
            while len(self.failures) == before:
                await asyncio.sleep(0.01)
        assert self.lines[-1] == f"! {self.failures[-1].sentence}"
        assert len(station.chains) == 0
        return self.failures[-1]


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "pki"
    Pki(Curve.P521).write(folder)
    Pki(Curve.ED448).write_second(folder)
    return folder


@pytest.fixture
async def bench(tmp_path: Path, made_once: Path) -> AsyncIterator[Bench]:
    folder = tmp_path / "pki"
    shutil.copytree(made_once, folder)
    async with contextlib.AsyncExitStack() as stack:
        yield Bench(folder, stack)


def vehicle_of(bench: Bench, pki: Pki, name: str) -> Path:
    """A car's folder, whose OEM root the station trusts."""
    folder = bench.folder.parent / name
    pki.write(folder)
    shutil.copy(folder / "oem_root.pem", bench.folder / "oem_roots" / f"{name}.pem")
    return folder


# -- both curves ------------------------------------------------------------------------------------------------------

OUTSIDE_CAR = """
import socket, ssl, sys
port, roots, chain, key = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
for root in roots.split(","):
    context.load_verify_locations(root)
context.load_cert_chain(chain, key)
with socket.create_connection(("::1", port)) as raw, context.wrap_socket(raw) as wire:
    wire.sendall(b"hello\\n")
    sys.stdout.write(wire.getpeercert(True).hex() + " " + wire.recv(10).decode().strip())
"""


async def outside_car(bench: Bench, station: Station, name: str, settings: str) -> str:
    """A car in a process of its own, because OpenSSL takes these settings from a file when the process starts."""
    conf = bench.folder.parent / "openssl.cnf"
    conf.write_text(
        "openssl_conf = start\n[start]\nssl_conf = tls\n[tls]\nsystem_default = settings\n[settings]\n"
        + settings
        + "\n"
    )
    leaf, _, curve = name.partition("_")
    suffix = f"_{curve}" if curve else ""
    files = (bench.folder / f"{leaf}_chain{suffix}.pem", bench.folder / f"{name}.key")
    roots = ",".join(str(root) for root in (bench.folder / "v2g_roots").glob("*.pem"))
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", OUTSIDE_CAR, str(station.port), roots, *map(str, files)],
        env={**os.environ, "OPENSSL_CONF": str(conf)},
        capture_output=True,
        text=True,
        timeout=GIVE_UP_S,
    )
    return done.stdout or done.stderr


@pytest.mark.parametrize(
    ("algorithms", "car", "kind"),
    [
        ("ed448", "vehicle_ed448", KeyKind.ED448),
        ("ecdsa_secp521r1_sha512", "vehicle", KeyKind.P521),
        ("ed448:ecdsa_secp521r1_sha512", "vehicle_ed448", KeyKind.P521),
    ],
)
async def test_the_cars_signature_algorithms_choose_the_leaf(
    bench: Bench, algorithms: str, car: str, kind: KeyKind
) -> None:
    station = await bench.station()
    answer = await outside_car(bench, station, car, f"SignatureAlgorithms = {algorithms}")
    leaf, _, echoed = answer.partition(" ")
    assert echoed == "hello", answer
    assert read_certificate(bytes.fromhex(leaf)).key_kind is kind
    assert bench.failures == []


async def test_a_car_that_knows_neither_curve_is_refused_by_name(bench: Bench) -> None:
    station = await bench.station()
    await outside_car(bench, station, "vehicle", "SignatureAlgorithms = ecdsa_secp256r1_sha256")
    assert [failure.fault for failure in bench.failures] == [HandshakeFault.SIGNATURE_ALGORITHM]


async def test_aes_128_is_refused_but_on_a_bench(bench: Bench) -> None:
    settings = "Ciphersuites = TLS_AES_128_GCM_SHA256"
    station = await bench.station()
    answer = await outside_car(bench, station, "vehicle", settings)
    assert not answer.endswith("hello")
    (failure,) = bench.failures
    assert (failure.fault, failure.security_event) == (HandshakeFault.CIPHER_SUITE, "InvalidTLSCipherSuite")
    lenient = await bench.station(allow_p256=True)
    assert (await outside_car(bench, lenient, "vehicle", settings)).endswith("hello")


async def test_the_whole_chain_of_the_car_is_seen_and_no_ticket_is_given(bench: Bench) -> None:
    station = await bench.station()
    wire = await bench.connect(station)
    assert await wire.echo()
    names = [read_certificate(der).common_name for der in station.chains[0]]
    assert names == ["WMIDEV000000001", "OEMSubCA2-DEV", "OEMSubCA1-DEV", "OEMRootCA-DEV"]
    session = wire.session.session
    assert session is None or not session.has_ticket


# -- which cars -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("curve", [Curve.P521, Curve.ED448])
async def test_a_car_with_the_critical_extensions_of_annex_b_is_served(bench: Bench, curve: Curve) -> None:
    folder = vehicle_of(bench, Pki(curve, annex_b=True), "annex-b")
    station = await bench.station()
    assert await (await bench.connect(station, bench.car(folder=folder))).echo()


@pytest.mark.parametrize(
    ("flaw", "fault", "words"),
    [
        (Flaw.EXPIRED, HandshakeFault.CERTIFICATE, "certificate has expired"),
        (Flaw.NOT_YET_VALID, HandshakeFault.CERTIFICATE, "certificate is not yet valid"),
        (Flaw.FORGED, HandshakeFault.CERTIFICATE, "certificate signature failure"),
        (Flaw.CRITICAL_EXTENSION, HandshakeFault.VEHICLE, "critical extension 1.3.6.1.4.1.99999.1 is not understood"),
        (Flaw.WRONG_PURPOSE, HandshakeFault.VEHICLE, "the purpose «TLS client» is missing"),
        (Flaw.WRONG_KEY, HandshakeFault.VEHICLE, "key on secp384r1; secp521r1 or Ed448 expected"),
        (Flaw.PATH_LENGTH, HandshakeFault.CERTIFICATE, "path length constraint exceeded"),
    ],
)
async def test_each_bad_chain_is_refused_by_name(bench: Bench, flaw: Flaw, fault: HandshakeFault, words: str) -> None:
    folder = vehicle_of(bench, Pki(Curve.P521, tree=flawed_tree("vehicle", flaw)), flaw.value)
    station = await bench.station()
    failure = await bench.refused(station, bench.car(folder=folder))
    assert (failure.fault, failure.security_event) == (fault, "InvalidVehicleCertificate")
    assert words in failure.sentence


@pytest.mark.parametrize("leaf", ["provisioning", "contract"])
async def test_provisioning_and_contract_open_no_connection(bench: Bench, leaf: str) -> None:
    shutil.copy(bench.folder / "mo_root.pem", bench.folder / "oem_roots")
    station = await bench.station()
    failure = await bench.refused(station, bench.car(leaf))
    assert failure.fault is HandshakeFault.VEHICLE
    assert "provisioning and contract certificates open no TLS connection" in failure.sentence


async def test_p256_is_a_matter_of_the_bench(bench: Bench) -> None:
    folder = vehicle_of(bench, Pki(Curve.P256), "p256")
    strict = await bench.station()
    assert (await bench.refused(strict, bench.car(folder=folder))).fault is HandshakeFault.VEHICLE
    lenient = await bench.station(allow_p256=True)
    assert await (await bench.connect(lenient, bench.car(folder=folder))).echo()


async def test_a_flood_of_failed_handshakes_is_one_line_a_second(bench: Bench) -> None:
    folder = vehicle_of(bench, Pki(Curve.P521, tree=flawed_tree("vehicle", Flaw.WRONG_PURPOSE)), "flood")
    written: list[str] = []
    target = logging.Handler()
    target.emit = lambda record: written.append(record.getMessage())  # type: ignore[method-assign]
    now_s = 0.0
    bounded = BoundedHandler(target, lambda: now_s)
    bench.log.addHandler(bounded)
    station = await bench.station()
    for _ in range(20):
        await bench.refused(station, bench.car(folder=folder))
    assert len(bench.failures) == 20
    assert len(written) == 1
    now_s = 1.5
    await bench.refused(station, bench.car(folder=folder))
    assert len(written) == 2
    assert written[1].endswith("(19 more in the last second)")


# -- changed files ----------------------------------------------------------------------------------------------------


async def test_changed_files_serve_the_next_connection_and_the_open_one_goes_on(bench: Bench) -> None:
    station = await bench.station()
    first = await bench.connect(station)
    assert await first.echo()
    old_car = bench.car()
    Pki(Curve.P521).write(bench.folder)
    Pki(Curve.ED448).write_second(bench.folder)
    second = await bench.connect(station)
    assert await second.echo()
    assert await first.echo()
    assert second.leaf != first.leaf
    assert second.leaf.der == read_pem(bench.folder / "secc.pem")
    assert bench.lines == [f"* keys for cars in {bench.folder} read anew"]
    with pytest.raises(ssl.SSLError):
        await bench.connect(station, old_car)  # which does not know the new root


async def test_a_new_root_is_trusted_without_a_restart(bench: Bench) -> None:
    folder = vehicle_of(bench, Pki(Curve.P521), "late")
    late = bench.folder / "oem_roots" / "late.pem"
    hidden = late.rename(bench.folder.parent / "hidden.pem")
    station = await bench.station()
    assert (await bench.refused(station, bench.car(folder=folder))).fault is HandshakeFault.ROOT_UNKNOWN
    hidden.rename(late)
    assert await (await bench.connect(station, bench.car(folder=folder))).echo()


async def test_a_bad_new_set_keeps_the_old_one_and_is_logged_once(bench: Bench) -> None:
    station = await bench.station()
    leaf = (await bench.connect(station)).leaf
    good_key = (bench.folder / "secc.key").read_bytes()
    shutil.copy(bench.folder / "cps.key", bench.folder / "secc.key")  # no key of this chain
    for _ in range(3):
        wire = await bench.connect(station)
        assert await wire.echo()
        assert wire.leaf == leaf
    (line,) = bench.lines
    assert line.startswith(f"! new keys for cars in {bench.folder} are not used, the old ones stay: ")
    assert "secc.key" in line
    (bench.folder / "secc.key").write_bytes(good_key)
    assert station.credentials.reload_if_changed()
    assert not station.credentials.reload_if_changed()
    assert await (await bench.connect(station)).echo()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "secc_chain.pem").unlink(), "secc_chain.pem"),
        (lambda folder: (folder / "secc_chain.pem").write_text("junk"), "secc_chain.pem"),
        (lambda folder: (folder / "secc.key").chmod(0o644), "readable by others; chmod 600 it"),
        (lambda folder: (folder / "oem_roots" / "x.pem").write_text("junk"), "x.pem"),
        (lambda folder: shutil.copy(folder / "secc_chain.pem", folder / "secc_chain_ed448.pem"), "secc_ed448.key"),
        (
            lambda folder: [
                shutil.copy(folder / f"secc{kind}", folder / name)
                for kind, name in (("_chain.pem", "secc_chain_two.pem"), (".key", "secc_two.key"))
            ],
            "two leaves of one kind",
        ),
    ],
    ids=["missing", "junk", "open-key", "bad-root", "foreign-key", "twice"],
)
async def test_each_bad_set_is_refused_at_the_start_and_survived_later(
    bench: Bench, spoil: Callable[[Path], object], words: str
) -> None:
    station = await bench.station()
    spoil(bench.folder)
    assert not station.credentials.reload_if_changed()
    assert words in bench.lines[-1]
    with pytest.raises(TrustError, match=words):
        TlsCredentials(bench.folder, bench.log)


def read_pem(file: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(file.read_text())


# -- session keys -----------------------------------------------------------------------------------------------------


async def test_session_keys_are_written_only_where_the_bench_asks(bench: Bench) -> None:
    plain = await bench.station()
    await (await bench.connect(plain)).echo()
    file = bench.folder.parent / "session.keys"
    assert not file.exists()
    station = await bench.station(key_log_file=file)
    await (await bench.connect(station)).echo()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().count("SERVER_TRAFFIC_SECRET_0 ") == 1


async def test_a_key_log_that_others_can_read_is_refused(bench: Bench) -> None:
    file = bench.folder.parent / "session.keys"
    file.write_text("")
    file.chmod(0o644)
    with pytest.raises(TrustError, match="readable by others"):
        await bench.station(key_log_file=file)
    with pytest.raises(TrustError, match="tls_key_log_file needs a file that can be written"):
        await bench.station(key_log_file=bench.folder.parent / "nowhere" / "session.keys")


def test_without_the_judge_openssl_itself_refuses_unknown_critical_extensions(made_once: Path) -> None:
    """`secc_context` alone leaves OpenSSL strict: only a caller that judges chains may relax it."""
    assert not secc_context(made_once).verify_flags & 0x10
