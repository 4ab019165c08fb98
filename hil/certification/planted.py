"""Planted faults: a proxy between station and suite that alters the station's frames on the way. They prove that the cases find faults.

A core: text in, text out. `CentralSystem` passes every frame through an `Interceptor`. Each fault names the cases that must fail
with it and pass without it; `hil.certification.proof` holds them to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hil.certification.frames import CALL, CALL_RESULT
from hil.certification.patterns import Pattern, Payload, matches, value_at

LATE_S = 12.0
"""Longer than any case waits for a message that must come at once."""
COPY = "copy-"
"""The message id of a doubled CALL begins with this."""
Alteration = Callable[[Payload], Iterable[Payload]]
"""What goes on in place of one payload: nothing where it is lost, two where it is doubled."""


@dataclass(frozen=True, slots=True)
class PlantedFault:
    """One fault. It concerns CALLs of `action` that fit `where`, or (`in_answers`) the station's answers to CALLs of `action`."""

    name: str
    words: str
    """What is wrong with the station, for people."""
    cases: tuple[str, ...]
    """Each of these fails with the fault, and passes without it."""
    action: str
    alteration: Alteration
    where: Pattern = field(default_factory=dict)
    in_answers: bool = False
    delay_s: float = 0.0

    def concerns(self, action: str, payload: Any, *, in_answers: bool) -> bool:
        """Whether this frame is altered."""
        return action == self.action and in_answers is self.in_answers and matches(payload, self.where)


@dataclass(frozen=True, slots=True)
class Passage:
    """What becomes of one frame of the station."""

    onward: tuple[str, ...]
    """These frames reach the suite."""
    delay_s: float = 0.0
    returned: str | None = None
    """This frame goes back to the station: the answer to a CALL that was lost on the way."""


class Interceptor:
    """Frames pass through here. Without a fault nothing changes."""

    def __init__(self) -> None:
        self.fault: PlantedFault | None = None
        self.altered = 0
        """How many frames were altered since the fault was planted."""
        self._asked: dict[str, str] = {}
        """The action of each CALL of the suite, by message id."""

    def plant(self, fault: PlantedFault | None) -> None:
        """Alter the frames of now on; None: no more."""
        self.fault, self.altered = fault, 0
        self._asked.clear()

    def to_station(self, text: str) -> bool:
        """Whether this frame of the suite reaches the station: an answer to a copy does not."""
        if self.fault is None:
            return True
        message = json.loads(text)
        if message[0] == CALL:
            self._asked[message[1]] = message[2]
        return not str(message[1]).startswith(COPY)

    def from_station(self, text: str) -> Passage:
        """What becomes of this frame of the station."""
        if self.fault is None:
            return Passage((text,))
        message = json.loads(text)
        kind, unique_id = message[0], message[1]
        if kind == CALL and self.fault.concerns(message[2], message[3], in_answers=False):
            self.altered += 1
            payloads = list(self.fault.alteration(deepcopy(message[3])))
            onward = [
                json.dumps([CALL, (COPY + unique_id)[:36] if number else unique_id, message[2], payload])
                for number, payload in enumerate(payloads)
            ]
            returned = None if payloads else json.dumps([CALL_RESULT, unique_id, {}])
            return Passage(tuple(onward), self.fault.delay_s, returned)
        if kind == CALL_RESULT and self.fault.concerns(self._asked.get(unique_id, ""), message[2], in_answers=True):
            self.altered += 1
            altered = self.fault.alteration(deepcopy(message[2]))
            return Passage(tuple(json.dumps([CALL_RESULT, unique_id, payload]) for payload in altered))
        return Passage((text,))


# -- alterations -------------------------------------------------------------------------------------------------------------


def _with(path: str, value: Any) -> Alteration:
    """The payload with another value at this path; a function makes it from the value that was there."""

    def alter(payload: Payload) -> Iterable[Payload]:
        place, name = _place(payload, path)
        place[name] = value(place.get(name)) if callable(value) else value
        return [payload]

    return alter


def _without(path: str) -> Alteration:
    """The payload without the field at this path."""

    def alter(payload: Payload) -> Iterable[Payload]:
        place, name = _place(payload, path)
        place.pop(name, None)
        return [payload]

    return alter


def _lost(payload: Payload) -> Iterable[Payload]:
    return []


def _doubled(payload: Payload) -> Iterable[Payload]:
    return [payload, payload]


def _as_it_is(payload: Payload) -> Iterable[Payload]:
    return [payload]


def _place(payload: Payload, path: str) -> tuple[dict[str, Any], str]:
    before, _, name = path.rpartition(".")
    place = value_at(payload, before) if before else payload
    return (place, name) if isinstance(place, dict) else ({}, name)


def _plus(step: float) -> Callable[[Any], Any]:
    return lambda number: number + step


def _finer(moment: str) -> str:
    """The time with six fraction digits."""
    return moment.split(".")[0].removesuffix("Z") + ".123456Z"


# -- the faults ----------------------------------------------------------------------------------------------------------------

_EVENT, _STATUS = "TransactionEvent", "StatusNotification"
_UPDATED, _ENDED = {"eventType": "Updated"}, {"eventType": "Ended"}
_STARTED = {"eventType": "Started"}
_OCCUPIED = {"connectorStatus": "Occupied"}
_FIRMWARE, _VERIFIED = "FirmwareStatusNotification", {"status": "SignatureVerified"}

FAULTS = (
    PlantedFault("seq_no_gap", "seqNo leaves a gap", ("E_03",), _EVENT, _with("seqNo", _plus(1)), _UPDATED),
    PlantedFault("event_type_missing", "eventType is missing", ("E_03",), _EVENT, _without("eventType"), _UPDATED),
    PlantedFault(
        "trigger_reason_wrong",
        "the first event has the trigger of a reading",
        ("E_03", "E_04"),
        _EVENT,
        _with("triggerReason", "MeterValuePeriodic"),
        _STARTED,
    ),
    PlantedFault("meter_value_missing", "events have no readings", ("J_09",), _EVENT, _without("meterValue")),
    PlantedFault(
        "transaction_id_changed",
        "the transaction has another id after its first event",
        ("E_03",),
        _EVENT,
        _with("transactionInfo.transactionId", "another"),
        _UPDATED,
    ),
    PlantedFault("offline_flag_missing", "late events do not say offline", ("E_40",), _EVENT, _without("offline")),
    PlantedFault(
        "remote_start_id_missing",
        "a remote start is accepted, and its transaction does not name it",
        ("F_01", "F_02"),
        _EVENT,
        _without("transactionInfo.remoteStartId"),
    ),
    PlantedFault(
        "remote_start_without_transaction", "a remote start is accepted, and nothing begins", ("F_02",), _EVENT, _lost
    ),
    PlantedFault(
        "stopped_reason_wrong",
        "a transaction that the central system stops says Local",
        ("E_21",),
        _EVENT,
        _with("transactionInfo.stoppedReason", "Reboot"),
        _ENDED,
    ),
    PlantedFault("end_lost", "a transaction never ends", ("E_15",), _EVENT, _lost, _ENDED),
    PlantedFault(
        "charging_state_wrong",
        "energy flows, and the event says that the station holds it back",
        ("E_03",),
        _EVENT,
        _with("transactionInfo.chargingState", "SuspendedEVSE"),
        {"transactionInfo.chargingState": "Charging"},
    ),
    PlantedFault("status_doubled", "each state of a connector comes twice", ("G_01",), _STATUS, _doubled),
    PlantedFault("status_missing", "Occupied is not reported", ("G_01",), _STATUS, _lost, _OCCUPIED),
    PlantedFault(
        "connector_status_wrong",
        "a plugged connector says Unavailable",
        ("G_01",),
        _STATUS,
        _with("connectorStatus", "Unavailable"),
        _OCCUPIED,
    ),
    PlantedFault("time_too_fine", "times have six fraction digits", ("G_01",), _STATUS, _with("timestamp", _finer)),
    PlantedFault(
        "boot_reason_wrong",
        "a boot after Reset says PowerUp",
        ("B_22", "B_23"),
        "BootNotification",
        _with("reason", "PowerUp"),
        {"reason": "RemoteReset"},
    ),
    PlantedFault(
        "startup_event_missing", "the start is no security event", ("B_01",), "SecurityEventNotification", _lost
    ),
    PlantedFault("heartbeat_late", "an asked Heartbeat comes late", ("F_20",), "Heartbeat", _as_it_is, delay_s=LATE_S),
    PlantedFault(
        "answer_turned",
        "ChangeAvailability is done and refused",
        ("G_03", "G_05"),
        "ChangeAvailability",
        _with("status", "Rejected"),
        {"status": "Accepted"},
        in_answers=True,
    ),
    PlantedFault(
        "id_token_wrong", "Authorize names another token", ("E_03",), "Authorize", _with("idToken.idToken", "FFFFFFFF")
    ),
    PlantedFault(
        "list_version_wrong",
        "the local list has another version",
        ("D_08",),
        "GetLocalListVersion",
        _with("versionNumber", _plus(1)),
        in_answers=True,
    ),
    PlantedFault(
        "expiry_not_reported", "a reservation expires in silence", ("H_07",), "ReservationStatusUpdate", _lost
    ),
    PlantedFault(
        "variable_value_wrong",
        "GetVariables gives another value",
        ("B_06",),
        "GetVariables",
        _with("getVariableResult[0].attributeValue", "4711"),
        {"getVariableResult[0].attributeStatus": "Accepted"},
        in_answers=True,
    ),
    PlantedFault("report_never_ends", "the last report says tbc", ("B_14",), "NotifyReport", _with("tbc", True)),
    PlantedFault("report_numbers_wrong", "reports count from 1", ("B_14",), "NotifyReport", _with("seqNo", _plus(1))),
    PlantedFault(
        "reading_context_wrong",
        "clock-aligned readings say that they are sampled",
        ("J_01",),
        "MeterValues",
        _with("meterValue[0].sampledValue[0].context", "Sample.Periodic"),
    ),
    PlantedFault(
        "composite_limit_wrong",
        "the composite schedule has another limit",
        ("K_22",),
        "GetCompositeSchedule",
        _with("schedule.chargingSchedulePeriod[0].limit", _plus(1)),
        {"status": "Accepted"},
        in_answers=True,
    ),
    PlantedFault(
        "signature_not_reported",
        "the good signature of firmware is not reported",
        ("L_01",),
        _FIRMWARE,
        _lost,
        _VERIFIED,
    ),
    PlantedFault(
        "firmware_request_id_wrong",
        "Installing names another request",
        ("L_01", "L_10"),
        _FIRMWARE,
        _with("requestId", _plus(1)),
        {"status": "Installing"},
    ),
    PlantedFault(
        "firmware_event_missing",
        "new firmware is no security event",
        ("L_01",),
        "SecurityEventNotification",
        _lost,
        {"type": "FirmwareUpdated"},
    ),
    PlantedFault(
        "unsigned_firmware_taken",
        "unsigned firmware is accepted",
        ("L_18",),
        "UpdateFirmware",
        _with("status", "Accepted"),
        {"status": "Rejected"},
        in_answers=True,
    ),
    PlantedFault(
        "stranger_signs_firmware",
        "a signing certificate of another authority is accepted",
        ("L_05",),
        "UpdateFirmware",
        _with("status", "Accepted"),
        {"status": "InvalidCertificate"},
        in_answers=True,
    ),
    PlantedFault(
        "certificate_hash_wrong",
        "the list of certificates names another serial number",
        ("M_02", "M_20"),
        "GetInstalledCertificateIds",
        _with("certificateHashDataChain[0].certificateHashData.serialNumber", "4711"),
        {"status": "Accepted"},
        in_answers=True,
    ),
    PlantedFault(
        "certificate_action_wrong",
        "a car's first contract certificate is asked for as an update",
        ("M_26",),
        "Get15118EVCertificate",
        _with("action", "Update"),
    ),
    PlantedFault(
        "root_check_missing",
        "with AdditionalRootCertificateCheck any root is accepted",
        ("M_09",),
        "InstallCertificate",
        _with("status", "Accepted"),
        {"status": "Rejected"},
        in_answers=True,
    ),
    PlantedFault("event_lost", "no event is notified", ("N_22", "N_45", "N_56"), "NotifyEvent", _lost),
    PlantedFault(
        "event_of_another_monitor",
        "an event names another monitor",
        ("N_20", "N_45"),
        "NotifyEvent",
        _with("eventData[0].variableMonitoringId", _plus(1)),
        {"eventData[0].eventNotificationType": "CustomMonitor"},
    ),
    PlantedFault(
        "return_not_cleared",
        "a value that returns within its threshold is not cleared",
        ("N_20",),
        "NotifyEvent",
        _with("eventData[0].cleared", False),
        {"eventData[0].cleared": True},
    ),
    PlantedFault(
        "password_shown",
        "the event of a new password has its value",
        ("N_48",),
        "NotifyEvent",
        _with("eventData[0].actualValue", "a-password"),
        {"eventData[0].variable.name": "BasicAuthPassword"},
    ),
    PlantedFault(
        "duplicate_taken",
        "a duplicate monitor is accepted",
        ("N_15",),
        "SetVariableMonitoring",
        _with("setMonitoringResult[1].status", "Accepted"),
        {"setMonitoringResult[1].status": "Duplicate"},
        in_answers=True,
    ),
    PlantedFault(
        "monitor_of_another_kind",
        "a report has thresholds that were not asked for",
        ("N_01", "N_03"),
        "NotifyMonitoringReport",
        _with("monitor[0].variableMonitoring[0].type", "UpperThreshold"),
        {"monitor[0].variableMonitoring[0].type": "Delta"},
    ),
    PlantedFault(
        "log_request_id_wrong",
        "a log is reported under another request",
        ("N_25", "N_35"),
        "LogStatusNotification",
        _with("requestId", _plus(1)),
    ),
    PlantedFault(
        "upload_never_done",
        "a finished upload is not reported",
        ("N_25", "N_36"),
        "LogStatusNotification",
        _lost,
        {"status": "Uploaded"},
    ),
    PlantedFault(
        "customer_not_cleared",
        "a cleared customer is still there",
        ("N_62", "N_63"),
        "NotifyCustomerInformation",
        _with("data", "a name"),
        {"data": ""},
    ),
)
