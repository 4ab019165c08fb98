"""File transfers against real servers on loopback: those that do well, stall, cut short, redirect, lie about lengths or refuse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp.blocks.jobs import SECURITY_PREFIX, JobEvent, JobProgress, LogKind, UploadLog, WorkFailed
from chargepoint.ocpp.credentials import file_server_tls
from chargepoint.ocpp.file_client import FileClient
from chargepoint.ocpp.file_jobs import FileJobs
from chargepoint.ocpp.file_transfer import Pace, TransferError, location, redirected
from chargepoint.store.database import Store
from chargepoint.store.rows import Journal, JournalEntry

LOG = logging.getLogger("test")
SILENCE_S = 0.4
CONTENT = bytes(range(256)) * 1000
MAX_BYTES = 10 * 1024**3

Answer = Callable[[BaseHTTPRequestHandler], None]


class HttpServer:
    """Answers as `answer` says; keeps what came."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.seen.append((self.command, self.path, dict(self.headers), body))
                with contextlib.suppress(OSError):
                    answer(self)

            do_GET = do_PUT = do_POST = _any

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], HttpServer]]:
    servers: list[HttpServer] = []

    def make(answer: Answer) -> HttpServer:
        servers.append(HttpServer(answer))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def reply(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def no_tls() -> ssl.SSLContext:
    raise AssertionError("this server speaks no TLS")


def client(cancelled: threading.Event | None = None) -> FileClient:
    return FileClient(no_tls, cancelled or threading.Event(), SILENCE_S)


Serve = Callable[[Answer], HttpServer]


def failure(work: Callable[[], None]) -> TransferError:
    with pytest.raises(TransferError) as caught:
        work()
    return caught.value


# -- HTTP ----------------------------------------------------------------------------------------------------------------


def test_put_with_a_password_of_its_own(serve: Serve) -> None:
    server = serve(reply(201))
    client().upload(location(f"http://user:pa%40ss@127.0.0.1:{server.port}/in/?x=1"), "a.txt", CONTENT)
    ((method, path, headers, body),) = server.seen
    assert (method, path, body) == ("PUT", "/in/?x=1", CONTENT)
    assert headers["Authorization"] == "Basic dXNlcjpwYUBzcw=="
    assert headers["Content-Length"] == str(len(CONTENT))


def test_a_folder_gets_the_name_and_post_follows_a_refused_put(serve: Serve) -> None:
    answers = iter((reply(405), reply(200)))
    server = serve(lambda handler: next(answers)(handler))
    client().upload(location(f"http://127.0.0.1:{server.port}/in/"), "a.txt", b"log")
    assert [(method, path, body) for method, path, _, body in server.seen] == [
        ("PUT", "/in/a.txt", b"log"),
        ("POST", "/in/", b"log"),
    ]
    assert 'filename="a.txt"' in server.seen[1][2]["Content-Disposition"]  # N01.FR.19


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "PermissionDenied"),
        (403, "PermissionDenied"),
        (404, "BadMessage"),
        (400, "BadMessage"),
        (500, "UploadFailure"),
        (503, "UploadFailure"),
        (501, "NotSupportedOperation"),
    ],
)
def test_what_a_status_means(serve: Serve, status: int, code: str) -> None:
    """Another attempt is made after each of them: TC_N_26_CS counts four for `retries` 3 and a path that does not exist."""
    server = serve(reply(status))
    error = failure(lambda: client().upload(location(f"http://127.0.0.1:{server.port}/x"), "a", b"log"))
    assert (error.code, error.again) == (code, True)


@pytest.mark.parametrize(
    "target", ["http://localhost:{port}/y", "https://evil.example/", "ftp://127.0.0.1/x", "sftp://127.0.0.1/x"]
)
def test_a_redirect_to_elsewhere_is_not_followed(serve: Serve, tmp_path: Path, target: str) -> None:
    server = serve(lambda handler: reply(302, {"Location": target.format(port=server.port)})(handler))
    place = location(f"http://u:p@127.0.0.1:{server.port}/x")
    assert not failure(lambda: client().upload(place, "a", b"log")).again
    assert not failure(lambda: client().download(place, tmp_path / "f", MAX_BYTES)).again
    assert len(server.seen) == 2


def test_a_redirect_on_the_same_host_is_followed_but_not_for_ever(serve: Serve, tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        (reply(307, {"Location": "/two"}) if handler.path == "/one" else reply(200, body=CONTENT))(handler)

    server = serve(answer)
    client().download(location(f"http://127.0.0.1:{server.port}/one"), tmp_path / "f", MAX_BYTES)
    assert (tmp_path / "f").read_bytes() == CONTENT
    loop = serve(reply(302, {"Location": "/x"}))
    failure(lambda: client().download(location(f"http://127.0.0.1:{loop.port}/x"), tmp_path / "g", MAX_BYTES))
    assert len(loop.seen) == 4


def test_https_never_becomes_http() -> None:
    with pytest.raises(TransferError):
        redirected(location("https://h/x"), "http://h/x")


def test_a_silent_server_is_left(serve: Serve, tmp_path: Path) -> None:
    server = serve(lambda handler: time.sleep(5 * SILENCE_S))
    began_s = time.monotonic()
    error = failure(lambda: client().download(location(f"http://127.0.0.1:{server.port}/x"), tmp_path / "f", MAX_BYTES))
    assert error.again
    assert time.monotonic() - began_s < 5 * SILENCE_S


def test_a_server_that_drips_is_measured_by_its_pace(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time; waiting for a full piece would take for ever."""
    monkeypatch.setattr("chargepoint.ocpp.file_client.Pace", lambda now_s: Pace(now_s, SILENCE_S, 16_384))

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(200):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(SILENCE_S / 8)

    server = serve(drip)
    began_s = time.monotonic()
    error = failure(lambda: client().download(location(f"http://127.0.0.1:{server.port}/x"), tmp_path / "f", MAX_BYTES))
    assert "bytes in" in error.text
    assert time.monotonic() - began_s < 10 * SILENCE_S


async def test_an_attempt_has_an_end_whatever_the_server_does(
    serve: Serve, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chargepoint.ocpp.file_jobs.UPLOAD_MAX_S", SILENCE_S / 4)
    server = serve(lambda handler: time.sleep(3 * SILENCE_S))

    async def report(event: JobEvent) -> None:
        pass

    files = FileJobs(store, tmp_path, no_tls, LOG, 100.0)
    with pytest.raises(WorkFailed, match="not done within"):
        await files.upload_log("log", upload(f"http://127.0.0.1:{server.port}/x"), report)


def test_a_slow_server_is_left() -> None:
    pace = Pace(0.0)
    for second in range(60):
        pace.moved(200, float(second))
    with pytest.raises(TransferError, match="bytes in 60 s"):
        pace.moved(200, 60.0)


def test_a_short_download_fails_and_the_next_attempt_continues(serve: Serve, tmp_path: Path) -> None:
    half = len(CONTENT) // 2

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        if asked is None:
            reply(200, {"Content-Length": str(len(CONTENT))}, CONTENT[:half])(handler)
        else:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            rest = {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"}
            reply(206, rest, CONTENT[start:])(handler)

    server, file = serve(answer), tmp_path / "f"
    place = location(f"http://127.0.0.1:{server.port}/fw")
    assert failure(lambda: client().download(place, file, MAX_BYTES)).again
    assert file.read_bytes() == CONTENT[:half]
    client().download(place, file, MAX_BYTES)
    assert file.read_bytes() == CONTENT
    assert server.seen[1][2]["Range"] == f"bytes={half}-"


def test_a_server_that_cannot_continue_sends_all_anew(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old old old")
    server = serve(reply(200, body=b"new"))
    client().download(location(f"http://127.0.0.1:{server.port}/fw"), tmp_path / "f", MAX_BYTES)
    assert (tmp_path / "f").read_bytes() == b"new"


def test_a_part_at_the_wrong_place_is_refused(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    server = serve(reply(206, {"Content-Range": "bytes 3-9/10"}, b"4567890"))
    failure(lambda: client().download(location(f"http://127.0.0.1:{server.port}/fw"), tmp_path / "f", MAX_BYTES))
    assert (tmp_path / "f").read_bytes() == b"12345"


def test_ten_gigabytes_announced_take_no_byte(serve: Serve, tmp_path: Path) -> None:
    server = serve(reply(200, {"Content-Length": str(10 * 1024**3 + 1)}))
    error = failure(lambda: client().download(location(f"http://127.0.0.1:{server.port}/x"), tmp_path / "f", MAX_BYTES))
    assert (error.code, error.again) == ("TooLarge", False)
    assert not (tmp_path / "f").exists()


def test_more_than_permitted_without_an_announcement(serve: Serve, tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + CONTENT)

    server = serve(answer)
    error = failure(lambda: client().download(location(f"http://127.0.0.1:{server.port}/x"), tmp_path / "f", 100_000))
    assert error.code == "TooLarge"
    assert (tmp_path / "f").stat().st_size <= 100_000


def test_a_cancelled_transfer_ends(serve: Serve) -> None:
    cancelled = threading.Event()
    cancelled.set()
    server = serve(reply(201))
    error = failure(lambda: client(cancelled).upload(location(f"http://127.0.0.1:{server.port}/x"), "a", CONTENT))
    assert error.code == "Cancelled"


def test_no_server_at_all() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    assert failure(lambda: client().upload(location(f"http://127.0.0.1:{port}/x"), "a", b"log")).code == "UploadFailure"


# -- TLS -----------------------------------------------------------------------------------------------------------------


def test_an_https_server_must_be_known(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "files")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "both.pem").write_bytes(pem + key_pem)
    (tmp_path / "root.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    server = HttpServer(reply(201), context)
    place = location(f"https://127.0.0.1:{server.port}/in/")
    stranger = CsmsSection()
    friend = CsmsSection(ca_file=tmp_path / "root.pem")
    try:
        for csms, code in ((stranger, "PermissionDenied"), (friend, "")):
            files = FileClient(lambda csms=csms: file_server_tls(csms), threading.Event(), 5.0)  # type: ignore[misc]
            if code:
                assert failure(lambda files=files: files.upload(place, "a", b"log")).code == code  # type: ignore[misc]
            else:
                files.upload(place, "a", b"log")
        assert [body for _, _, _, body in server.seen] == [b"log"]
    finally:
        server.close()


# -- FTP -----------------------------------------------------------------------------------------------------------------


class FtpServer:
    """As much of RFC 959 as a transfer needs, one connection at a time. `files` by path; `folders` one may go into."""

    def __init__(self, stall: bool = False, cut: int = 0) -> None:
        self.files: dict[str, bytes] = {}
        self.folders = {"/", "/in"}
        self.logins: list[tuple[str, str]] = []
        self._stall, self._cut = stall, cut
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self._session(connection)

    def _session(self, connection: socket.socket) -> None:
        folder, user, start = "/", "", 0
        data: socket.socket | None = None

        def say(text: str) -> None:
            connection.sendall(f"{text}\r\n".encode())

        say("220 ready")
        for line in connection.makefile("r", encoding="utf-8", newline="\r\n"):
            verb, _, rest = line.strip().partition(" ")
            path = rest if rest.startswith("/") else f"{folder.rstrip('/')}/{rest}"
            match verb.upper():
                case "USER":
                    user = rest
                    say("331 password")
                case "PASS":
                    self.logins.append((user, rest))
                    say("530 no" if rest == "wrong" else "230 in")
                case "TYPE":
                    say("200 ok")
                case "CWD" if path.rstrip("/") in {f.rstrip("/") for f in self.folders}:
                    folder = path
                    say("250 ok")
                case "SIZE" if path in self.files:
                    say(f"213 {len(self.files[path])}")
                case "REST":
                    start = int(rest)
                    say("350 ok")
                case "EPSV":
                    data = socket.create_server(("127.0.0.1", 0))
                    say(f"229 ok (|||{data.getsockname()[1]}|)")
                case "PASV":
                    data = socket.create_server(("127.0.0.1", 0))
                    high, low = divmod(data.getsockname()[1], 256)
                    say(f"227 ok (127,0,0,1,{high},{low})")
                case "STOR" | "RETR" as what if data is not None and (what == "STOR" or path in self.files):
                    say("150 go")
                    peer, _ = data.accept()
                    with peer:
                        if self._stall:
                            time.sleep(5 * SILENCE_S)
                        if what == "STOR":
                            self.files[path] = b"".join(iter(lambda peer=peer: peer.recv(65_536), b""))  # type: ignore[misc]
                        else:
                            content = self.files[path][start:]
                            peer.sendall(content[: self._cut] if self._cut else content)
                            self._cut = 0
                    start = 0
                    say("226 done")
                case _:
                    say("550 no")


@pytest.fixture
def ftp() -> Iterator[FtpServer]:
    server = FtpServer()
    yield server
    server.close()


def test_ftp_into_a_folder_and_as_a_file(ftp: FtpServer) -> None:
    client().upload(location(f"ftp://bob:pw@127.0.0.1:{ftp.port}/in"), "a.txt", CONTENT)
    client().upload(location(f"ftp://127.0.0.1:{ftp.port}/in/b.txt"), "a.txt", b"log")
    assert ftp.files == {"/in/a.txt": CONTENT, "/in/b.txt": b"log"}
    assert ftp.logins[0] == ("bob", "pw")
    assert ftp.logins[1][0] == "anonymous"


def test_ftp_with_a_wrong_password(ftp: FtpServer) -> None:
    error = failure(lambda: client().upload(location(f"ftp://bob:wrong@127.0.0.1:{ftp.port}/in"), "a.txt", b"log"))
    assert (error.code, error.again) == ("PermissionDenied", True)
    assert "wrong" not in error.text


def test_ftp_continues_a_download(tmp_path: Path) -> None:
    server = FtpServer(cut=1000)
    server.files["/fw"] = CONTENT
    place = location(f"ftp://127.0.0.1:{server.port}/fw")
    assert failure(lambda: client().download(place, tmp_path / "f", MAX_BYTES)).again
    assert (tmp_path / "f").stat().st_size == 1000
    client().download(place, tmp_path / "f", MAX_BYTES)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert failure(lambda: client().download(place, tmp_path / "g", 100)).code == "TooLarge"
    server.close()


def test_ftp_that_stalls(tmp_path: Path) -> None:
    server = FtpServer(stall=True)
    server.files["/fw"] = CONTENT
    began_s = time.monotonic()
    failure(lambda: client().download(location(f"ftp://127.0.0.1:{server.port}/fw"), tmp_path / "f", MAX_BYTES))
    assert time.monotonic() - began_s < 5 * SILENCE_S
    server.close()


# -- the job -------------------------------------------------------------------------------------------------------------


def upload(
    url: str, kind: LogKind = LogKind.DIAGNOSTICS, attempts: int = 1, oldest_s: float | None = None
) -> UploadLog:
    return UploadLog(url, kind, "a.txt", "header", oldest_s, None, attempts, 0.01)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "s.db")
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    opened.commit_now(
        Journal(JournalEntry(at, "*", "card 04A1B2C3D4 at https://u:secret@h/")),
        Journal(JournalEntry(at.replace(hour=13), "*", f"{SECURITY_PREFIX}TamperDetectionActivated")),
    )
    yield opened
    opened.close()


async def test_a_log_arrives_after_a_retry_without_secrets(serve: Serve, store: Store, tmp_path: Path) -> None:
    answers = iter((reply(503), reply(200)))
    server = serve(lambda handler: next(answers)(handler))
    events: list[JobEvent] = []

    async def report(event: JobEvent) -> None:
        events.append(event)

    files = FileJobs(store, tmp_path, no_tls, LOG, SILENCE_S)
    job = upload(f"http://127.0.0.1:{server.port}/x", attempts=2)
    assert await files.upload_log("log", job, report) == "a.txt"
    assert events == [JobProgress("log", "Uploading")]
    text = server.seen[1][3].decode()
    assert text.splitlines() == [
        "header",
        "2026-03-01T12:00:00.000+00:00 * card …C3D4 at https://h/",
        "2026-03-01T13:00:00.000+00:00 * security event TamperDetectionActivated",
    ]


async def test_a_security_log_and_a_span_of_time(serve: Serve, store: Store, tmp_path: Path) -> None:
    server = serve(reply(200))

    async def report(event: JobEvent) -> None:
        pass

    files = FileJobs(store, tmp_path, no_tls, LOG, SILENCE_S)
    url = f"http://127.0.0.1:{server.port}/x"
    await files.upload_log("log", upload(url, LogKind.SECURITY), report)
    half_past = datetime(2026, 3, 1, 12, 30, tzinfo=UTC).timestamp()
    await files.upload_log("log", upload(url, oldest_s=half_past), report)
    lines = [body.decode().splitlines()[1:] for _, _, _, body in server.seen]
    assert lines[0] == lines[1] == ["2026-03-01T13:00:00.000+00:00 * security event TamperDetectionActivated"]


async def test_the_last_failure_is_named_and_a_cancelled_job_ends_at_once(
    serve: Serve, store: Store, tmp_path: Path
) -> None:
    async def report(event: JobEvent) -> None:
        pass

    files = FileJobs(store, tmp_path, no_tls, LOG, SILENCE_S)
    busy = serve(reply(503))
    with pytest.raises(WorkFailed) as caught:
        await files.upload_log("log", upload(f"http://u:secret@127.0.0.1:{busy.port}/x", attempts=3), report)
    assert (caught.value.code, len(busy.seen)) == ("UploadFailure", 3)
    assert "secret" not in caught.value.text
    silent = serve(lambda handler: time.sleep(5 * SILENCE_S))
    task = asyncio.create_task(files.upload_log("log", upload(f"http://127.0.0.1:{silent.port}/x"), report))
    await asyncio.sleep(0.05)
    began_s = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began_s < SILENCE_S
