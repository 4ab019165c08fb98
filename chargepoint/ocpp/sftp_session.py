"""A session with an SFTP server, for code that blocks: it runs in a thread of its own, and has an event loop of its own there.

Only servers whose host key is in the known-hosts file are talked to. Nothing is read from the account the station runs under:
no agent, no keys, no settings. Transport: the library asyncssh, which is loaded when the first session begins.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from chargepoint.ocpp.file_transfer import Location, TransferError

if TYPE_CHECKING:
    import asyncssh

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class SftpIdentity:
    """Whom the station trusts, and who it is. `known_hosts_file` None: no server is trusted. `key_file`: a private key (OpenSSH, PEM)."""

    known_hosts_file: Path | None = None
    key_file: Path | None = None


class SftpSession:
    """One connection. Every method raises TransferError, OSError or asyncssh.Error, which `explained` turns into TransferError."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: asyncssh.SFTPClient, silence_s: float) -> None:
        self._loop = loop
        self._client = client
        self._silence_s = silence_s

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder of this name."""
        return self._wait(self._client.isdir(path))

    def size(self, path: str) -> int | None:
        """The size of a file in bytes; None where the server does not know."""
        found = self._wait(self._client.stat(path)).size
        return None if found is None else int(found)

    @contextlib.contextmanager
    def opened(self, path: str, mode: str) -> Iterator[SftpFile]:
        """A file to read (`rb`) or to write anew (`wb`)."""
        file: Any = self._wait(self._client.open(path, mode))
        try:
            yield SftpFile(self, file)
        finally:
            self._wait(file.close())

    def _wait(self, work: Awaitable[Found]) -> Found:
        """The outcome of one step, which a silent server does not hold up for ever."""
        return self._loop.run_until_complete(asyncio.wait_for(work, self._silence_s))


class SftpFile:
    """A file of the server that is open."""

    def __init__(self, session: SftpSession, file: Any) -> None:
        self._session = session
        self._file = file

    def seek(self, offset: int) -> None:
        """The next piece begins here."""
        self._session._wait(self._file.seek(offset))

    def read(self, count: int) -> bytes:
        """At most so many bytes; none at the end."""
        return bytes(self._session._wait(self._file.read(count)))

    def write(self, piece: bytes) -> None:
        """Append these bytes."""
        self._session._wait(self._file.write(piece))


@contextlib.contextmanager
def session(place: Location, identity: SftpIdentity, silence_s: float) -> Iterator[SftpSession]:
    """Connect and authenticate; the connection is closed at the end. Raises TransferError."""
    if identity.known_hosts_file is None:
        text = "SFTP is off: write the host keys of your servers into a file and name it in [station] sftp_known_hosts_file"
        raise TransferError("NotSupportedOperation", text, again=False)
    if not place.user:
        raise TransferError("PermissionDenied", f"{place.shown} names no user: write sftp://USER@HOST/", again=False)
    import asyncssh  # it costs some MB and a tenth of a second: only stations that use SFTP pay

    loop = asyncio.new_event_loop()
    try:
        with explained(place, identity.known_hosts_file):
            connection = loop.run_until_complete(
                asyncssh.connect(
                    place.host,
                    place.port,
                    username=place.user,
                    password=place.password or None,
                    client_keys=None if identity.key_file is None else [str(identity.key_file)],
                    known_hosts=str(identity.known_hosts_file),
                    config=None,
                    agent_path=None,
                    connect_timeout=silence_s,
                    login_timeout=silence_s,
                )
            )
            try:
                client = loop.run_until_complete(asyncio.wait_for(connection.start_sftp_client(), silence_s))
                yield SftpSession(loop, client, silence_s)
            finally:
                connection.abort()
                loop.run_until_complete(connection.wait_closed())
    finally:
        loop.close()


@contextlib.contextmanager
def explained(place: Location, known_hosts_file: Path) -> Iterator[None]:
    """Errors of the library as TransferError."""
    import asyncssh

    try:
        yield
    except asyncssh.HostKeyNotVerifiable:
        text = f"{place.shown}: its host key is not in {known_hosts_file}"
        raise TransferError("PermissionDenied", text, again=False) from None
    except (asyncssh.PermissionDenied, asyncssh.SFTPPermissionDenied) as error:
        raise TransferError("PermissionDenied", f"{place.shown}: {error.reason}", again=False) from None
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
        raise TransferError("BadMessage", f"{place.shown}: {error.reason}", again=False) from None
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        text = f"[station] sftp_key_file: {error}"
        raise TransferError("PermissionDenied", text, again=False) from None
    except asyncssh.Error as error:
        raise TransferError("UploadFailure", f"{place.shown}: {error.reason}") from None
    except TimeoutError:
        raise TransferError("UploadFailure", f"{place.shown}: silent") from None
