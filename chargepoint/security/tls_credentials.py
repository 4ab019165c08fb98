"""The station's keys and roots for cars as they lie in a folder now: a context that follows the files without a restart.

A changed set of files serves the next connection. A bad new set keeps the old one, and the reason is logged once.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from chargepoint.security.followed_files import FollowedFiles
from chargepoint.security.handshake import HandshakeFailure, HandshakeFault, failure, report_failures
from chargepoint.security.tls import (
    ACCEPTED_SUITES,
    accept_annex_b,
    log_session_keys,
    own_leaves,
    peer_chain,
    secc_context,
)
from chargepoint.security.vehicle import wrong_vehicle


class TlsCredentials:
    """One folder of keys and roots, and the TLS contexts that it gives."""

    def __init__(
        self,
        directory: Path,
        log: logging.Logger,
        *,
        installed: Path | None = None,
        allow_p256: bool = False,
        key_log_file: Path | None = None,
        on_failure: Callable[[HandshakeFailure], None] = lambda _: None,
    ) -> None:
        """Reads the files. Raises TrustError where they cannot be used. `installed`: the folder of what came over OCPP.

        `on_failure` gets each failed handshake, after the log. `allow_p256`: bench, cars on secp256r1 and on AES-128 may come.
        `key_log_file`: bench, the session's secrets go there.
        """
        self._directory = directory
        self._installed = installed
        self._log = log
        self._allow_p256 = allow_p256
        self._key_log_file = key_log_file
        self._on_failure = on_failure
        self._followed = FollowedFiles(f"keys for cars in {directory}", self._files, self._build, log)

    def context(self) -> ssl.SSLContext:
        """The context of the newest good set of files."""
        return self._followed.current()

    def live_context(self) -> ssl.SSLContext:
        """A context for a server that lives long: each new connection gets the newest files."""
        return _LiveContext(self.context)

    def reload_if_changed(self) -> bool:
        """Whether changed files have given a new context. A set that cannot be used is logged once, and the old one stays."""
        return self._followed.reload_if_changed()

    def _build(self) -> ssl.SSLContext:
        context = secc_context(self._directory, self._installed)
        accept_annex_b(context)
        if self._key_log_file is not None:
            log_session_keys(context, self._key_log_file)
        report_failures(context, self._report, self._judge)
        return context

    def _files(self) -> Iterator[Path]:
        for directory in (self._directory, *(() if self._installed is None else (self._installed,))):
            for pair in own_leaves(directory):
                yield from pair
            for folder in ("v2g_roots", "oem_roots"):
                yield from sorted((directory / folder).glob("*.pem"))

    def _report(self, found: HandshakeFailure) -> None:
        self._log.warning("! %s", found.sentence, extra={"cause": found.cause})
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
