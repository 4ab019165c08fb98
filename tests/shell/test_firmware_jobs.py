"""Jobs with firmware: a real download, a real signature, a real installing program."""

from __future__ import annotations

import base64
import logging
import ssl
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from chargepoint.ocpp.blocks.jobs import (
    DownloadFirmware,
    InstallFirmware,
    JobEvent,
    JobProgress,
    RemoveFirmware,
    VerifyFirmware,
    WorkFailed,
)
from chargepoint.ocpp.file_jobs import FileJobs
from chargepoint.ocpp.firmware_jobs import FirmwareJobs
from chargepoint.store.database import Store

LOG = logging.getLogger("test")
CONTENT = bytes(range(256)) * 9000


def no_tls(roots: tuple[str, ...]) -> ssl.SSLContext:
    raise AssertionError("this server speaks no TLS")


@pytest.fixture
def port() -> Iterator[int]:
    """A server that breaks off the first download in the middle."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            start = 0 if asked is None else int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(200 if asked is None else 206)
            self.send_header("Content-Length", str(len(CONTENT) - start))
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
            self.end_headers()
            self.wfile.write(CONTENT[start:] if seen else CONTENT[: len(CONTENT) // 2])
            seen.append(self.path)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class Bench:
    """Firmware jobs in a folder, and what they reported."""

    def __init__(self, folder: Path, *command: str, install_max_s: float = 10.0) -> None:
        self.folder = folder
        files = FileJobs(cast("Store", None), folder, no_tls, LOG, 1.0)
        self.jobs = FirmwareJobs(command, files, install_max_s)
        self.events: list[JobEvent] = []
        self.file = folder / "fw.bin"

    def left(self) -> list[Path]:
        return list(self.folder.iterdir())

    async def do(self, job: DownloadFirmware | VerifyFirmware | InstallFirmware | RemoveFirmware) -> str:
        async def report(event: JobEvent) -> None:
            self.events.append(event)

        return await self.jobs.do("fw", job, report)

    async def code(self, job: DownloadFirmware | VerifyFirmware | InstallFirmware) -> str:
        with pytest.raises(WorkFailed) as caught:
            await self.do(job)
        return caught.value.code


async def test_a_broken_download_continues_and_is_complete(tmp_path: Path, port: int) -> None:
    bench = Bench(tmp_path)
    assert await bench.do(DownloadFirmware(f"http://127.0.0.1:{port}/fw", "fw.bin", 2, 0.01)) == "fw.bin"
    assert bench.file.read_bytes() == CONTENT
    assert bench.events == [JobProgress("fw", "Downloading")]
    await bench.do(RemoveFirmware("fw.bin"))
    assert bench.left() == []


async def test_a_download_that_never_completes_leaves_no_firmware(tmp_path: Path, port: int) -> None:
    bench = Bench(tmp_path)
    assert await bench.code(DownloadFirmware(f"http://127.0.0.1:{port}/fw", "fw.bin", 1, 0.01)) == "DownloadFailed"
    assert not bench.file.exists()


# -- signatures ----------------------------------------------------------------------------------------------------------

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def certificate(key: Key) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def sign(key: Key, data: bytes) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        return base64.b64encode(key.sign(data, pss, hashes.SHA256())).decode()
    return base64.b64encode(key.sign(data, ec.ECDSA(hashes.SHA256()))).decode()


@pytest.mark.parametrize("kind", ["rsa", "ec"])
async def test_only_the_signed_file_of_the_signer_is_valid(tmp_path: Path, kind: str) -> None:
    def make() -> Key:
        if kind == "rsa":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return ec.generate_private_key(ec.SECP256R1())

    key, bench = make(), Bench(tmp_path)
    good = VerifyFirmware("fw.bin", certificate(key), sign(key, CONTENT))
    assert await bench.code(good) == "InvalidSignature"  # no file
    bench.file.write_bytes(CONTENT)
    assert await bench.do(good) == "fw.bin"
    other = make()
    for bad in (
        VerifyFirmware("fw.bin", certificate(other), good.signature),
        VerifyFirmware("fw.bin", good.certificate, sign(other, CONTENT)),
        VerifyFirmware("fw.bin", good.certificate, "no base64!"),
        VerifyFirmware("fw.bin", "no certificate", good.signature),
    ):
        assert await bench.code(bad) == "InvalidSignature"
    bench.file.write_bytes(CONTENT[:-1] + b"x")
    assert await bench.code(good) == "InvalidSignature"


# -- the installing program ------------------------------------------------------------------------------------------------

PROGRAM = "import pathlib, sys; pathlib.Path(sys.argv[1] + '.seen').write_bytes(pathlib.Path(sys.argv[1]).read_bytes()); sys.exit({})"


@pytest.mark.parametrize(("code", "outcome"), [(0, ""), (1, "InstallationFailed"), (2, "InstallVerificationFailed")])
async def test_the_program_gets_the_file_and_its_exit_status_decides(tmp_path: Path, code: int, outcome: str) -> None:
    bench = Bench(tmp_path, sys.executable, "-c", PROGRAM.format(code))
    bench.file.write_bytes(b"new firmware")
    job = InstallFirmware("fw.bin")
    assert (await bench.code(job) if outcome else await bench.do(job)) == (outcome or "fw.bin")
    assert (tmp_path / "fw.bin.seen").read_bytes() == b"new firmware"


async def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    bench = Bench(tmp_path, sys.executable, "-c", "import time; time.sleep(60)", install_max_s=0.5)
    assert await bench.code(InstallFirmware("fw.bin")) == "InstallationFailed"


async def test_no_program_and_one_that_is_not_there(tmp_path: Path) -> None:
    assert await Bench(tmp_path).code(InstallFirmware("fw.bin")) == "InstallationFailed"
    assert await Bench(tmp_path, "/nowhere/install").code(InstallFirmware("fw.bin")) == "InstallationFailed"
