"""The suite's firmware server with the station's own file client, its signatures, and the installing program of the bench."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chargepoint.ocpp.file_client import FileClient
from chargepoint.ocpp.file_transfer import TransferError, location
from chargepoint.security.firmware_signing import FirmwareSignature, wrong_signer
from hil.certification import installer
from hil.certification.firmware import own_image
from hil.certification.firmware_server import FirmwareServer
from hil.certification.keys import Keys

MAX_BYTES = 1 << 30


def no_tls() -> ssl.SSLContext:
    raise AssertionError("this server speaks no TLS")


@pytest.fixture
async def server() -> AsyncIterator[FirmwareServer]:
    served = FirmwareServer()
    await served.start()
    yield served
    await served.stop()


async def download(server: FirmwareServer, path: str, file: Path) -> bytes:
    def take() -> bytes:
        FileClient(no_tls, threading.Event()).download(location(server.url(path)), file, MAX_BYTES)
        return file.read_bytes()

    return await asyncio.to_thread(take)


async def test_a_file_is_served_whole_in_part_and_with_a_pause(server: FirmwareServer, tmp_path: Path) -> None:
    image = own_image(usable=True)
    server.files["/fw.bin"] = image
    assert await download(server, "/fw.bin", tmp_path / "whole") == image
    (tmp_path / "part").write_bytes(image[:1000])
    assert await download(server, "/fw.bin", tmp_path / "part") == image
    server.pause_s = 0.05
    assert await download(server, "/fw.bin", tmp_path / "paused") == image
    assert server.pause_s == 0.0


async def test_what_is_not_there_is_refused(server: FirmwareServer, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="answers 404"):
        await download(server, "/missing", tmp_path / "fw")
    client = FileClient(no_tls, threading.Event())
    with pytest.raises(TransferError, match="answers 405"):
        await asyncio.to_thread(client.upload, location(server.url("/fw.bin")), "a.log", b"log")


@pytest.mark.parametrize(("usable", "code"), [(True, 0), (False, installer.EXIT_NO_FIRMWARE)])
def test_the_installing_program_takes_the_suites_image_only(tmp_path: Path, usable: bool, code: int) -> None:
    file = tmp_path / "fw.bin"
    file.write_bytes(own_image(usable=usable))
    done = subprocess.run([sys.executable, installer.__file__, str(file)], cwd=tmp_path, timeout=60)
    assert done.returncode == code


def test_only_the_valid_signer_is_one_and_its_signature_is_of_the_image(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys", "SERIAL")
    root, at_s = keys.pem("manufacturer_root"), time.time()
    found = {
        kind: wrong_signer(keys.firmware_signer(kind).pem, root, at_s) for kind in ("valid", "expired", "stranger")
    }
    assert found["valid"] == ""
    assert "valid only from" in found["expired"]
    assert "no valid root" in found["stranger"]
    signer, image = keys.firmware_signer("valid"), own_image(usable=True)
    for content, good in ((image, True), (image[::-1], False)):
        signature = FirmwareSignature(signer.pem, signer.sign(image))
        signature.update(content)
        assert signature.is_valid() is good
