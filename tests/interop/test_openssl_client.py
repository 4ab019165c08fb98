"""OpenSSL's own client at the station's TLS port: versions, with and without a certificate (docs/sources/iso15118-2-din.md 4)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from certs.pki import Curve, Pki
from chargepoint.security.handshake import HandshakeFault
from tests.shell.test_tls_versions import Port

pytestmark = pytest.mark.interop

OWN = ("-cert", "vehicle.pem", "-key", "vehicle.key", "-cert_chain", "vehicle_chain.pem")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("keys") / "pki"
    Pki(Curve.P521).write(made)
    Pki(Curve.P256).write_second(made)
    return made


async def said(port: Port, *options: str) -> str:
    """All that `openssl s_client` says of the connection."""
    command = ("openssl", "s_client", "-connect", f"[::1]:{port.number}", *options)
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=port.folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(30.0):
        out, _ = await process.communicate()
    return out.decode(errors="replace")


@pytest.mark.parametrize(
    ("options", "version", "suite", "root"),
    [
        (("-tls1_2",), "TLSv1.2", "ECDHE-ECDSA-AES128-SHA256", "v2g_root_p256"),
        (("-tls1_2", *OWN), "TLSv1.2", "ECDHE-ECDSA-AES128-SHA256", "v2g_root_p256"),
        (("-tls1_3", *OWN), "TLSv1.3", "TLS_AES_256_GCM_SHA384", "v2g_root"),
        (OWN, "TLSv1.3", "TLS_AES_256_GCM_SHA384", "v2g_root"),
    ],
    ids=["1.2", "1.2 with certificate", "1.3 with certificate", "both with certificate"],
)
async def test_openssl_gets_the_chain_of_its_version(
    folder: Path, options: tuple[str, ...], version: str, suite: str, root: str
) -> None:
    async with Port(folder).listening() as port:
        heard = await said(port, "-CAfile", f"v2g_roots/{root}.pem", *options)
    assert f"{version}, Cipher is {suite}" in heard, heard
    assert "Verify return code: 0 (ok)" in heard or "Verification: OK" in heard, heard
    assert "hello" in heard, heard


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("-tls1_3",), HandshakeFault.NO_CERTIFICATE),
        ((), HandshakeFault.NO_CERTIFICATE),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"), HandshakeFault.CIPHER_SUITE),
        (("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"), HandshakeFault.VERSION),
    ],
    ids=["1.3 without certificate", "both without certificate", "a foreign suite", "1.1"],
)
async def test_openssl_is_refused_with_a_reason(folder: Path, options: tuple[str, ...], fault: HandshakeFault) -> None:
    async with Port(folder).listening() as port:
        heard = await said(port, *options)
        assert await port.failed() is fault
    assert "hello" not in heard
