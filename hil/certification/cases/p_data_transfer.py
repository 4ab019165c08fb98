"""Block P, data transfer and custom data."""

from __future__ import annotations

from hil.certification.patterns import MISSING, Payload, one_of
from hil.certification.registry import case
from hil.certification.trial import Trial

UNKNOWN_VENDOR = "org.unknown.vendor"
CUSTOM: Payload = {"vendorId": UNKNOWN_VENDOR, "someValue": "kept by nobody", "nested": {"numbers": [1, 2.5]}}
VALUE = "200"


@case("TC_P_01_CS")
async def unknown_vendor(trial: Trial) -> None:
    """DataTransfer of a vendor the station does not know."""
    payload = {"vendorId": UNKNOWN_VENDOR, "messageId": trial.configured.message_id}
    statuses = one_of("UnknownVendorId", "UnknownMessageId", "Rejected")
    await trial.calls(1, "DataTransfer", payload, {"status": statuses})


@case("TC_P_03_CS")
async def custom_data(trial: Trial) -> None:
    """Requests with customData are answered as if it were not there."""
    await trial.remember("OCPPCommCtrlr", "OfflineThreshold")
    data: Payload = {
        "component": {"name": "OCPPCommCtrlr", "customData": CUSTOM},
        "variable": {"name": "OfflineThreshold", "customData": CUSTOM},
        "attributeType": "Actual",
        "customData": CUSTOM,
    }
    setting = {"setVariableData": [{**data, "attributeValue": VALUE}], "customData": CUSTOM}
    await trial.calls(1, "SetVariables", setting, {"setVariableResult[0].attributeStatus": "Accepted"})
    pattern = {
        "getVariableResult[0].attributeStatus": "Accepted",
        "getVariableResult[0].attributeType": one_of("Actual", MISSING),
        "getVariableResult[0].attributeValue": VALUE,
    }
    await trial.calls(3, "GetVariables", {"getVariableData": [data], "customData": CUSTOM}, pattern)
