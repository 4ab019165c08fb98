"""C AuthorizationBlock: what is asked about a token, what is decided without the central system, ClearCache. ContractsBlock: `contracts`."""

from __future__ import annotations

from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.model.status import AuthorizationStatus
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import CallAnswer, Effects, Send, status
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.token_cache import SPACE, TokenCache


def token_on_wire(token: IdToken) -> Payload:
    """IdTokenType."""
    return {"idToken": token.value, "type": token.type.value}


def token_from_wire(payload: Payload) -> IdToken:
    """Raises ValueError for a token we could not report back (IdToken's own rules)."""
    kind = IdTokenType(payload["type"])
    value = payload["idToken"]
    return IdToken(value.upper() if kind is IdTokenType.ISO14443 else value, kind)


class AuthorizationBlock(FunctionalBlock):
    """The authorisation cache, and the rules of C about who must be asked."""

    def __init__(self, model: DeviceModel, kept: Kept) -> None:
        super().__init__()
        self._model = model
        self._cache = TokenCache(kept.space(SPACE))
        self.calls = {"ClearCache": self._clear_cache}
        self.takes = {"Authorize": self._authorize_answered}

    # -- questions of the station ------------------------------------------------------------------------------------

    def question(self, token: IdToken) -> Send:
        """Authorize for this token (C01)."""
        return Send("Authorize", {"idToken": token_on_wire(token)})

    def before_asking(self, token: IdToken, evse_id: EvseId, now: StationNow) -> AuthorizationStatus | None:
        """An answer that needs no Authorize although the station is online, or None."""
        if token.type is IdTokenType.NO_AUTHORIZATION:  # C02: nobody is asked
            return AuthorizationStatus.ACCEPTED
        if (
            self._model.flag("AuthCtrlr/LocalPreAuthorize")
            and self._cached(token, evse_id, now) is AuthorizationStatus.ACCEPTED
        ):
            return AuthorizationStatus.ACCEPTED  # C12.FR.02 to FR.05
        return None

    def without_csms(self, token: IdToken, evse_id: EvseId, now: StationNow) -> AuthorizationStatus:
        """The answer while the central system cannot be asked. C15.FR.08 and the cache."""
        if token.type is IdTokenType.NO_AUTHORIZATION:
            return AuthorizationStatus.ACCEPTED
        known = self._cached(token, evse_id, now)
        if known is not None and (
            known is not AuthorizationStatus.ACCEPTED or self._model.flag("AuthCtrlr/LocalAuthorizeOffline")
        ):
            return known
        if known is None and self._model.flag("AuthCtrlr/OfflineTxForUnknownIdEnabled"):
            return AuthorizationStatus.ACCEPTED
        return AuthorizationStatus.UNKNOWN

    # -- what the central system says ----------------------------------------------------------------------------------

    def learned(self, token: IdToken, info: Payload, now: StationNow) -> Effects:
        """Take an IdTokenInfo into the cache, if there is one. C10, C12.FR.06."""
        if not self._model.flag("AuthCacheCtrlr/Enabled") or token.type is IdTokenType.NO_AUTHORIZATION:
            return ()
        return self._cache.learn(token, info, now.utc_s, self._model.integer("AuthCacheCtrlr/LifeTime"))

    def _authorize_answered(self, request: Payload, response: Payload, now: StationNow) -> Effects:
        return self.learned(token_from_wire(request["idToken"]), response["idTokenInfo"], now)

    def _clear_cache(self, request: Payload, now: StationNow) -> CallAnswer:
        """C11."""
        if not self._model.flag("AuthCacheCtrlr/Enabled"):
            return CallAnswer(status("Rejected", "NotEnabled"))
        return CallAnswer(status("Accepted"), self._cache.clear())

    def _cached(self, token: IdToken, evse_id: EvseId, now: StationNow) -> AuthorizationStatus | None:
        if not self._model.flag("AuthCacheCtrlr/Enabled"):
            return None
        return self._cache.lookup(token, evse_id, now.utc_s)
