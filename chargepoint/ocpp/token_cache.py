"""The authorisation cache: the central system's last answer about a token. OCPP 2.0.1 Part 2, C10 to C12, C15."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from chargepoint.model.ids import EvseId, IdToken
from chargepoint.model.status import AuthorizationStatus
from chargepoint.ocpp.kept import Space
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import from_answer
from chargepoint.store.rows import Keep

TOKENS_MAX = 1_000
SPACE = "token-cache"


class TokenCache:
    """At most `TOKENS_MAX` tokens; the oldest leaves. Expiry in UTC seconds."""

    def __init__(self, space: Space) -> None:
        self._tokens = space

    def lookup(self, token: IdToken, evse_id: EvseId, utc_s: float) -> AuthorizationStatus | None:
        """What is known of a token at this EVSE, None where nothing (any more)."""
        found = self._tokens.get(_key(token))
        if found is None or (found["expiresUtcS"] is not None and utc_s >= found["expiresUtcS"]):
            return None
        return _at_evse(AuthorizationStatus(found["status"]), found["evseIds"], evse_id)

    def learn(self, token: IdToken, info: Payload, utc_s: float, lifetime_s: float) -> tuple[Keep, ...]:
        """Take an IdTokenInfo (C10.FR.04: also from TransactionEvent). Returns what to keep."""
        expires = utc_s + lifetime_s if lifetime_s > 0 else None
        if "cacheExpiryDateTime" in info:
            expires = from_answer(info["cacheExpiryDateTime"]).timestamp()
        key = _key(token)
        others = [other for other in self._tokens if other != key]
        document = {"status": info["status"], "expiresUtcS": expires, "evseIds": list(info.get("evseId", ()))}
        leaving = itertools.islice(others, max(0, len(others) + 1 - TOKENS_MAX))
        return (*(self._tokens.forget(other) for other in leaving), self._tokens.keep(key, document))

    def clear(self) -> tuple[Keep, ...]:
        """Forget all (C11)."""
        return self._tokens.forget_all()


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
