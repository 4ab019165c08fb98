"""What the suite's central system answers to a station's CALL: a table of defaults, and what a case puts before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from hil.certification.frames import StationCall, wire_time
from hil.certification.patterns import Pattern, Payload, matches


@dataclass(frozen=True, slots=True)
class RefusedWith:
    """Answer with CALLERROR."""

    code: str
    text: str = "ordered by the case"


@dataclass(frozen=True, slots=True)
class LeftUnanswered:
    """Do not answer."""


Reply = Payload | RefusedWith | LeftUnanswered
Responder = Callable[[StationCall], Reply]


@dataclass(slots=True)
class OrderedAnswer:
    """What a case orders for one action. `times` counts down; None: until the case ends."""

    action: str
    responder: Responder
    where: Pattern
    times: int | None
    delay_s: float

    def takes(self, call: StationCall) -> bool:
        """Whether this order is about this message."""
        return call.action == self.action and self.times != 0 and matches(call.payload, self.where)


class Answers:
    """Ordered answers first, the newest of them first; then the defaults."""

    def __init__(self, heartbeat_interval_s: int) -> None:
        self.heartbeat_interval_s = heartbeat_interval_s
        self._orders: list[OrderedAnswer] = []

    def order(
        self,
        action: str,
        answer: Reply | Responder,
        *,
        where: Pattern | None = None,
        times: int | None = None,
        delay_s: float = 0.0,
    ) -> None:
        """From now on answer like this where the message matches."""
        responder: Responder = answer if callable(answer) else lambda _: answer
        self._orders.insert(0, OrderedAnswer(action, responder, where or {}, times, delay_s))

    def forget_orders(self) -> None:
        """Only the defaults again."""
        self._orders.clear()

    def to(self, call: StationCall) -> tuple[Reply, float]:
        """The answer, and how many seconds to wait before it is sent."""
        for order in self._orders:
            if order.takes(call):
                if order.times is not None:
                    order.times -= 1
                return order.responder(call), order.delay_s
        return self._default(call), 0.0

    def boot(self, status: str = "Accepted", interval_s: int | None = None) -> Payload:
        """A BootNotificationResponse of now."""
        interval_s = self.heartbeat_interval_s if interval_s is None else interval_s
        return {"currentTime": wire_time(datetime.now(UTC)), "interval": interval_s, "status": status}

    def _default(self, call: StationCall) -> Reply:
        match call.action:
            case "BootNotification":
                return self.boot()
            case "Heartbeat":
                return {"currentTime": wire_time(datetime.now(UTC))}
            case "Authorize":
                return _authorized(call.payload)
            case "TransactionEvent":
                return {"idTokenInfo": {"status": "Accepted"}} if "idToken" in call.payload else {}
            case "DataTransfer":
                return {"status": "UnknownVendorId"}
            case "SignCertificate" | "NotifyEVChargingNeeds" | "NotifyEVChargingSchedule":
                return {"status": "Accepted"}
            case "Get15118EVCertificate":
                return {"status": "Failed", "exiResponse": ""}
            case "GetCertificateStatus":
                return {"status": "Failed"}
            case _:
                return {}


def _authorized(payload: Payload) -> Payload:
    answer: Payload = {"idTokenInfo": {"status": "Accepted"}}
    if "iso15118CertificateHashData" in payload or "certificate" in payload:
        answer["certificateStatus"] = "Accepted"
    return answer
