"""Security profiles over real sockets, credentials that never reach a log, and the bench alone on the command line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
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


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    Pki(Curve.P256).write(tmp_path)
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o600)
    return tmp_path


def server_context(pki: Path, ask_client: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "csms_chain.pem", pki / "csms.key")
    if ask_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki / "csms_root.pem")
    return context


@contextlib.asynccontextmanager
async def running(section: CsmsSection, directory: Path):  # type: ignore[no-untyped-def]
    store = Store.open(directory / "s.db")
    client = OcppClient(
        section, StationSection(), store, NoStation(), SystemClock(), logging.getLogger("test.security")
    )
    task = asyncio.create_task(client.run())
    try:
        yield client
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        store.close()


@pytest.mark.parametrize("profile", [2, 3])
async def test_tls_profiles(pki: Path, profile: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    passwords = {"CP1": PASSWORD} if profile == 2 else None
    async with Csms(ssl_context=server_context(pki, profile == 3), passwords=passwords) as csms:
        section = CsmsSection(
            url=csms.url,
            security_profile=profile,
            ca_file=pki / "csms_root.pem",
            password_file=pki / "password",
            certificate_file=pki / "station_chain.pem",
            key_file=pki / "station.key",
            reconnect_min_s=0.05,
        )
        async with running(section, pki):
            await csms.station("CP1")
    authorization = credentials.headers(section.model_copy(update={"security_profile": 2}))["Authorization"]
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("test.security"))
    assert "connected to" in ours
    assert PASSWORD not in ours
    assert authorization.split()[1] not in ours


async def test_a_server_of_another_authority_is_not_trusted(
    pki: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Pki(Curve.P256).write(tmp_path / "other")
    async with Csms(ssl_context=server_context(pki, False)) as csms:
        section = CsmsSection(
            url=csms.url,
            security_profile=2,
            ca_file=tmp_path / "other" / "csms_root.pem",
            password_file=pki / "password",
            reconnect_min_s=0.05,
        )
        async with running(section, pki) as client, asyncio.timeout(10):
            while caplog.text.count("again in") < 2:
                await asyncio.sleep(0.01)
            assert client.snapshot()["connected"] is False
        assert csms.log("CP1").connections == 0


async def test_another_sub_protocol_is_not_accepted(tmp_path: Path) -> None:
    seen: list[object] = []

    async def refuse(socket) -> None:  # type: ignore[no-untyped-def]
        seen.append(socket)
        seen.extend([frame async for frame in socket])

    async with serve(refuse, "127.0.0.1", 0) as server:  # speaks no sub-protocol at all
        port = server.sockets[0].getsockname()[1]
        section = CsmsSection(url=f"ws://127.0.0.1:{port}", reconnect_min_s=0.05)
        async with running(section, tmp_path), asyncio.timeout(5):
            while len(seen) < 2:
                await asyncio.sleep(0.01)
        assert not [item for item in seen if isinstance(item, str)]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=r"password_file: .*No such file"):
        credentials.check(CsmsSection(url="ws://x", password_file=tmp_path / "p"))
    secure = CsmsSection(url="wss://x", security_profile=3, certificate_file=tmp_path / "c", key_file=tmp_path / "k")
    with pytest.raises(CredentialsError, match=r"certificate_file or key_file: .*No such file"):
        credentials.check(secure)


def test_a_short_password_is_said_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("secret")
    (tmp_path / "p").chmod(0o600)
    with pytest.raises(CredentialsError, match="6 characters") as error:
        credentials.check(CsmsSection(url="ws://x", password_file=tmp_path / "p"))
    assert "secret" not in str(error.value).replace(str(tmp_path), "")
    assert credentials.endpoint(CsmsSection(url="ws://x/ocpp/", identity="A|1")) == "ws://x/ocpp/A%7C1"


async def test_the_bench_alone(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hil.simulators.csms", "--port", "0",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        async with asyncio.timeout(20):
            first = json.loads(await process.stdout.readline())
            async with running(CsmsSection(url=first["listening"], reconnect_min_s=0.05), tmp_path):
                heard = json.loads(await process.stdout.readline())
                assert heard["heard"] == "BootNotification"
                process.stdin.write(b'{"identity": "CP1", "action": "ClearCache"}\nnonsense\n')
                answers: list[dict[str, Any]] = []
                while len(answers) < 2:
                    line = json.loads(await process.stdout.readline())
                    answers.extend([line] if "heard" not in line else [])
                assert answers[0] == {"answer": {"status": "Accepted"}}
                assert "error" in answers[1]
    finally:
        process.kill()
        await process.wait()
