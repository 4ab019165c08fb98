"""The station's keys and roots for cars as they lie in a folder now: a context that follows the files without a restart.

A changed set of files serves the next connection. A bad new set keeps the old one, and the reason is logged once.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chargepoint.security.handshake import HandshakeFailure, HandshakeFault, failure, report_failures
from chargepoint.security.tls import (
    ACCEPTED_SUITES,
    TrustError,
    accept_annex_b,
    log_session_keys,
    own_leaves,
    peer_chain,
    secc_context,
)
from chargepoint.security.vehicle import wrong_vehicle

_State = tuple[tuple[str, int, int, int], ...]
"""Name, inode, size and time of the last change (of content or mode) of each file."""


class TlsCredentials:
    """One folder of keys. `context` is what the files gave last; `live_context` looks at the files at each new connection."""

    def __init__(
        self,
        directory: Path,
        log: logging.Logger,
        *,
        allow_p256: bool = False,
        key_log_file: Path | None = None,
        on_failure: Callable[[HandshakeFailure], None] = lambda _: None,
    ) -> None:
        """Reads the files. Raises TrustError where they cannot be used.

        `on_failure` gets each failed handshake, after the log. `allow_p256`: bench, cars on secp256r1 and on AES-128 may come.
        `key_log_file`: bench, the session's secrets go there.
        """
        self._directory = directory
        self._log = log
        self._allow_p256 = allow_p256
        self._key_log_file = key_log_file
        self._on_failure = on_failure
        self._seen = self._state()
        self._context = self._build()

    def context(self) -> ssl.SSLContext:
        """The newest good context."""
        return self._context

    def live_context(self) -> ssl.SSLContext:
        """A context for a server that lives long: each new connection gets the newest files."""
        return _LiveContext(self._newest)

    def reload_if_changed(self) -> bool:
        """Whether changed files have given a new context. A set that cannot be used is logged once, and the old one stays."""
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            self._context = self._build()
        except TrustError as error:
            self._log.warning("! new keys for cars are not used, the old ones stay: %s", error)
            return False
        self._log.info("* keys for cars read anew from %s", self._directory)
        return True

    def _newest(self) -> ssl.SSLContext:
        self.reload_if_changed()
        return self._context

    def _build(self) -> ssl.SSLContext:
        context = secc_context(self._directory)
        accept_annex_b(context)
        if self._key_log_file is not None:
            log_session_keys(context, self._key_log_file)
        report_failures(context, self._report, self._judge)
        return context

    def _state(self) -> _State:
        files = [file for pair in own_leaves(self._directory) for file in pair]
        for folder in ("v2g_roots", "oem_roots"):
            files += sorted((self._directory / folder).glob("*.pem"))
        state = []
        for file in files:
            try:
                seen = file.stat()
                state.append((str(file), seen.st_ino, seen.st_size, seen.st_ctime_ns))
            except OSError:
                state.append((str(file), 0, 0, 0))
        return tuple(state)

    def _report(self, found: HandshakeFailure) -> None:
        self._log.warning("! %s", found.sentence, extra={"cause": found.fault.value})
        self._on_failure(found)

    def _judge(self, session: ssl.SSLObject) -> HandshakeFailure | None:
        suite = (session.cipher() or ("none",))[0]
        if suite not in ACCEPTED_SUITES and not self._allow_p256:
            wanted = " or ".join(sorted(ACCEPTED_SUITES))
            return failure(HandshakeFault.CIPHER_SUITE, f"cipher suite {suite}", f"the car must offer {wanted}")
        finding = wrong_vehicle(peer_chain(session), allow_p256=self._allow_p256)
        return None if finding is None else failure(HandshakeFault.VEHICLE, finding.text)


class _LiveContext(ssl.SSLContext):
    """asyncio keeps one context for the life of a server, and asks it for a TLS object at each connection."""

    newest: Callable[[], ssl.SSLContext]

    def __new__(cls, newest: Callable[[], ssl.SSLContext]) -> _LiveContext:
        context = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        context.newest = newest
        return context

    def __init__(self, newest: Callable[[], ssl.SSLContext]) -> None:
        pass

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        return self.newest().wrap_bio(*args, **options)

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        return self.newest().wrap_socket(*args, **options)
