"""C AuthorizationBlock: what is asked about a token, what is decided without the central system, ClearCache. ContractsBlock: `contracts`."""

from __future__ import annotations

from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.model.status import AuthorizationStatus
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import CallAnswer, Effects, IdTokenInfoReceived, Send, Share, status
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.local_list import ListedToken, LocalList
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.token_cache import SPACE, TokenCache, group_of, token_key

GROUPS_MAX = 1_000
NEVER_ASKED = frozenset({IdTokenType.NO_AUTHORIZATION, IdTokenType.CENTRAL})
"""Tokens of these types come from the station itself or with an order of the central system: nobody is asked, nothing is cached (C02, C03, C05)."""


def token_on_wire(token: IdToken) -> Payload:
    """IdTokenType."""
    return {"idToken": token.value, "type": token.type.value}


def token_from_wire(payload: Payload) -> IdToken:
    """Raises ValueError for a token we could not report back (IdToken's own rules)."""
    kind = IdTokenType(payload["type"])
    value = payload["idToken"]
    return IdToken(value.upper() if kind is IdTokenType.ISO14443 else value, kind)


class AuthorizationBlock(FunctionalBlock):
    """The authorisation cache, the local list, and the rules of C about who must be asked."""

    def __init__(self, model: DeviceModel, tokens: LocalList, kept: Kept) -> None:
        super().__init__()
        self._model = model
        self._list = tokens
        self._cache = TokenCache(kept.space(SPACE))
        self._groups: dict[str, str] = {}
        """By token, the groups learned since the start: also of tokens that are never cached. At most GROUPS_MAX."""
        self.calls = {"ClearCache": self._clear_cache}
        self.takes = {"Authorize": self._authorize_answered}

    # -- questions of the station ------------------------------------------------------------------------------------

    def question(self, token: IdToken) -> Send:
        """Authorize for this token (C01)."""
        return Send("Authorize", {"idToken": token_on_wire(token)})

    def before_asking(self, token: IdToken, evse_id: EvseId, now: StationNow) -> AuthorizationStatus | None:
        """An answer that needs no Authorize although the station is online, or None."""
        if token.type in NEVER_ASKED:  # C02, C03.FR.01, C05.FR.01
            return AuthorizationStatus.ACCEPTED
        if self._model.flag("AuthCtrlr/DisableRemoteAuthorization"):
            return self.without_csms(token, evse_id, now)
        status, component = self._known(token, evse_id, now), "AuthCacheCtrlr"
        if self._listed(token, evse_id, now) is not None:
            component = "LocalAuthListCtrlr"
        if status is AuthorizationStatus.ACCEPTED:
            # C12.FR.02 to FR.05, C14.FR.02, FR.04
            return status if self._model.flag("AuthCtrlr/LocalPreAuthorize") else None
        if status is not None and self._model.flag(f"{component}/DisablePostAuthorize"):
            return status
        return None  # C10.FR.03, C14.FR.03, FR.05

    def without_csms(self, token: IdToken, evse_id: EvseId, now: StationNow) -> AuthorizationStatus:
        """The answer while the central system cannot be asked. C13, C15.FR.08 and the cache."""
        if token.type in NEVER_ASKED:
            return AuthorizationStatus.ACCEPTED
        known = self._known(token, evse_id, now)
        unknown_may = self._model.flag("AuthCtrlr/OfflineTxForUnknownIdEnabled")
        if known is None:
            return AuthorizationStatus.ACCEPTED if unknown_may else AuthorizationStatus.UNKNOWN
        # C13.FR.06: where an unknown token may charge, an accepted one may as well
        if (
            known is not AuthorizationStatus.ACCEPTED
            or unknown_may
            or self._model.flag("AuthCtrlr/LocalAuthorizeOffline")
        ):
            return known
        return AuthorizationStatus.UNKNOWN

    def stops_without_asking(self, token: IdToken, running: IdToken, evse_id: EvseId, now: StationNow) -> bool:
        """The token is known here as accepted, and of the same group as that of the transaction (C09.FR.07, E07.FR.01)."""
        return self._known(token, evse_id, now) is AuthorizationStatus.ACCEPTED and self.same_group(token, running)

    def same_group(self, token: IdToken, running: IdToken) -> bool:
        """Both tokens belong to one group, as far as known."""
        group = self.group(token)
        return bool(group) and group == self.group(running)

    def master_pass(self, token: IdToken, group: str = "") -> bool:
        """The token belongs to the master pass group (C16). `group`: that of the message, where it names one."""
        master = self._model.text("AuthCtrlr/MasterPassGroupId").casefold()
        return bool(master) and (group or self.group(token)) == master

    def group(self, token: IdToken) -> str:
        """The group of a token, by the list, by what was learned, by the cache; empty where none is known."""
        key = token_key(token)
        if self._model.flag("LocalAuthListCtrlr/Enabled"):
            listed = self._list.lookup(token, EvseId(0), 0.0)
            if listed is not None and listed.group:
                return listed.group
        return self._groups.get(key) or self._cache.group(token)

    # -- what the central system says ----------------------------------------------------------------------------------

    def learned(self, token: IdToken, info: Payload, now: StationNow) -> Effects:
        """Take an IdTokenInfo into the cache, if there is one. C10, C12.FR.06."""
        self._groups.pop(token_key(token), None)
        self._groups[token_key(token)] = group_of(info)
        while len(self._groups) > GROUPS_MAX:
            del self._groups[next(iter(self._groups))]
        return (Share(IdTokenInfoReceived(token, info)), *self._cached(token, info, now))

    def _cached(self, token: IdToken, info: Payload, now: StationNow) -> Effects:
        if not self._model.flag("AuthCacheCtrlr/Enabled") or token.type in NEVER_ASKED:  # C02.FR.03, C03.FR.02
            return ()
        return self._cache.learn(token, info, now.utc_s, self._model.integer("AuthCacheCtrlr/LifeTime"))

    def forget(self, token: IdToken) -> Effects:
        """Forget this token; the local list is the central system's and keeps it (N10.FR.03)."""
        self._groups.pop(token_key(token), None)
        return self._cache.forget(token)

    def _authorize_answered(self, request: Payload, response: Payload, now: StationNow) -> Effects:
        return self.learned(token_from_wire(request["idToken"]), response["idTokenInfo"], now)

    def _clear_cache(self, request: Payload, now: StationNow) -> CallAnswer:
        """C11."""
        if not self._model.flag("AuthCacheCtrlr/Enabled"):
            return CallAnswer(status("Rejected", "NotEnabled"))
        return CallAnswer(status("Accepted"), self._cache.clear(), unstored="Rejected")  # C11.FR.05

    # -- what is known here --------------------------------------------------------------------------------------------

    def _known(self, token: IdToken, evse_id: EvseId, now: StationNow) -> AuthorizationStatus | None:
        """By the list first (C13.FR.01, C14.FR.01), then by the cache. An entry of the list that is over counts as expired."""
        listed = self._listed(token, evse_id, now)
        if listed is not None:
            accepted = listed.status is AuthorizationStatus.ACCEPTED
            return AuthorizationStatus.EXPIRED if accepted and listed.expired else listed.status
        if not self._model.flag("AuthCacheCtrlr/Enabled"):
            return None
        return self._cache.lookup(token, evse_id, now.utc_s)

    def _listed(self, token: IdToken, evse_id: EvseId, now: StationNow) -> ListedToken | None:
        if not self._model.flag("LocalAuthListCtrlr/Enabled"):
            return None
        return self._list.lookup(token, evse_id, now.utc_s)
