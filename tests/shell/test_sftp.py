"""SFTP against asyncssh's own server on loopback: host keys, passwords, keys, folders, a download that goes on, refusals, silence."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from chargepoint.ocpp.file_client import FileClient
from chargepoint.ocpp.file_transfer import TransferError, location
from chargepoint.ocpp.sftp_session import SftpIdentity

CONTENT = bytes(range(256)) * 1000
PASSWORD = "open sesame"
MAX_BYTES = 10 * 1024**3
SILENCE_S = 5.0


class PasswordServer(asyncssh.SSHServer):
    """Lets the user `station` in, by password or by one of its keys."""

    def __init__(self, key: asyncssh.SSHKey) -> None:
        self._key = key

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("station", PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "station" and key.public_data == self._key.public_data


class SftpBench:
    """A server in a thread of its own. Its files are in `root`."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "server"
        (self.root / "in").mkdir(parents=True)
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        station_key = asyncssh.generate_private_key("ssh-ed25519")
        self.key_file = folder / "station.key"
        station_key.write_private_key(str(self.key_file))
        self._station_key = station_key
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        self.known_hosts = folder / "known_hosts"
        public = self._host_key.export_public_key().decode("ascii")
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}")

    def _run(self, ready: threading.Event) -> None:
        async def listen() -> asyncssh.SSHAcceptor:
            return await asyncssh.listen(
                "127.0.0.1",
                0,
                server_host_keys=[self._host_key],
                server_factory=lambda: PasswordServer(self._station_key),
                sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(self.root).encode()),
            )

        asyncio.set_event_loop(self._loop)
        acceptor = self._loop.run_until_complete(listen())
        self.port = acceptor.get_port()
        ready.set()
        self._loop.run_forever()
        acceptor.close()
        self._loop.run_until_complete(acceptor.wait_closed())
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def url(self, path: str, login: str = "station:open%20sesame") -> str:
        return f"sftp://{login}@127.0.0.1:{self.port}{path}"

    def client(self, *, with_key: bool = False, known_hosts: Path | None = None) -> FileClient:
        identity = SftpIdentity(known_hosts or self.known_hosts, self.key_file if with_key else None)
        return FileClient(no_tls, threading.Event(), SILENCE_S, identity)


def no_tls() -> ssl.SSLContext:
    raise AssertionError("SFTP needs no TLS")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpBench]:
    server = SftpBench(tmp_path_factory.mktemp("sftp"))
    yield server
    server.stop()


@pytest.mark.parametrize("with_key", [False, True])
def test_a_log_goes_into_a_folder_and_to_a_name(bench: SftpBench, with_key: bool) -> None:
    login = "station" if with_key else "station:open%20sesame"
    client = bench.client(with_key=with_key)
    client.upload(location(bench.url("/in", login)), "a.log", CONTENT)
    client.upload(location(bench.url("/in/b.log", login)), "ignored", b"other")
    assert (bench.root / "in" / "a.log").read_bytes() == CONTENT
    assert (bench.root / "in" / "b.log").read_bytes() == b"other"


def test_a_download_goes_on_where_the_last_one_ended(bench: SftpBench, tmp_path: Path) -> None:
    (bench.root / "fw.bin").write_bytes(CONTENT)
    file = tmp_path / "fw"
    file.write_bytes(CONTENT[:100_000])
    bench.client().download(location(bench.url("/fw.bin")), file, MAX_BYTES)
    assert file.read_bytes() == CONTENT


def test_what_is_longer_than_the_file_is_not_its_beginning(bench: SftpBench, tmp_path: Path) -> None:
    (bench.root / "short.bin").write_bytes(b"short")
    file = tmp_path / "fw"
    file.write_bytes(CONTENT)
    bench.client().download(location(bench.url("/short.bin")), file, MAX_BYTES)
    assert file.read_bytes() == b"short"


def refused(client: FileClient, url: str, file: Path, max_bytes: int = MAX_BYTES) -> TransferError:
    with pytest.raises(TransferError) as caught:
        client.download(location(url), file, max_bytes)
    assert PASSWORD not in caught.value.text
    return caught.value


def test_a_server_whose_host_key_is_not_known_is_not_talked_to(bench: SftpBench, tmp_path: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode("ascii")
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{bench.port} {other}")
    error = refused(bench.client(known_hosts=known_hosts), bench.url("/fw.bin"), tmp_path / "fw")
    assert (error.code, error.again) == ("PermissionDenied", False)
    assert "its host key is not in" in error.text


def test_an_empty_file_of_host_keys_trusts_nobody(bench: SftpBench, tmp_path: Path) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.touch()
    error = refused(bench.client(known_hosts=known_hosts), bench.url("/fw.bin"), tmp_path / "fw")
    assert error.code == "PermissionDenied"


def test_without_a_file_of_host_keys_there_is_no_sftp(bench: SftpBench, tmp_path: Path) -> None:
    client = FileClient(no_tls, threading.Event(), SILENCE_S)
    error = refused(client, bench.url("/fw.bin"), tmp_path / "fw")
    assert error.code == "NotSupportedOperation"
    assert "sftp_known_hosts_file" in error.text


@pytest.mark.parametrize(
    ("path", "login", "code", "words"),
    [
        ("/fw.bin", "station:wrong", "PermissionDenied", ""),
        ("/fw.bin", "stranger:open%20sesame", "PermissionDenied", ""),
        ("/missing.bin", "station:open%20sesame", "BadMessage", "No such file"),
    ],
)
def test_refusals(bench: SftpBench, tmp_path: Path, path: str, login: str, code: str, words: str) -> None:
    (bench.root / "fw.bin").write_bytes(CONTENT)
    error = refused(bench.client(), bench.url(path, login), tmp_path / "fw")
    assert (error.code, error.again) == (code, False)
    assert words in error.text


def test_a_location_without_a_user_is_refused(bench: SftpBench, tmp_path: Path) -> None:
    error = refused(bench.client(), f"sftp://127.0.0.1:{bench.port}/fw.bin", tmp_path / "fw")
    assert "names no user" in error.text


def test_a_file_that_is_too_large_is_not_begun(bench: SftpBench, tmp_path: Path) -> None:
    (bench.root / "fw.bin").write_bytes(CONTENT)
    assert refused(bench.client(), bench.url("/fw.bin"), tmp_path / "fw", 1000).code == "TooLarge"
    assert not (tmp_path / "fw").exists()


def test_a_cancelled_download_ends(bench: SftpBench, tmp_path: Path) -> None:
    (bench.root / "fw.bin").write_bytes(CONTENT)
    cancelled = threading.Event()
    cancelled.set()
    client = FileClient(no_tls, cancelled, SILENCE_S, SftpIdentity(bench.known_hosts))
    assert refused(client, bench.url("/fw.bin"), tmp_path / "fw").code == "Cancelled"


def test_a_server_that_is_silent_or_gone_may_be_tried_again(bench: SftpBench, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        client = FileClient(no_tls, threading.Event(), 0.3, SftpIdentity(bench.known_hosts))
        error = refused(client, f"sftp://station:x@127.0.0.1:{port}/fw", tmp_path / "fw")
    assert (error.code, error.again) == ("UploadFailure", True)
    error = refused(client, f"sftp://station:x@127.0.0.1:{port}/fw", tmp_path / "fw")
    assert (error.code, error.again) == ("UploadFailure", True)
