"""D Local authorization list: SendLocalList, GetLocalListVersion."""

from __future__ import annotations

from chargepoint.model.ids import IdToken
from chargepoint.ocpp.blocks.authorization import token_from_wire
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import CallAnswer, status
from chargepoint.ocpp.device_model import DeviceModel, Variable
from chargepoint.ocpp.local_list import LocalList
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.token_cache import token_key
from chargepoint.ocpp.variables.local_list import MAX_ENTRIES


class LocalListBlock(FunctionalBlock):
    """The central system's door to the list."""

    def __init__(self, model: DeviceModel, tokens: LocalList) -> None:
        super().__init__()
        self._model = model
        self._list = tokens
        self.calls = {"SendLocalList": self._send_local_list, "GetLocalListVersion": self._get_version}

    def _get_version(self, request: Payload, now: StationNow) -> CallAnswer:
        """D02; 0 while the list is switched off (D02.FR.03)."""
        return CallAnswer({"versionNumber": self._list.version if self._enabled else 0})

    def _send_local_list(self, request: Payload, now: StationNow) -> CallAnswer:
        """D01. All of the message is taken, or nothing."""
        version, differential = request["versionNumber"], request["updateType"] == "Differential"
        data = request.get("localAuthorizationList", [])
        most = self._model.integer("LocalAuthListCtrlr/ItemsPerMessage")
        if not self._enabled:  # D01.FR.13
            return _failed("NotEnabled", "LocalAuthListCtrlr/Enabled is false")
        if version <= 0:  # D01.FR.18
            return _failed("ValueTooLow", f"versionNumber {version}: at least 1")
        if differential and version <= self._list.version:  # D01.FR.19
            return CallAnswer(status("VersionMismatch"))
        if len(data) > most:  # D01.FR.11
            return _failed("TooManyElements", f"{len(data)} tokens in one message: at most {most}")
        items: list[tuple[IdToken, Payload]] = []
        gone: list[IdToken] = []
        for number, entry in enumerate(data):
            try:
                token = token_from_wire(entry["idToken"])
            except ValueError as error:
                return _failed("InvalidIdToken", f"localAuthorizationList[{number}]: {error}")
            if "idTokenInfo" in entry:
                items.append((token, entry["idTokenInfo"]))
            elif differential:
                gone.append(token)
            else:
                return _failed("MissingParam", f"localAuthorizationList[{number}]: a Full list needs idTokenInfo")
        keys = [token_key(token) for token, _ in items] + [token_key(token) for token in gone]
        if len(set(keys)) < len(keys):  # D01.FR.06
            return _failed("DuplicateRequestId", "a token occurs twice in localAuthorizationList")
        size = self._list.size_after(items, gone) if differential else len(items)
        if size > MAX_ENTRIES:
            return _failed("OutOfStorage", f"the list would have {size} tokens: at most {MAX_ENTRIES}")
        if differential:
            return CallAnswer(status("Accepted"), self._list.changed(version, items, gone), unstored="Failed")
        return CallAnswer(status("Accepted"), self._list.replaced(version, items), unstored="Failed")

    @property
    def _enabled(self) -> bool:
        return self._model.flag("LocalAuthListCtrlr/Enabled")

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """How many tokens the list has."""
        return str(len(self._list)) if row.key == "LocalAuthListCtrlr/Entries" else None


def _failed(reason_code: str, text: str) -> CallAnswer:
    return CallAnswer(status("Failed", reason_code, text))
