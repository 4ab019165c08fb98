"""The local authorization list: what the central system says of tokens, kept by version. OCPP 2.0.1 Part 2, D01, D02, C13, C14."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.ids import EvseId, IdToken
from chargepoint.model.status import AuthorizationStatus
from chargepoint.ocpp.kept import Space
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import from_answer
from chargepoint.ocpp.token_cache import group_of, status_of, token_key
from chargepoint.store.rows import Keep

SPACE, VERSION_SPACE = "local-list", "local-list-version"
_VERSION = "version"


@dataclass(frozen=True, slots=True)
class ListedToken:
    """What the list says of a token at one EVSE. `expired`: its cacheExpiryDateTime has passed (C14.FR.05)."""

    status: AuthorizationStatus
    group: str
    expired: bool


class LocalList:
    """At most as many tokens as the caller allows. Only the central system changes the list (D01.FR.09)."""

    def __init__(self, entries: Space, versions: Space) -> None:
        self._entries = entries
        self._versions = versions

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def version(self) -> int:
        """The version the central system gave; 0: no list (D02.FR.02)."""
        return int(self._versions.get(_VERSION, 0))

    def lookup(self, token: IdToken, evse_id: EvseId, utc_s: float) -> ListedToken | None:
        """What is known of a token at this EVSE; None: it is not listed."""
        info = self._entries.get(token_key(token))
        if info is None:
            return None
        expiry = info.get("cacheExpiryDateTime")
        status = status_of(AuthorizationStatus(info["status"]), info.get("evseId", ()), evse_id)
        return ListedToken(status, group_of(info), expiry is not None and utc_s >= from_answer(expiry).timestamp())

    def replaced(self, version: int, items: list[tuple[IdToken, Payload]]) -> tuple[Keep, ...]:
        """The list is these tokens from now on (D01.FR.04, FR.15)."""
        return *self._entries.forget_all(), *self._puts(items), self._versions.keep(_VERSION, version)

    def changed(self, version: int, items: list[tuple[IdToken, Payload]], gone: list[IdToken]) -> tuple[Keep, ...]:
        """Tokens added, changed and removed (D01.FR.05, FR.16, FR.17)."""
        removed = (self._entries.forget(token_key(token)) for token in gone)
        return *removed, *self._puts(items), self._versions.keep(_VERSION, version)

    def size_after(self, items: list[tuple[IdToken, Payload]], gone: list[IdToken]) -> int:
        """How many tokens the list would have."""
        return len((self._entries.keys() | {token_key(t) for t, _ in items}) - {token_key(token) for token in gone})

    def _puts(self, items: list[tuple[IdToken, Payload]]) -> tuple[Keep, ...]:
        return tuple(self._entries.keep(token_key(token), info) for token, info in items)
