"""P Data transfer: OCPP 2.1's V2X messages over 2.0.1, form (d) of docs/sources/ocpp.md 7.3. P01, P02."""

from __future__ import annotations

import json
from typing import Any

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import CallAnswer, status
from chargepoint.ocpp.blocks.smart_charging import SmartChargingBlock
from chargepoint.ocpp.charging_schedule import VENDOR_ID, ProfileRejected
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.schemas import Payload


class DataTransferBlock(FunctionalBlock):
    """Messages of our own vendor id."""

    def __init__(self, model: DeviceModel, smart_charging: SmartChargingBlock) -> None:
        super().__init__()
        self._model = model
        self._smart_charging = smart_charging
        self.calls = {"DataTransfer": self._data_transfer}

    def _data_transfer(self, request: Payload, now: StationNow) -> CallAnswer:
        """`data` is the exact 2.1 payload, as an object or as its JSON text."""
        if request["vendorId"] != VENDOR_ID:
            return CallAnswer(status("UnknownVendorId"))  # P01.FR.05
        match request.get("messageId"):
            case "UpdateDynamicSchedule":
                step = self._update_dynamic_schedule
            case "NotifyAllowedEnergyTransfer":
                step = self._notify_allowed_energy_transfer
            case _:
                return CallAnswer(status("UnknownMessageId"))  # P01.FR.06
        if not self._model.flag("V2XChargingCtrlr/V2XOver201"):
            return CallAnswer(status("Rejected", "NotEnabled", "V2XOver201 is false"))
        data = _object(request.get("data"))
        if data is None:
            return CallAnswer(status("Rejected", "InvalidValue", "data is not a JSON object"))
        try:
            return step(data, now)
        except ProfileRejected as error:
            return CallAnswer(status("Rejected", error.reason_code, error.text))

    def _update_dynamic_schedule(self, data: Payload, now: StationNow) -> CallAnswer:
        """OCPP 2.1 K28: new values for the profile's only period, valid for its duration from now."""
        profile_id, update = data.get("chargingProfileId"), data.get("scheduleUpdate")
        if isinstance(profile_id, bool) or not isinstance(profile_id, int):
            raise ProfileRejected("MissingParam", "chargingProfileId: a whole number")
        if not isinstance(update, dict):
            raise ProfileRejected("MissingParam", "scheduleUpdate: an object")
        return self._smart_charging.update(profile_id, update, now)

    def _notify_allowed_energy_transfer(self, data: Payload, now: StationNow) -> CallAnswer:
        """OCPP 2.1 Q02: whether the transaction may discharge. Anything but a _BPT mode allows charging only."""
        transaction_id, allowed = data.get("transactionId"), data.get("allowedEnergyTransfer")
        if not isinstance(transaction_id, str) or not isinstance(allowed, list):
            raise ProfileRejected("MissingParam", "transactionId: a text; allowedEnergyTransfer: a list")
        if now.transaction(transaction_id) is None:
            raise ProfileRejected("TxNotFound", f"no transaction {transaction_id[:36]}")
        permitted = any(isinstance(mode, str) and "BPT" in mode for mode in allowed)
        return CallAnswer(status("Accepted"), self._smart_charging.permit_discharge(transaction_id, permitted))


def _object(data: Any) -> Payload | None:
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            return None
    return data if isinstance(data, dict) else None
