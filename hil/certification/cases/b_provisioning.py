"""Block B, provisioning: boot, variables and reset. Reports are in `b_reports`, connections in `b_connections`."""

from __future__ import annotations

from datetime import UTC, datetime

from hil.certification.device_reports import collect, mutability
from hil.certification.frames import wire_time
from hil.certification.patterns import ABSENT, MISSING, Payload, one_of
from hil.certification.registry import case
from hil.certification.states import (
    booted,
    connectors_are,
    energy_transfer_started,
    ev_connected_post_session,
    ev_disconnected,
    reserved,
    startup_is_reported,
    stop_authorized,
    transaction_event,
    unavailable,
)
from hil.certification.trial import Trial

THRESHOLD = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
OFFLINE = {"component": {"name": "AuthCtrlr"}, "variable": {"name": "LocalAuthorizeOffline"}}
NO_COMPLAINT = one_of("NoError", MISSING)
BRIEF_S = 2
"""An interval of BootNotification that a case can wait for."""


# -- boot ------------------------------------------------------------------------------------------------------------------


@case("TC_B_01_CS")
async def cold_boot_accepted(trial: Trial) -> None:
    """The station boots, is accepted, and reports every connector."""
    await booted(trial)


@case("TC_B_02_CS")
async def cold_boot_pending(trial: Trial) -> None:
    """While Pending the station takes settings and reports, starts nothing, and boots again when it is asked to."""
    configured = trial.configured
    trial.csms.answers.order("BootNotification", trial.csms.answers.boot("Pending"), times=1)
    await trial.station.reboot()
    await trial.expects(1, "BootNotification", within_s=configured.reboot_within_s)
    setting = {"setVariableData": [{**THRESHOLD, "attributeValue": str(configured.offline_threshold_s)}]}
    await trial.calls(3, "SetVariables", setting, {"setVariableResult[0].attributeStatus": "Accepted"})
    getting = {"getVariableData": [THRESHOLD]}
    await trial.calls(5, "GetVariables", getting, {"getVariableResult[0].attributeStatus": "Accepted"})
    number = trial.request_id()
    report = {"requestId": number, "reportBase": "FullInventory"}
    await trial.calls(7, "GetBaseReport", report, {"status": "Accepted"})
    await collect(trial, 9, number)
    start = {
        "idToken": configured.valid_token.wire,
        "evseId": configured.evse_id,
        "remoteStartId": trial.request_id(),
    }
    await trial.calls(11, "RequestStartTransaction", start, {"status": "Rejected"})
    trigger = {"requestedMessage": "BootNotification"}
    status = one_of("Accepted", "NotImplemented")
    answer = await trial.calls(13, "TriggerMessage", trigger, {"status": status})
    if answer["status"] == "Accepted":
        await trial.expects(15, "BootNotification", {"reason": "Triggered"})
        await connectors_are(trial, 17, "Available")


@case("TC_B_03_CS")
async def cold_boot_rejected(trial: Trial) -> None:
    """After Rejected the station sends nothing before the interval is over, then boots again."""
    trial.csms.answers.order("BootNotification", trial.csms.answers.boot("Rejected", BRIEF_S), times=1)
    await trial.station.reboot()
    first = await trial.expects(1, "BootNotification", within_s=trial.configured.reboot_within_s)
    again = await trial.expects(3, "BootNotification", within_s=BRIEF_S + trial.configured.answer_within_s)
    waited_s = again.at_s - first.at_s
    trial.checks.true(3, f"the station waits {BRIEF_S} s or more", waited_s >= BRIEF_S - 0.1, f"{waited_s:.2f} s")
    between = [call.action for call in trial.csms.calls if first.at_s < call.at_s < again.at_s]
    trial.checks.value(3, "messages between the two BootNotifications", between, [])
    await connectors_are(trial, 5, "Available")


@case("TC_B_30_CS")
async def boot_rejected_security_error(trial: Trial) -> None:
    """While Rejected the station answers every CALL with SecurityError."""
    trial.csms.answers.order("BootNotification", trial.csms.answers.boot("Rejected", BRIEF_S), times=1)
    await trial.station.reboot()
    await trial.expects(1, "BootNotification", within_s=trial.configured.reboot_within_s)
    if trial.csms.connected:
        report = {"requestId": trial.request_id(), "reportBase": "FullInventory"}
        await trial.is_refused(3, "GetBaseReport", report, "SecurityError")


# -- variables -------------------------------------------------------------------------------------------------------------


def _got(number: int, data: Payload, value: str) -> Payload:
    place = f"getVariableResult[{number}]"
    return {
        f"{place}.attributeStatus": "Accepted",
        f"{place}.attributeType": one_of("Actual", MISSING),
        f"{place}.attributeValue": value,
        f"{place}.component.name": data["component"]["name"],
        f"{place}.variable.name": data["variable"]["name"],
        f"{place}.attributeStatusInfo.reasonCode": NO_COMPLAINT,
    }


def _was_set(number: int, data: Payload) -> Payload:
    place = f"setVariableResult[{number}]"
    return {
        f"{place}.attributeStatus": "Accepted",
        f"{place}.attributeType": one_of("Actual", MISSING),
        f"{place}.component.name": data["component"]["name"],
        f"{place}.variable.name": data["variable"]["name"],
        f"{place}.attributeStatusInfo.reasonCode": NO_COMPLAINT,
    }


def _by_variable(answer: Payload, field: str) -> Payload:
    """The results of an answer in the order of their variables' names: a station may change the order."""
    return {**answer, field: sorted(answer[field], key=lambda row: str(row["variable"]["name"]))}


@case("TC_B_06_CS")
async def get_one_variable(trial: Trial) -> None:
    """GetVariables for one variable."""
    value = str(trial.configured.offline_threshold_s)
    await trial.sets("OCPPCommCtrlr", "OfflineThreshold", value)
    asked = {"getVariableData": [{**THRESHOLD, "attributeType": "Actual"}]}
    await trial.calls(1, "GetVariables", asked, _got(0, THRESHOLD, value))


@case("TC_B_07_CS")
async def get_two_variables(trial: Trial) -> None:
    """GetVariables for two variables of two components."""
    value = str(trial.configured.offline_threshold_s)
    await trial.sets("OCPPCommCtrlr", "OfflineThreshold", value)
    await trial.sets("AuthCtrlr", "LocalAuthorizeOffline", "true")
    asked = {"getVariableData": [{**data, "attributeType": "Actual"} for data in (THRESHOLD, OFFLINE)]}
    answer = _by_variable(await trial.calls(1, "GetVariables", asked), "getVariableResult")
    trial.checks.message(2, "GetVariablesResponse", answer, _got(0, OFFLINE, "true") | _got(1, THRESHOLD, value))


@case("TC_B_09_CS")
async def set_one_variable(trial: Trial) -> None:
    """SetVariables for one variable."""
    await trial.remember("OCPPCommCtrlr", "OfflineThreshold")
    value = str(trial.configured.offline_threshold_s)
    setting = {"setVariableData": [{**THRESHOLD, "attributeValue": value, "attributeType": "Actual"}]}
    await trial.calls(1, "SetVariables", setting, _was_set(0, THRESHOLD))


@case("TC_B_10_CS")
async def set_two_variables(trial: Trial) -> None:
    """SetVariables for two variables of two components."""
    await trial.remember("OCPPCommCtrlr", "OfflineThreshold")
    await trial.remember("AuthCtrlr", "LocalAuthorizeOffline")
    values = ((THRESHOLD, str(trial.configured.offline_threshold_s)), (OFFLINE, "true"))
    setting = [{**data, "attributeValue": value, "attributeType": "Actual"} for data, value in values]
    answer = _by_variable(await trial.calls(1, "SetVariables", {"setVariableData": setting}), "setVariableResult")
    trial.checks.message(2, "SetVariablesResponse", answer, _was_set(0, OFFLINE) | _was_set(1, THRESHOLD))


@case("TC_B_11_CS")
async def set_badly_formatted_values(trial: Trial) -> None:
    """Each kind of variable takes values of its own kind and rejects others."""
    threshold = trial.configured.offline_threshold_s
    values = (str(threshold), str(threshold + 0.1), "true", wire_time(datetime.now(UTC)), "abc")
    kinds = {
        ("OCPPCommCtrlr", "OfflineThreshold"): (0,),
        ("SmartChargingCtrlr", "LimitChangeSignificance"): (),
        ("AuthCtrlr", "AuthorizeRemoteStart"): (2,),
        ("ClockCtrlr", "NextTimeOffsetTransitionDateTime"): (3,),
    }
    for step, ((component, variable), fitting) in zip((1, 3, 5, 7), kinds.items(), strict=True):
        if await mutability(trial, component, variable) != "ReadWrite":
            continue
        await trial.remember(component, variable)
        for index, value in enumerate(values):
            data: Payload = {"component": {"name": component}, "variable": {"name": variable}, "attributeValue": value}
            status = "Accepted" if index in fitting else one_of("Rejected", "Accepted") if not fitting else "Rejected"
            pattern: Payload = {"attributeStatus": status, "component.name": component, "variable.name": variable}
            answer = await trial.calls(step, "SetVariables", {"setVariableData": [data]})
            trial.checks.message(step + 1, f"result for {variable} = {value}", answer["setVariableResult"][0], pattern)


async def _get_is_answered(trial: Trial, data: Payload, status: str) -> None:
    pattern = {
        "getVariableResult[0].attributeStatus": status,
        "getVariableResult[0].component.name": data["component"]["name"],
        "getVariableResult[0].variable.name": data["variable"]["name"],
    }
    if "attributeType" in data:
        pattern["getVariableResult[0].attributeType"] = data["attributeType"]
    await trial.calls(1, "GetVariables", {"getVariableData": [data]}, pattern)


async def _set_is_answered(trial: Trial, data: Payload, status: str) -> None:
    pattern = {
        "setVariableResult[0].attributeStatus": status,
        "setVariableResult[0].component.name": data["component"]["name"],
        "setVariableResult[0].variable.name": data["variable"]["name"],
    }
    if "attributeType" in data:
        pattern["setVariableResult[0].attributeType"] = data["attributeType"]
    if "instance" in data["variable"]:
        pattern["setVariableResult[0].variable.instance"] = data["variable"]["instance"]
    await trial.calls(1, "SetVariables", {"setVariableData": [{**data, "attributeValue": "300"}]}, pattern)


UNKNOWN_COMPONENT: Payload = {"component": {"name": "UnknownComponent"}, "variable": {"name": "OfflineThreshold"}}
UNKNOWN_VARIABLE: Payload = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "UnknownVariable"}}


@case("TC_B_32_CS")
async def get_unknown_component(trial: Trial) -> None:
    """GetVariables for a component that does not exist."""
    await _get_is_answered(trial, UNKNOWN_COMPONENT, "UnknownComponent")


@case("TC_B_33_CS")
async def get_unknown_variable(trial: Trial) -> None:
    """GetVariables for a variable that does not exist."""
    await _get_is_answered(trial, UNKNOWN_VARIABLE, "UnknownVariable")


@case("TC_B_34_CS")
async def get_unsupported_attribute(trial: Trial) -> None:
    """GetVariables for an attribute that the variable does not have."""
    await _get_is_answered(trial, {**THRESHOLD, "attributeType": "Target"}, "NotSupportedAttributeType")


@case("TC_B_35_CS")
async def set_unknown_component(trial: Trial) -> None:
    """SetVariables for a component that does not exist."""
    await _set_is_answered(trial, UNKNOWN_COMPONENT, "UnknownComponent")


@case("TC_B_36_CS")
async def set_unknown_variable(trial: Trial) -> None:
    """SetVariables for a variable that does not exist."""
    await _set_is_answered(trial, UNKNOWN_VARIABLE, "UnknownVariable")


@case("TC_B_37_CS")
async def set_unsupported_attribute(trial: Trial) -> None:
    """SetVariables for an attribute that the variable does not have."""
    await _set_is_answered(trial, {**THRESHOLD, "attributeType": "Target"}, "NotSupportedAttributeType")


@case("TC_B_39_CS")
async def set_read_only(trial: Trial) -> None:
    """SetVariables for a variable that can only be read."""
    timeout = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "MessageTimeout", "instance": "Default"}}
    await _set_is_answered(trial, timeout, "Rejected")


# -- reset -----------------------------------------------------------------------------------------------------------------


def _at(trial: Trial) -> tuple[int, int]:
    return trial.configured.evse_id, trial.configured.connector_id


@case("TC_B_20_CS")
async def reset_idle(trial: Trial) -> None:
    """Reset OnIdle without a transaction."""
    await trial.calls(1, "Reset", {"type": "OnIdle"}, {"status": "Accepted"})
    await trial.expects(3, "BootNotification", within_s=trial.configured.reboot_within_s)
    await connectors_are(trial, 5, "Available")


@case("TC_B_21_CS")
async def reset_when_idle_with_transaction(trial: Trial) -> None:
    """Reset OnIdle waits for the end of the transaction."""
    await energy_transfer_started(trial)
    await trial.calls(1, "Reset", {"type": "OnIdle"}, {"status": "Scheduled"})
    await stop_authorized(trial)
    plugged = trial.session.ended
    if not plugged:
        await ev_connected_post_session(trial)
        await ev_disconnected(trial)
    reason = {"reason": "ScheduledReset"}
    await trial.expects(7, "BootNotification", reason, within_s=trial.configured.reboot_within_s)
    await connectors_are(trial, 9, "Available", {_at(trial): "Occupied"} if plugged else None)
    await startup_is_reported(trial, 11)


@case("TC_B_41_CS")
async def reset_when_idle_with_transactions(trial: Trial) -> None:
    """Reset OnIdle waits for the end of every transaction."""
    first, second = list(trial.configured.connectors)[:2]
    for evse_id in (first, second):
        trial.at_evse(evse_id)
        await energy_transfer_started(trial)
    await trial.calls(1, "Reset", {"type": "OnIdle"}, {"status": "Scheduled"})
    trial.at_evse(first)
    await ev_disconnected(trial)
    trial.at_evse(second)
    await stop_authorized(trial)
    plugged = trial.session.ended
    if not plugged:
        await ev_disconnected(trial)
    reason = {"reason": "ScheduledReset"}
    await trial.expects(11, "BootNotification", reason, within_s=trial.configured.reboot_within_s)
    await connectors_are(trial, 13, "Available", {(second, 1): "Occupied"} if plugged else None)


@case("TC_B_22_CS")
async def reset_immediate_with_transaction(trial: Trial) -> None:
    """Reset Immediate ends the transaction first."""
    await energy_transfer_started(trial)
    await trial.calls(1, "Reset", {"type": "Immediate"}, {"status": "Accepted"})
    await _ended_by_reset(trial, {"idToken": ABSENT})
    reason = {"reason": "RemoteReset"}
    await trial.expects(5, "BootNotification", reason, within_s=trial.configured.reboot_within_s)
    await connectors_are(trial, 7, "Available", {_at(trial): "Occupied"})


async def _ended_by_reset(trial: Trial, further: Payload) -> None:
    has = {
        "triggerReason": "ResetCommand",
        "transactionInfo.chargingState": "EVConnected",
        "transactionInfo.stoppedReason": "ImmediateReset",
        **further,
    }
    await transaction_event(trial, 3, {"eventType": "Ended"}, has)


@case("TC_B_23_CS")
async def unavailable_outlives_reset(trial: Trial) -> None:
    """A connector that was made Inoperative is Unavailable after the reset."""
    await unavailable(trial, _at(trial))
    await _reset_keeps(trial, "Unavailable")


@case("TC_B_24_CS")
async def reserved_outlives_reset(trial: Trial) -> None:
    """A reserved connector is Reserved after the reset."""
    await reserved(trial)
    await _reset_keeps(trial, "Reserved")


async def _reset_keeps(trial: Trial, state: str) -> None:
    await trial.calls(1, "Reset", {"type": "OnIdle"}, {"status": "Accepted"})
    reason = {"reason": "RemoteReset"}
    await trial.expects(3, "BootNotification", reason, within_s=trial.configured.reboot_within_s)
    await connectors_are(trial, 5, "Available", {_at(trial): state})


@case("TC_B_25_CS")
async def reset_one_evse(trial: Trial) -> None:
    """Reset of one EVSE without a transaction."""
    await _reset_evse(trial, "OnIdle", "Accepted")


@case("TC_B_26_CS")
async def reset_one_evse_when_idle(trial: Trial) -> None:
    """Reset OnIdle of one EVSE waits for the end of its transaction."""
    await energy_transfer_started(trial)
    await _reset_evse(trial, "OnIdle", "Scheduled")
    await ev_disconnected(trial)


@case("TC_B_27_CS")
async def reset_one_evse_at_once(trial: Trial) -> None:
    """Reset Immediate of one EVSE ends its transaction."""
    await energy_transfer_started(trial)
    await _reset_evse(trial, "Immediate", "Accepted")
    await _ended_by_reset(trial, {})


@case("TC_B_28_CS")
async def reset_one_evse_refused(trial: Trial) -> None:
    """A station that resets as a whole rejects the reset of one EVSE."""
    await _reset_evse(trial, "OnIdle", "Rejected")


@case("TC_B_29_CS")
async def reset_one_evse_refused_with_transaction(trial: Trial) -> None:
    """The same while a transaction runs."""
    await energy_transfer_started(trial)
    await _reset_evse(trial, "OnIdle", "Rejected")


async def _reset_evse(trial: Trial, kind: str, status: str) -> None:
    await trial.calls(1, "Reset", {"type": kind, "evseId": trial.configured.evse_id}, {"status": status})
