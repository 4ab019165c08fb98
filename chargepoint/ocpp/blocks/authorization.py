"""C Authorization: the Authorize request, what is decided without the central system, ClearCache. Contracts: `contracts`."""

from __future__ import annotations

from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.model.status import AuthorizationStatus
from chargepoint.ocpp.blocks.context import BlockContext, CallAnswer, status
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.schemas import Payload
from chargepoint.store.rows import Write


def token_on_wire(token: IdToken) -> Payload:
    """IdTokenType."""
    return {"idToken": token.value, "type": token.type.value}


def token_from_wire(payload: Payload) -> IdToken:
    """Raises ValueError for a token we could not report back (IdToken's own rules)."""
    kind = IdTokenType(payload["type"])
    value = payload["idToken"]
    return IdToken(value.upper() if kind is IdTokenType.ISO14443 else value, kind)


def before_asking(token: IdToken, evse_id: EvseId, context: BlockContext, now: Moment) -> AuthorizationStatus | None:
    """An answer that needs no Authorize although we are online, or None."""
    if token.type is IdTokenType.NO_AUTHORIZATION:  # C02: nobody is asked
        return AuthorizationStatus.ACCEPTED
    if (
        context.model.flag("AuthCtrlr/LocalPreAuthorize")
        and _cached(token, evse_id, context, now) is AuthorizationStatus.ACCEPTED
    ):
        return AuthorizationStatus.ACCEPTED  # C12.FR.02 to FR.05
    return None


def without_csms(token: IdToken, evse_id: EvseId, context: BlockContext, now: Moment) -> AuthorizationStatus:
    """The answer while the central system cannot be asked. C15.FR.08 and the cache."""
    if token.type is IdTokenType.NO_AUTHORIZATION:
        return AuthorizationStatus.ACCEPTED
    known = _cached(token, evse_id, context, now)
    if known is not None and (
        known is not AuthorizationStatus.ACCEPTED or context.model.flag("AuthCtrlr/LocalAuthorizeOffline")
    ):
        return known
    if known is None and context.model.flag("AuthCtrlr/OfflineTxForUnknownIdEnabled"):
        return AuthorizationStatus.ACCEPTED
    return AuthorizationStatus.UNKNOWN


def learned(token: IdToken, info: Payload, context: BlockContext, now: Moment) -> tuple[Write, ...]:
    """Take an IdTokenInfo into the cache, if there is one. C10, C12.FR.06."""
    if not context.model.flag("AuthCacheCtrlr/Enabled") or token.type is IdTokenType.NO_AUTHORIZATION:
        return ()
    return context.tokens.learn(token, info, now.utc_s, context.model.integer("AuthCacheCtrlr/LifeTime"))


def clear_cache(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """C11."""
    if not context.model.flag("AuthCacheCtrlr/Enabled"):
        return CallAnswer(status("Rejected", "NotEnabled"))
    return CallAnswer(status("Accepted"), context.tokens.clear())


def _cached(token: IdToken, evse_id: EvseId, context: BlockContext, now: Moment) -> AuthorizationStatus | None:
    if not context.model.flag("AuthCacheCtrlr/Enabled"):
        return None
    return context.tokens.lookup(token, evse_id, now.utc_s)
