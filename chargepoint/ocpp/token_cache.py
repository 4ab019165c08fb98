"""The authorisation cache: the central system's last answer about a token. OCPP 2.0.1 Part 2, C10 to C12, C15."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chargepoint.model.ids import EvseId, IdToken
from chargepoint.model.status import AuthorizationStatus
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import from_answer
from chargepoint.store.database import TOKENS_MAX_ROWS
from chargepoint.store.rows import CachedToken, CacheToken, ForgetTokens, Write


class TokenCache:
    """At most `TOKENS_MAX_ROWS` tokens; the oldest leaves. Expiry in UTC seconds."""

    def __init__(self, tokens: Iterable[CachedToken]) -> None:
        self._tokens = {token.key: token for token in tokens}

    def lookup(self, token: IdToken, evse_id: EvseId, utc_s: float) -> AuthorizationStatus | None:
        """What is known of a token at this EVSE, None where nothing (any more)."""
        found = self._tokens.get(_key(token))
        if found is None or (found.expires_utc_s is not None and utc_s >= found.expires_utc_s):
            return None
        return _at_evse(AuthorizationStatus(found.status), found.evse_ids, evse_id)

    def learn(self, token: IdToken, info: Payload, utc_s: float, lifetime_s: float) -> tuple[Write, ...]:
        """Take an IdTokenInfo (C10.FR.04: also from TransactionEvent). Returns what to keep."""
        expires = utc_s + lifetime_s if lifetime_s > 0 else None
        if "cacheExpiryDateTime" in info:
            expires = from_answer(info["cacheExpiryDateTime"]).timestamp()
        cached = CachedToken(_key(token), info["status"], expires, tuple(info.get("evseId", ())))
        self._tokens.pop(cached.key, None)
        self._tokens[cached.key] = cached
        while len(self._tokens) > TOKENS_MAX_ROWS:
            del self._tokens[next(iter(self._tokens))]
        return (CacheToken(cached),)

    def clear(self) -> tuple[Write, ...]:
        """Forget all (C11)."""
        self._tokens.clear()
        return (ForgetTokens(),)


def status_at(info: Payload, evse_id: EvseId) -> AuthorizationStatus:
    """The status that an IdTokenInfo gives its token at this EVSE."""
    return _at_evse(AuthorizationStatus(info["status"]), info.get("evseId", ()), evse_id)


def _at_evse(status: AuthorizationStatus, evse_ids: Sequence[int], evse_id: EvseId) -> AuthorizationStatus:
    # C01.FR.21: a list of EVSEs is all the token may charge at; none given means everywhere (FR.19)
    if status is AuthorizationStatus.ACCEPTED and evse_ids and int(evse_id) not in evse_ids:
        return AuthorizationStatus.NOT_ALLOWED_TYPE_EVSE
    return status


def _key(token: IdToken) -> str:
    return f"{token.type.value}:{token.value.casefold()}"
