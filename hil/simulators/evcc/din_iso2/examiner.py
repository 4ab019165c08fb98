"""The car as an examiner of a station of ISO 15118-2 or DIN 70121. Source: docs/sources/iso15118-2-din.md 1 and 2."""

from __future__ import annotations

from typing import Any

from hil.simulators.evcc.din_iso2.memory import DinIso2Memory
from hil.simulators.evcc.row import CarMessageRow

VIOLATIONS_MAX = 200
PERFORMANCE_S = {"CurrentDemandRes": 0.25}
PERFORMANCE_DEFAULT_S = 1.5
ISO2_SLOW_S = 4.5
ISO2_SLOW = ("PowerDeliveryRes", "ServiceDetailRes")
"""In -2 these may take longer; PowerDelivery of DIN may not."""


class DinIso2Examiner:
    """Collects violations; a sentence that comes again is kept once."""

    def __init__(self) -> None:
        self.violations: list[str] = []

    def found(self, sentence: str) -> None:
        """One violation."""
        if sentence not in self.violations and len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(sentence)

    def answer(
        self, request: Any, answer: Any, took_s: float, payload_type: int, memory: DinIso2Memory, row: CarMessageRow
    ) -> None:
        """Judge one answer as it came: its class, payload type, time, session id and status."""
        body = getattr(getattr(answer, "Body", None), "BodyElement", answer)
        name = type(body).__name__
        if not isinstance(body, row.answer):
            self.found(f"{type(request).__name__} answered with {name}")
            return
        if payload_type != row.payload_type:
            self.found(f"{name} under payload type {payload_type:#06x}: {row.payload_type:#06x}")
        bound_s = PERFORMANCE_S.get(name, PERFORMANCE_DEFAULT_S)
        if not memory.is_din and name in ISO2_SLOW:
            bound_s = ISO2_SLOW_S
        if took_s > bound_s:
            self.found(f"{name} later than its performance time of {bound_s:g} s")
        if body is not answer:
            self._session_id(name, answer, memory)
            self._status(name, body, memory)

    def _session_id(self, name: str, answer: Any, memory: DinIso2Memory) -> None:
        got = answer.Header.SessionID
        if name == "SessionSetupRes":
            if len(got) != 8 or not any(got):
                self.found(f"{name} gives session id {got.hex()!r}: eight bytes, not all zero")
        elif int.from_bytes(got) != int.from_bytes(memory.session_id):  # by value (section 1.1)
            self.found(f"{name} with session id {got.hex()}: {memory.session_id.hex()}")

    def _status(self, name: str, body: Any, memory: DinIso2Memory) -> None:
        status = getattr(body, "DC_EVSEStatus", None) or getattr(body, "EVSEStatus", None)
        if status is None or body.ResponseCode.value.startswith("FAILED"):
            return
        if memory.is_din and status.EVSENotification.value != "None":
            self.found(f"{name} notifies {status.EVSENotification.value}: DIN 70121 knows no notification")
        isolation = getattr(status, "EVSEIsolationStatus", None)
        late = name in ("PreChargeRes", "CurrentDemandRes")
        if late and (isolation is None or isolation.value not in ("Valid", "Warning")):
            self.found(f"{name} with isolation {'absent' if isolation is None else isolation.value}: Valid")
