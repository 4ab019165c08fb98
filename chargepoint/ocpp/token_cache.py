"""The authorisation cache: the central system's last answer about a token. OCPP 2.0.1 Part 2, C10 to C12, C15."""

from __future__ import annotations

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
        found = self._tokens.get(token_key(token))
        if found is None or (found["expiresUtcS"] is not None and utc_s >= found["expiresUtcS"]):
            return None
        return status_of(AuthorizationStatus(found["status"]), found["evseIds"], evse_id)

    def group(self, token: IdToken) -> str:
        """The group of a token (`group_of`); empty where none is known."""
        return str(self._tokens.get(token_key(token), {}).get("group", ""))

    def learn(self, token: IdToken, info: Payload, utc_s: float, lifetime_s: float) -> tuple[Keep, ...]:
        """Take an IdTokenInfo (C10.FR.04: also from TransactionEvent). Returns what to keep."""
        expires = utc_s + lifetime_s if lifetime_s > 0 else None
        if "cacheExpiryDateTime" in info:
            expires = from_answer(info["cacheExpiryDateTime"]).timestamp()
        key = token_key(token)
        document = {
            "status": info["status"],
            "expiresUtcS": expires,
            "evseIds": list(info.get("evseId", ())),
            "group": group_of(info),
        }
        leaving = self._leaving(key, utc_s)
        return (*(self._tokens.forget(other) for other in leaving), self._tokens.keep(key, document))

    def _leaving(self, key: str, utc_s: float) -> list[str]:
        """Entries that make room for this one: what is over (C10.FR.10); then what is not accepted; then the oldest (C10.FR.07)."""
        others = {other: entry for other, entry in self._tokens.items() if other != key}
        over = [k for k, e in others.items() if e["expiresUtcS"] is not None and utc_s >= e["expiresUtcS"]]
        staying = [other for other in others if other not in set(over)]
        staying.sort(key=lambda other: others[other]["status"] == AuthorizationStatus.ACCEPTED.value)
        return over + staying[: max(0, len(staying) + 1 - TOKENS_MAX)]

    def forget(self, token: IdToken) -> tuple[Keep, ...]:
        """Forget one token."""
        key = token_key(token)
        return (self._tokens.forget(key),) if key in self._tokens else ()

    def clear(self) -> tuple[Keep, ...]:
        """Forget all (C11)."""
        return self._tokens.forget_all()


def status_at(info: Payload, evse_id: EvseId) -> AuthorizationStatus:
    """The status that an IdTokenInfo gives its token at this EVSE."""
    return status_of(AuthorizationStatus(info["status"]), info.get("evseId", ()), evse_id)


def group_of(info: Payload) -> str:
    """The group an IdTokenInfo names (groupIdToken), as one text; empty where it names none."""
    group = info.get("groupIdToken")
    return "" if group is None else str(group["idToken"]).casefold()


def status_of(status: AuthorizationStatus, evse_ids: Sequence[int], evse_id: EvseId) -> AuthorizationStatus:
    """The status of a token at this EVSE, where its information names the EVSEs it may charge at."""
    # C01.FR.21: a list of EVSEs is all the token may charge at; none given means everywhere (FR.19)
    if status is AuthorizationStatus.ACCEPTED and evse_ids and int(evse_id) not in evse_ids:
        return AuthorizationStatus.NOT_ALLOWED_TYPE_EVSE
    return status


def token_key(token: IdToken) -> str:
    """Type and value, in a form that does not depend on upper and lower case."""
    return f"{token.type.value}:{token.value.casefold()}"
