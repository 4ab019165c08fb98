"""A01 Password, A02 Certificate: what the station shows the central system. The newest first, the one before until the newest has worked."""

from __future__ import annotations

import re

from chargepoint.ocpp.blocks.block import FunctionalBlock, SettingRefused, SettingTaken, StationNow
from chargepoint.ocpp.blocks.effects import (
    ConnectionFailed,
    Effect,
    Effects,
    Reconnect,
    SecurityEventOccurred,
    Share,
    SharedEvent,
    WriteJournal,
)
from chargepoint.ocpp.certificate_stock import STATION_CHAIN, CertificateStock, StockItem, key_name
from chargepoint.ocpp.kept_files import KeptFiles

PASSWORD = "password"  # noqa: S105 - the name of a file
OLD_PASSWORD = "password.old"  # noqa: S105
"""The password before; an empty file: the one of the configuration. It is there while the new one has not worked yet."""

PASSWORD_VARIABLE = "SecurityCtrlr/BasicAuthPassword"  # noqa: S105
PASSWORD_MIN = 16
PASSWORD_MAX = 40
DISCARDED = "DiscardedRenewedClientCertificate"
REFUSED_BY_CENTRAL_SYSTEM = "FailedToAuthenticateAtCsms"

_PASSWORD_CHARACTERS = re.compile(r"[A-Za-z0-9*\-_=:+|@.]*", re.ASCII)


class CredentialsBlock(FunctionalBlock):
    """The password is kept in clear (the handshake needs it, A01.FR.10), in a file that only the station reads, never in the database.

    Each refusal by the central system turns to the next password; certificates take turns when every network profile has failed.
    So a bad new one does not lock the station out.
    """

    def __init__(self, files: KeptFiles) -> None:
        super().__init__()
        self._files = files
        self._stock = CertificateStock(files)
        self._refusals = 0
        self._chain_refused = False
        """The present certificate was refused since the last turn."""
        self._chain_turns = 0
        self._password_shown: str | None = None
        self._chain_shown: StockItem | None = None
        self.judges = {PASSWORD_VARIABLE: self._set_password}

    # -- for the next connection ---------------------------------------------------------------------------------------

    def password_name(self) -> str | None:
        """The file of the password to show now; None: the configuration's."""
        passwords = self._passwords()
        self._password_shown = passwords[self._refusals % len(passwords)]
        return self._password_shown

    def chain_name(self, utc_s: float) -> str | None:
        """The file of the station's chain to show now; None: the configuration's."""
        chains = self._stock.valid_chains(STATION_CHAIN, utc_s)
        if not chains:  # A00.FR.430: an expired one is shown, and the central system decides
            chains = tuple(i for i in self._stock.chains(STATION_CHAIN) if i.leaf.valid_from_s <= utc_s)
        self._chain_shown = chains[self._chain_turns % len(chains)] if chains else None
        shown = self._chain_shown
        return shown.name if shown is not None and shown.installed else None

    def worked(self, security_profile: int) -> Effects:
        """A connection was made with what was shown: the other credentials of its kind fall away (A02.FR.10)."""
        refusals, self._refusals = self._refusals, 0
        self._chain_refused, self._chain_turns = False, 0
        if security_profile == 3:
            return self._chain_worked()
        if OLD_PASSWORD not in self._files:
            return ()
        if self._password_shown == PASSWORD:
            return (self._files.forget(OLD_PASSWORD),)
        text = f"the central system refused the new password ({refusals} times) and took the old one, which stays"
        return (*self._take_back(), WriteJournal("!", f"OCPP: {text}"))

    def list_failed(self) -> None:
        """Every network profile has had its attempts: the other certificate's turn, where this one was refused (A02.FR.28)."""
        if self._chain_refused:
            self._chain_refused = False
            self._chain_turns += 1

    def forget_password(self) -> Effects:
        """The configuration's password counts again."""
        return (self._files.forget(PASSWORD), self._files.forget(OLD_PASSWORD))

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """The central system refused what was shown."""
        if isinstance(event, ConnectionFailed) and event.kind == REFUSED_BY_CENTRAL_SYSTEM:
            self._refusals += 1
            self._chain_refused = True
        return ()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _passwords(self) -> tuple[str | None, ...]:
        """Names of files, the newest first; None: the configuration's password."""
        if PASSWORD not in self._files:
            return (None,)
        if OLD_PASSWORD not in self._files:
            return (PASSWORD,)
        return (PASSWORD, OLD_PASSWORD if self._files[OLD_PASSWORD] else None)

    def _take_back(self) -> tuple[Effect, ...]:
        before = self._files[OLD_PASSWORD]
        restored = self._files.keep(PASSWORD, before) if before else self._files.forget(PASSWORD)
        return (restored, self._files.forget(OLD_PASSWORD))

    def _chain_worked(self) -> Effects:
        """The other certificates go, so that the central system knows which one there is (A02.FR.10 with errata 2025-09)."""
        shown = self._chain_shown
        if shown is None:
            return ()
        others = [i for i in self._stock.chains(STATION_CHAIN) if i.installed and i.name != shown.name]
        # Each key goes before its chain: a power cut between the two leaves a chain, which the next connection removes.
        effects: list[Effect] = [
            self._files.forget(name) for item in others for name in (key_name(item.name), item.name)
        ]
        for item in others:
            if item.leaf.valid_from_s > shown.leaf.valid_from_s:  # A02.FR.29
                text = f"{item.leaf.shown_name}: the central system took the certificate before it"
                effects.append(Share(SecurityEventOccurred(DISCARDED, text)))
        return tuple(effects)

    def _set_password(self, value: str, now: StationNow) -> SettingRefused | SettingTaken:
        """A01.FR.01, A00.FR.205. The value is in no message, log or journal (A01.FR.11, FR.12)."""
        if not PASSWORD_MIN <= len(value) <= PASSWORD_MAX:
            what = "ValueTooLow" if len(value) < PASSWORD_MIN else "ValueTooHigh"
            return SettingRefused(what, f"{len(value)} characters: {PASSWORD_MIN} to {PASSWORD_MAX}")
        if not _PASSWORD_CHARACTERS.fullmatch(value):
            return SettingRefused("InvalidValue", "letters, digits and * - _ = : + | @ . only")
        before = self._files.keep(OLD_PASSWORD, self._files.get(PASSWORD, ""))
        unproven = OLD_PASSWORD in self._files  # the one before that is still the good one
        return SettingTaken(
            (
                *(() if unproven else (before,)),
                self._files.keep(PASSWORD, value),
                WriteJournal("*", "OCPP: the central system set a new password"),
                Share(SecurityEventOccurred("ReconfigurationOfSecurityParameters", "BasicAuthPassword")),
            ),
            then=(Reconnect("a new password: the next connection shows it"),),
        )
