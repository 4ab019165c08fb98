"""The station's keys and roots for cars as they lie in a folder now: contexts that follow the files without a restart.

A changed set of files serves the next connection. A bad new set keeps the old one, and the reason is logged once. One port serves
both versions of TLS: a car that offers TLS 1.3 gets the context of ISO 15118-20, any other car that of ISO 15118-2.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from chargepoint.security.client_hello import HELLO_MAX_BYTES, TLS_1_3, ClientHello, NotClientHello, parse
from chargepoint.security.followed_files import FollowedFiles
from chargepoint.security.handshake import HandshakeFailure, HandshakeFault, failure, failure_of, report_failures
from chargepoint.security.iso2_tls import Iso2Identity, identity_for, iso2_identities
from chargepoint.security.station_leaves import own_leaves
from chargepoint.security.tls import (
    ACCEPTED_SUITES,
    accept_annex_b,
    log_session_keys,
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
        iso2: bool = True,
        key_log_file: Path | None = None,
        on_failure: Callable[[HandshakeFailure], None] = lambda _: None,
    ) -> None:
        """Reads the files. Raises TrustError where they cannot be used. `installed`: the folder of what came over OCPP.

        `on_failure` gets each failed handshake, after the log. `allow_p256`: bench, cars on secp256r1 and on AES-128 may come.
        `iso2`: cars of ISO 15118-2 get TLS 1.2, where the folder has a leaf on secp256r1. `key_log_file`: bench, the session's secrets go there.
        """
        self._directory = directory
        self._installed = installed
        self._log = log
        self._allow_p256 = allow_p256
        self._iso2 = iso2
        self._key_log_file = key_log_file
        self._on_failure = on_failure
        self._followed = FollowedFiles(f"keys for cars in {directory}", self._files, self._build, log)

    def context(self) -> ssl.SSLContext:
        """The context for ISO 15118-20 of the newest good set of files."""
        return self._followed.current().iso20

    def context_for(self, hello: ClientHello | None) -> ssl.SSLContext:
        """The context for a car that begins so; None: what came is no TLS, and the handshake reports that."""
        contexts = self._followed.current()
        if hello is None or TLS_1_3 in hello.versions or not contexts.iso2:
            return contexts.iso20
        return identity_for(hello.roots, contexts.iso2).context

    def live_context(self) -> ssl.SSLContext:
        """A context for a server that lives long: each new connection gets the newest files, and the version it asks for."""
        return _LiveContext(self.context_for)

    def reload_if_changed(self) -> bool:
        """Whether changed files have given a new context. A set that cannot be used is logged once, and the old one stays."""
        return self._followed.reload_if_changed()

    def _build(self) -> _Contexts:
        iso20 = secc_context(self._directory, self._installed)
        accept_annex_b(iso20)
        report_failures(iso20, self._report, self._judge)
        iso2 = iso2_identities(self._directory, self._installed) if self._iso2 else ()
        for identity in iso2:
            report_failures(identity.context, self._report)
        if self._key_log_file is not None:
            for context in (iso20, *(identity.context for identity in iso2)):
                log_session_keys(context, self._key_log_file)
        return _Contexts(iso20, iso2)

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


@dataclass(frozen=True, slots=True)
class _Contexts:
    """What one set of files gives."""

    iso20: ssl.SSLContext
    iso2: tuple[Iso2Identity, ...]


class _LiveContext(ssl.SSLContext):
    """asyncio keeps one context for the life of a server, and asks it for a TLS object at each connection."""

    choose: Callable[[ClientHello | None], ssl.SSLContext]

    def __new__(cls, choose: Callable[[ClientHello | None], ssl.SSLContext]) -> _LiveContext:
        context = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        context.choose = choose
        return context

    def __init__(self, choose: Callable[[ClientHello | None], ssl.SSLContext]) -> None:
        pass

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **options: Any) -> ssl.SSLObject:
        def begin(hello: ClientHello | None) -> ssl.SSLObject:
            return self.choose(hello).wrap_bio(incoming, outgoing, *args, **options)

        return cast(ssl.SSLObject, _Undecided(incoming, outgoing, begin))


class _Undecided:
    """A TLS object that waits for the first message of the car, and is from then on the object of the chosen context.

    A car that is refused gets the alert (RFC 8446 6.2): asyncio closes at once after an error, and drops what TLS still has to say. So
    the error is raised only when asyncio comes again: with the car's answer, its end, or the time-out of the handshake.
    """

    def __init__(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        begin: Callable[[ClientHello | None], ssl.SSLObject],
    ) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._failed: ssl.SSLError | None = None
        self._begin = begin
        self._came = b""
        self._decided: ssl.SSLObject | None = None

    def do_handshake(self) -> None:
        """As that of an SSLObject. Raises SSLWantReadError until the first message is whole, and while an alert leaves."""
        if self._failed is not None:
            raise self._failed
        if self._decided is None:
            self._came += self._incoming.read()
            hello: ClientHello | None = None
            with contextlib.suppress(NotClientHello):
                hello = parse(self._came)
                if hello is None and len(self._came) < HELLO_MAX_BYTES:
                    raise ssl.SSLWantReadError
            self._decided = self._begin(hello)
            self._incoming.write(self._came)
        try:
            self._decided.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            if not self._outgoing.pending or failure_of(error).fault is HandshakeFault.PLAIN:
                raise  # nothing to say, or nobody who understands it
            self._failed = error
            raise ssl.SSLWantReadError from error

    def __getattr__(self, name: str) -> Any:
        if self._decided is None:  # the connection ended before its first message was whole
            self._decided = self._begin(None)
        return getattr(self._decided, name)
