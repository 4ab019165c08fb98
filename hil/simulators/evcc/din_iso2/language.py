"""ISO 15118-2 and DIN 70121 as the car's core needs them: every message lies in a V2G_Message with the session's id."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from chargepoint.iso15118.messages.app_protocol import supportedAppProtocolReq
from chargepoint.iso15118.v2gtp import PayloadType
from hil.simulators.evcc.din_iso2.examiner import DinIso2Examiner
from hil.simulators.evcc.din_iso2.memory import DinIso2Memory
from hil.simulators.evcc.din_iso2.rows import APP_PROTOCOL, ROWS
from hil.simulators.evcc.din_iso2.setup import SPOKEN
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.row import CarMessageRow
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.steps import SessionStep

__all__ = ["SPOKEN", "DinIso2Language"]

_FACTORS = {"negative_limits": (0, -1000), "huge_exponent": (3, 32767), "tiny_exponent": (-3, 1)}
"""Multiplier and value of each number that the misbehaviour changes."""


class DinIso2Language:
    """One session's; it takes the session's id from the station's first answer."""

    def __init__(self) -> None:
        self._memory: DinIso2Memory | None = None

    def new_memory(
        self, spec: CarSpec, plan: CarPlan, _credentials: Credentials | None, now_s: float, utc_s: float
    ) -> DinIso2Memory:
        """The memory of a new session. A contract is not used."""
        self._memory = DinIso2Memory(spec, plan, now_s=now_s, utc_s=utc_s)
        return self._memory

    def new_examiner(self) -> DinIso2Examiner:
        """The examiner of a new session."""
        return DinIso2Examiner()

    def row(self, memory: DinIso2Memory, step: SessionStep) -> CarMessageRow:
        """The message of this step; a car may leave PowerDelivery(Stop) out."""
        if step is SessionStep.APP_PROTOCOL:
            return APP_PROTOCOL
        if step is SessionStep.POWER_STOP and memory.habits.stops_from_loop:
            step = SessionStep.SESSION_STOP
        found = ROWS[memory.namespace][step]
        if step is SessionStep.DC_CHARGE_PARAMETERS or step is SessionStep.AC_CHARGE_PARAMETERS:
            patience_s = memory.habits.parameters_patience_s
            return replace(found, patience_s=lambda _: patience_s)
        return found

    def row_named(self, memory: DinIso2Memory, name: str) -> CarMessageRow:
        """The row of a request's class name. Raises ValueError."""
        if name == supportedAppProtocolReq.__name__:
            return APP_PROTOCOL
        agreed = [ROWS[memory.namespace]] if memory.namespace in ROWS else list(ROWS.values())
        rows = [found for one in agreed for found in one.values()]
        wanted = name.removesuffix("Req") + "Res"
        for found in rows:
            if found.answer.__name__ == wanted:
                return found
        known = dict.fromkeys(found.answer.__name__.removesuffix("Res") + "Req" for found in rows)
        raise ValueError(f"{name}: no request of this car; one of {', '.join(known)}")

    def enclosed(self, memory: DinIso2Memory, request: Any) -> Any:
        """In a V2G_Message; the offer of protocols stands alone."""
        if isinstance(request, supportedAppProtocolReq):
            return request
        words = memory.words
        header = words.MessageHeader(SessionID=memory.session_id)
        return words.V2G_Message(Header=header, Body=words.Body(BodyElement=request))

    def opened(self, message: Any) -> Any:
        """The element of the body."""
        body = getattr(message, "Body", None)
        if body is None or body.BodyElement is None:
            return message
        if type(body.BodyElement).__name__ == "SessionSetupRes" and self._memory is not None:
            self._memory.session_id = message.Header.SessionID
        return body.BodyElement

    def grammar(self, memory: DinIso2Memory, payload_type: int) -> str | None:
        """All messages have one payload type; the station's choice of protocol decides what comes under it."""
        return memory.namespace if payload_type == PayloadType.EXI_SAP else None

    def changed(self, message: Any, what: str, _count: int) -> Any:
        """Session ids and numbers; what is about control modes and directions does not apply."""
        header = getattr(message, "Header", None)
        if header is None:
            return message
        match what:
            case "wrong_session_id":
                other = bytes(byte ^ 0xA5 for byte in header.SessionID)
                return replace(message, Header=replace(header, SessionID=other))
            case "zero_session_id":
                return replace(message, Header=replace(header, SessionID=bytes(8)))
            case "negative_limits" | "huge_exponent" | "tiny_exponent":
                multiplier, value = _FACTORS[what]
                return _with_numbers(message, {"Multiplier": multiplier, "Value": value})
            case "voltage_below_station":
                return _with_numbers(message, {"Multiplier": 0, "Value": 1}, "V")
            case _:
                return message


def _with_numbers(part: Any, number: dict[str, int], unit: str | None = None) -> Any:
    """The part of a message with every PhysicalValue in it changed; `unit`: only those in this unit."""
    if type(part).__name__ == "PhysicalValue":
        of_unit = unit is None or (part.Unit is not None and part.Unit.value == unit)
        return replace(part, **number) if of_unit else part
    if not is_dataclass(part) or isinstance(part, type):
        return part
    return replace(part, **{f.name: _with_numbers(getattr(part, f.name), number, unit) for f in fields(part)})
