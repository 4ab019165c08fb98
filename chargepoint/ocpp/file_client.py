"""The file client: uploads and downloads over HTTP, HTTPS, FTP, FTPS and SFTP. A shell that blocks: it runs in a thread of its own.

A server that is silent longer than `silence_s`, or slower than `Pace` permits, ends the transfer. `cancelled` ends it at the next piece.
"""

from __future__ import annotations

import base64
import contextlib
import ftplib
import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

from chargepoint.ocpp.file_transfer import (
    REDIRECTS_MAX,
    Location,
    Pace,
    TransferError,
    checked_length,
    ftp_failure,
    http_failure,
    range_start,
    redirected,
)
from chargepoint.ocpp.sftp_session import SftpIdentity, session

PIECE_BYTES = 65_536
SILENCE_S = 30.0
_REDIRECTS = (301, 302, 303, 307, 308)


class FileClient:
    """One transfer at a time. `tls` makes the context that checks servers, when one is needed."""

    def __init__(
        self,
        tls: Callable[[], ssl.SSLContext],
        cancelled: threading.Event,
        silence_s: float = SILENCE_S,
        sftp: SftpIdentity = SftpIdentity(),  # noqa: B008 - it cannot change
    ) -> None:
        self._tls = tls
        self._sftp = sftp
        self._cancelled = cancelled
        self._silence_s = silence_s

    def upload(self, place: Location, name: str, data: bytes) -> None:
        """Leave the file there: PUT, and POST where the server knows no PUT. Raises TransferError."""
        with _explained(place):
            if place.scheme == "sftp":
                self._sftp_upload(place, name, data)
                return
            if place.scheme.startswith("ftp"):
                self._ftp_upload(place, name, data)
                return
            try:
                self._http_upload("PUT", place.named(name), name, data)
            except TransferError as error:
                if error.code != "NotSupportedOperation":
                    raise
                self._http_upload("POST", place, name, data)

    def download(self, place: Location, file: Path, max_bytes: int) -> None:
        """Take the file; what an earlier attempt left in `file` is continued. Raises TransferError; then `file` keeps the beginning."""
        with _explained(place):
            if place.scheme == "sftp":
                self._sftp_download(place, file, max_bytes)
            elif place.scheme.startswith("ftp"):
                self._ftp_download(place, file, max_bytes)
            else:
                self._http_download(place, file, max_bytes)

    # -- HTTP ------------------------------------------------------------------------------------------------------------

    def _http_upload(self, method: str, place: Location, name: str, data: bytes) -> None:
        headers = {
            "Content-Type": "application/octet-stream",  # N01.FR.19
            "Content-Disposition": f'form-data; name="uploadfile"; filename="{name}"',
            "Content-Length": str(len(data)),
        }
        for _ in range(REDIRECTS_MAX + 1):
            with self._http(method, place, headers, self._pieces(data)) as response:
                if response.status in _REDIRECTS:
                    place = redirected(place, response.headers.get("Location", ""))
                    continue
                if not 200 <= response.status < 300:
                    raise http_failure(response.status, place.shown)
                return
        raise TransferError("UploadFailure", f"{place.shown}: more than {REDIRECTS_MAX} redirects", again=False)

    def _http_download(self, place: Location, file: Path, max_bytes: int) -> None:
        have = file.stat().st_size if file.exists() else 0
        for _ in range(REDIRECTS_MAX + 1):
            headers = {"Range": f"bytes={have}-"} if have else {}
            with self._http("GET", place, headers) as response:
                if response.status in _REDIRECTS:
                    place = redirected(place, response.headers.get("Location", ""))
                    continue
                if response.status == 416 and have:  # what is there is not the beginning of this file
                    file.unlink()
                    raise TransferError("DownloadFailed", f"{place.shown} cannot continue at byte {have}")
                if response.status not in (200, 206):
                    raise http_failure(response.status, place.shown)
                if response.status == 206 and range_start(response.headers.get("Content-Range")) != have:
                    raise TransferError("DownloadFailed", f"{place.shown} continues at another byte than {have}")
                start = have if response.status == 206 else 0
                length = response.length
                checked_length(None if length is None else start + length, max_bytes, place.shown)
                got = self._receive(response.read1, file, start, max_bytes)
                if length is not None and got != length:
                    text = f"{place.shown} announced {length} bytes and sent {got}"
                    raise TransferError("DownloadFailed", text)
                return
        raise TransferError("DownloadFailed", f"{place.shown}: more than {REDIRECTS_MAX} redirects", again=False)

    @contextlib.contextmanager
    def _http(
        self, method: str, place: Location, headers: dict[str, str], body: Iterator[bytes] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        if place.encrypted:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                place.host, place.port, timeout=self._silence_s, context=self._tls()
            )
        else:
            connection = http.client.HTTPConnection(place.host, place.port, timeout=self._silence_s)
        if place.user or place.password:  # N01.FR.17
            basic = base64.b64encode(f"{place.user}:{place.password}".encode()).decode("ascii")
            headers = {**headers, "Authorization": f"Basic {basic}"}
        try:
            connection.request(method, place.path, body=body, headers={**headers, "Connection": "close"})
            yield connection.getresponse()
        finally:
            connection.close()

    # -- FTP -------------------------------------------------------------------------------------------------------------

    def _ftp_upload(self, place: Location, name: str, data: bytes) -> None:
        with self._ftp(place) as ftp:
            pieces = self._pieces(data)
            path = unquote(place.path)
            with ftp.transfercmd(f"STOR {self._ftp_target(ftp, path, name)}") as connection:
                for piece in pieces:
                    connection.sendall(piece)
                if isinstance(connection, ssl.SSLSocket):
                    connection.unwrap()
            ftp.voidresp()

    def _ftp_target(self, ftp: ftplib.FTP, path: str, name: str) -> str:
        """The path is a folder where the server can go into it; else it is the file."""
        with contextlib.suppress(ftplib.error_perm):
            ftp.cwd(path)
            return name
        return path

    def _ftp_download(self, place: Location, file: Path, max_bytes: int) -> None:
        have = file.stat().st_size if file.exists() else 0
        with self._ftp(place) as ftp:
            ftp.voidcmd("TYPE I")
            path = unquote(place.path)
            length = None
            with contextlib.suppress(ftplib.error_perm, ftplib.error_reply):
                length = ftp.size(path)
            checked_length(length, max_bytes, place.shown)
            connection = ftp.transfercmd(f"RETR {path}", rest=have or None)
            with connection:
                got = have + self._receive(connection.recv, file, have, max_bytes)
            ftp.voidresp()
            if length is not None and got != length:
                raise TransferError("DownloadFailed", f"{place.shown} announced {length} bytes and sent {got}")

    @contextlib.contextmanager
    def _ftp(self, place: Location) -> Iterator[ftplib.FTP]:
        """A session in passive mode. FTPS: TLS by AUTH TLS (RFC 4217), also for the data."""
        if place.encrypted:
            ftp: ftplib.FTP = ftplib.FTP_TLS(timeout=self._silence_s, context=self._tls())  # noqa: S321
        else:
            ftp = ftplib.FTP(timeout=self._silence_s)  # noqa: S321
        try:
            ftp.connect(place.host, place.port)
            ftp.login(place.user, place.password)
            if isinstance(ftp, ftplib.FTP_TLS):
                ftp.prot_p()
            ftp.voidcmd("TYPE I")
            yield ftp
        finally:
            ftp.close()

    # -- SFTP ------------------------------------------------------------------------------------------------------------

    def _sftp_upload(self, place: Location, name: str, data: bytes) -> None:
        with session(place, self._sftp, self._silence_s) as sftp:
            path = unquote(place.path)
            if sftp.is_folder(path):
                path = f"{path.rstrip('/')}/{name}"
            with sftp.opened(path, "wb") as target:
                for piece in self._pieces(data):
                    target.write(piece)

    def _sftp_download(self, place: Location, file: Path, max_bytes: int) -> None:
        have = file.stat().st_size if file.exists() else 0
        with session(place, self._sftp, self._silence_s) as sftp:
            path = unquote(place.path)
            length = sftp.size(path)
            checked_length(length, max_bytes, place.shown)
            if length is not None and have > length:  # what is there is not the beginning of this file
                file.unlink()
                have = 0
            with sftp.opened(path, "rb") as source:
                source.seek(have)
                got = have + self._receive(source.read, file, have, max_bytes)
            if length is not None and got != length:
                raise TransferError("DownloadFailed", f"{place.shown} announced {length} bytes and sent {got}")

    # -- pieces ----------------------------------------------------------------------------------------------------------

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        pace = Pace(time.monotonic())
        for start in range(0, len(data), PIECE_BYTES):
            self._go_on()
            piece = data[start : start + PIECE_BYTES]
            yield piece
            pace.moved(len(piece), time.monotonic())

    def _receive(self, read: Callable[[int], bytes], file: Path, start: int, max_bytes: int) -> int:
        """Write what comes behind the first `start` bytes; how many bytes came. `read` gives what is there, without waiting for more."""
        pace, got = Pace(time.monotonic()), 0
        with file.open("r+b" if start else "wb") as stream:
            stream.seek(start)
            stream.truncate()
            while piece := read(PIECE_BYTES):
                self._go_on()
                got += len(piece)
                if start + got > max_bytes:
                    raise TransferError("TooLarge", f"more than {max_bytes} bytes came", again=False)
                stream.write(piece)
                pace.moved(len(piece), time.monotonic())
        return got

    def _go_on(self) -> None:
        if self._cancelled.is_set():
            raise TransferError("Cancelled", "cancelled", again=False)


@contextlib.contextmanager
def _explained(place: Location) -> Iterator[None]:
    """Errors of sockets and libraries as TransferError."""
    try:
        yield
    except ftplib.Error as error:
        raise ftp_failure(str(error), place.shown) from None
    except ssl.SSLCertVerificationError as error:
        text = f"{place.shown}: its certificate is not trusted: {error.verify_message}"
        raise TransferError("PermissionDenied", text, again=False) from None
    except (OSError, EOFError, http.client.HTTPException, ValueError) as error:
        raise TransferError("UploadFailure", f"{place.shown}: {error or type(error).__name__}") from None
