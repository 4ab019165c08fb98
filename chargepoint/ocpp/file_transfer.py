"""File transfers: what a location means, what an answer of its server means, and when a transfer is too slow. A core.

`file_client` does the transfers, in a thread. OCPP 2.0.1 Part 2, N01 and L01: HTTP, HTTPS, FTP and FTPS. SFTP is not built, since no
small library for it comes as a wheel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote, urljoin, urlsplit

PORTS = {"http": 80, "https": 443, "ftp": 21, "ftps": 21}
PROTOCOLS = ("HTTP", "HTTPS", "FTP", "FTPS")
"""FileTransferProtocolEnumType of those that are built."""
REDIRECTS_MAX = 3
PACE_WINDOW_S = 60.0
PACE_BYTES = 16_384
"""A server that moves less in a window is as good as silent: 270 bytes a second."""
_PRINTABLE = re.compile(r"[!-~]+", re.ASCII)
_SECRET_IN_URL = re.compile(r"(?<=://)[^/@\s]*@")


class TransferError(Exception):
    """A transfer came to nothing. `code`: UploadLogStatusEnumType of failures; `again`: another attempt may help."""

    def __init__(self, code: str, text: str, *, again: bool = True) -> None:
        super().__init__(text)
        self.code, self.text, self.again = code, text, again


@dataclass(frozen=True, slots=True)
class Location:
    """Where a file is or shall be. `path` begins with a slash and includes the query."""

    scheme: str
    host: str
    port: int
    path: str
    user: str = ""
    password: str = ""

    @property
    def encrypted(self) -> bool:
        """TLS protects the transfer."""
        return self.scheme in ("https", "ftps")

    @property
    def shown(self) -> str:
        """For people: without user and password."""
        return f"{self.scheme}://{self.host}:{self.port}{self.path}"

    def named(self, file_name: str) -> Location:
        """The place of this file where the location is a folder; else the location itself."""
        return replace(self, path=self.path + file_name) if self.path.endswith("/") else self


def location(text: str) -> Location:
    """What a URL names. Raises TransferError: NotSupportedOperation for another protocol, else BadMessage."""
    if _PRINTABLE.fullmatch(text) is None:
        raise TransferError("BadMessage", "the location has characters that no URL has", again=False)
    try:
        parts = urlsplit(text)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError as error:
        raise TransferError("BadMessage", f"the location is no URL: {error}", again=False) from None
    if scheme not in PORTS:
        text = f"protocol {scheme[:20] or '(none)'} is not built: one of {', '.join(PORTS)}"
        raise TransferError("NotSupportedOperation", text, again=False)
    if not host:
        raise TransferError("BadMessage", "the location names no host", again=False)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query and scheme.startswith("http") else "")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if any(ord(character) < 32 for character in unquote(parts.path) + user + password):
        raise TransferError("BadMessage", "the location has control characters", again=False)
    return Location(scheme, host, port or PORTS[scheme], path, user, password)


def redirected(here: Location, target: str) -> Location:
    """Where a redirect leads. Raises TransferError for another host, another protocol family, or the loss of encryption."""
    try:
        there = location(urljoin(here.shown, target))
    except TransferError as error:
        raise TransferError("PermissionDenied", f"{here.shown} redirects: {error.text}", again=False) from None
    if there.host != here.host or not there.scheme.startswith("http") or (here.encrypted and not there.encrypted):
        text = f"{here.shown} redirects to {there.scheme}://{there.host}: not followed"
        raise TransferError("PermissionDenied", text, again=False)
    return replace(there, user=here.user, password=here.password)


def http_failure(status: int, shown: str) -> TransferError:
    """What an HTTP status means that is no success. Whatever a server says, the station tries as often as `retries` asks (N01, L01)."""
    text = f"{shown} answers {status}"
    if status in (401, 403, 407):
        return TransferError("PermissionDenied", text)
    if status in (405, 501):
        return TransferError("NotSupportedOperation", text)
    if 400 <= status < 500 and status not in (408, 425, 429):
        return TransferError("BadMessage", text)
    return TransferError("UploadFailure", text)


def ftp_failure(reply: str, shown: str) -> TransferError:
    """What an FTP reply means that is no success (RFC 959, 4.2)."""
    text = f"{shown}: {reply[:200]}"
    if reply[:3] in ("530", "532", "550", "553"):
        return TransferError("PermissionDenied", text)
    if reply[:3] in ("500", "501", "502", "503", "504"):
        return TransferError("NotSupportedOperation", text)
    return TransferError("UploadFailure", text)


def without_secrets(text: str) -> str:
    """The text with the user and the password of each URL left out."""
    return _SECRET_IN_URL.sub("", text)


class Pace:
    """Whether a transfer still moves. Feed it each piece with its time (monotonic s)."""

    def __init__(self, now_s: float, window_s: float = PACE_WINDOW_S, least_bytes: int = PACE_BYTES) -> None:
        self._since_s = now_s
        self._window_s = window_s
        self._least_bytes = least_bytes
        self._moved = 0

    def moved(self, count: int, now_s: float) -> None:
        """So many bytes more. Raises TransferError where a window ended with too few."""
        self._moved += count
        if now_s - self._since_s < self._window_s:
            return
        if self._moved < self._least_bytes:
            text = f"only {self._moved} bytes in {now_s - self._since_s:.0f} s: at least {self._least_bytes}"
            raise TransferError("UploadFailure", text)
        self._since_s, self._moved = now_s, 0


def checked_length(announced: int | None, maximum: int, shown: str) -> None:
    """Raises TransferError where a server announces more than the station takes."""
    if announced is not None and announced > maximum:
        raise TransferError("TooLarge", f"{shown} has {announced} bytes: at most {maximum}", again=False)


def range_start(content_range: str | None) -> int | None:
    """The first byte of a partial answer (`bytes 100-199/200`); None where it cannot be read."""
    match = re.match(r"bytes (\d{1,18})-", content_range or "", re.ASCII)
    return None if match is None else int(match[1])
