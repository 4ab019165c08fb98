"""What a strict central system does not take: the schemas, and what Part 2 and Part 4 ask for beyond them.

`Rules.refusal` gives what is answered with CALLERROR; what is only recorded goes into the log's violations.
"""

from __future__ import annotations

import importlib.resources
import json
import re
from typing import Any

import jsonschema_rs

from hil.simulators.csms.log import Heard, Payload, StationLog, TransactionLog

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")
_ISO14443 = re.compile(r"[0-9A-F]{8}|[0-9A-F]{14}")

Refusal = tuple[str, str]
"""(RPC error code, text)."""


class Rules:
    """One for all stations; schemas are compiled when first needed."""

    def __init__(self) -> None:
        self._schemas: dict[str, jsonschema_rs.Validator] = {}

    def refusal(self, log: StationLog, heard: Heard) -> Refusal | None:
        """Why this CALL is refused, or None. Records in `log` what is wrong and answered all the same."""
        if not isinstance(heard.payload, dict):
            return "FormatViolation", "the payload is no object"
        return self.problem(f"{heard.action}Request", heard.payload) or self._wrong(log, heard)

    def problem(self, name: str, payload: Payload) -> Refusal | None:
        """A payload that does not fit its schema, has a null or a timestamp in a form some refuse."""
        validator = self._schemas.get(name)
        if validator is None:
            # not files("ocpp.v201"): that would import the library's own message classes, which nothing here uses
            file = importlib.resources.files("ocpp") / "v201" / "schemas" / f"{name}.json"
            if not file.is_file():
                return "NotImplemented", f"no such action: {name}"
            validator = jsonschema_rs.validator_for(json.loads(file.read_text("utf-8-sig")))
            self._schemas[name] = validator
        for error in validator.iter_errors(payload):
            return "FormatViolation", f"{'/'.join(map(str, error.instance_path))}: {error.message}"
        for key, value in _leaves(payload):
            if value is None:
                return "FormatViolation", f"{key} is null"
            if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value) and not _TIMESTAMP.fullmatch(value):
                return "FormatViolation", f"{key}: {value}: at most 3 fraction digits and Z"
        return None

    def _wrong(self, log: StationLog, heard: Heard) -> Refusal | None:
        """Rules beyond the schema."""
        payload = heard.payload
        if len(heard.unique_id) > 36:
            return "RpcFrameworkError", "message id longer than 36 characters"
        if heard.action != "BootNotification" and log.boot_status in (None, "Rejected"):
            return "SecurityError", "boot first"  # B01.FR.10
        token = payload.get("idToken")
        if token is not None and token["type"] == "ISO14443" and not _ISO14443.fullmatch(token["idToken"]):
            return "PropertyConstraintViolation", "ISO14443: 8 or 14 upper-case hexadecimal characters"
        for value in (v for m in payload.get("meterValue", []) for v in m["sampledValue"]):
            if (
                value.get("measurand") in ("Power.Active.Import", "Energy.Active.Import.Register")
                and value["value"] < 0
            ):
                return "PropertyConstraintViolation", f"{value['measurand']} is negative"
        if heard.action == "TransactionEvent":
            _event(log, heard.payload)
        return None


def _event(log: StationLog, event: Payload) -> None:
    """One TransactionEvent into its transaction; what is wrong with it is recorded."""
    info, number, kind = event["transactionInfo"], event["seqNo"], event["eventType"]
    transaction_id = info["transactionId"]
    known = log.transactions.setdefault(transaction_id, TransactionLog(transaction_id))
    known.copies[number] = known.copies.get(number, 0) + 1
    if number in known.events:
        if known.events[number] != event:
            log.violations.append(f"{transaction_id} seqNo {number} came again with another content")
        return  # a message sent again is no mistake; it counts once
    wrong = []
    if (number == 0) != (kind == "Started"):
        wrong.append(f"is {kind}")
    if number != max(known.events, default=-1) + 1:
        wrong.append(f"after {max(known.events, default=-1)}")
    if known.ended:
        wrong.append(f"{kind} after Ended")
    if ("stoppedReason" in info) and kind != "Ended":
        wrong.append("stoppedReason before the end")
    if "remoteStartId" in info and any("remoteStartId" in e["transactionInfo"] for e in known.events.values()):
        wrong.append("remoteStartId twice")
    if kind == "Started" and not {"id", "connectorId"} <= event.get("evse", {}).keys():
        wrong.append("no EVSE and connector")  # E01.FR.16
    log.violations += [f"{transaction_id} seqNo {number}: {text}" for text in wrong]
    known.events[number] = event


def _leaves(value: Any, key: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for name, inner in value.items() for pair in _leaves(inner, name)]
    if isinstance(value, list):
        return [pair for inner in value for pair in _leaves(inner, key)]
    return [(key, value)]
