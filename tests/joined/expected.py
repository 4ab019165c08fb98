"""What the station does with each misbehaviour of a car at each message, as data; `docs/misbehaviour.md` shows this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chargepoint.model.car import SessionEnd
from tests.joined.station import LOOP_TIMEOUT_S, ON_VOLTAGE_TIMEOUT_S

MESSAGES = {
    "supportedAppProtocolReq": ("supportedAppProtocolReq", 1),
    "SessionSetupReq": ("SessionSetupReq", 1),
    "AuthorizationSetupReq": ("AuthorizationSetupReq", 1),
    "AuthorizationReq": ("AuthorizationReq", 1),
    "ServiceDiscoveryReq": ("ServiceDiscoveryReq", 1),
    "ServiceDetailReq": ("ServiceDetailReq", 1),
    "ServiceSelectionReq": ("ServiceSelectionReq", 1),
    "DC_ChargeParameterDiscoveryReq": ("DC_ChargeParameterDiscoveryReq", 1),
    "ScheduleExchangeReq": ("ScheduleExchangeReq", 1),
    "DC_CableCheckReq": ("DC_CableCheckReq", 1),
    "DC_PreChargeReq": ("DC_PreChargeReq", 1),
    "PowerDeliveryReq(Start)": ("PowerDeliveryReq", 1),
    "DC_ChargeLoopReq": ("DC_ChargeLoopReq", 3),
    "PowerDeliveryReq(Stop)": ("PowerDeliveryReq", 2),
    "DC_WeldingDetectionReq": ("DC_WeldingDetectionReq", 1),
    "SessionStopReq": ("SessionStopReq", 1),
}
"""Each place of a DC session: the request's class name, and which of its occurrences misbehaves."""

UNDER_VOLTAGE = ("DC_PreChargeReq", "PowerDeliveryReq(Start)")
"""The stage is at work when the message is due; no power flows yet."""
IN_TRANSFER = ("DC_ChargeLoopReq", "PowerDeliveryReq(Stop)")
"""Power flows when the message is due."""

AT_ONCE_S = 0.15
"""One report of the power process and a little more."""
TIMER_SLACK_S = 0.3
CAR_GIVES_UP_S = 2.0
"""The car's own patience with a request that is not answered."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows a misbehaviour. `answers`: the response codes that may come; an empty text means no answer.

    `end` None: the session goes on, and the car ends it in order. `seconds` until the stage is off: under voltage, in the
    transfer; where the session goes on there is no bound.
    """

    name: str
    meaning: str
    answers: tuple[str, ...]
    ends: tuple[SessionEnd, ...] = ()
    under_voltage_s: float = AT_ONCE_S
    in_transfer_s: float = AT_ONCE_S

    def off_within_s(self, message: str) -> float | None:
        """The bound for the stage to be ordered off after this message; None: the session goes on."""
        if not self.ends:
            return None
        if message in UNDER_VOLTAGE:
            return self.under_voltage_s
        return self.in_transfer_s if message in IN_TRANSFER else AT_ONCE_S

    def stop_reason(self, message: str) -> str:
        """Why the transaction ends. Where no voltage was on, it goes on until the plug is pulled."""
        if not self.ends:
            return "StoppedByEV"
        return "Other" if message in UNDER_VOLTAGE or message in IN_TRANSFER else "EVDisconnected"


_GOOD = ("OK", "OK_SuccessfulNegotiation", "OK_NewSessionEstablished")
_PROTOCOL_ERROR = (SessionEnd.PROTOCOL_ERROR,)
_ON_VOLTAGE_S, _LOOP_S = ON_VOLTAGE_TIMEOUT_S + TIMER_SLACK_S, LOOP_TIMEOUT_S + TIMER_SLACK_S

GOES_ON = Outcome("goes on", "answered as always; the session goes on and ends in order", _GOOD)
UNKNOWN_SESSION = Outcome("unknown session", "FAILED_UnknownSession, end", ("FAILED_UnknownSession",), _PROTOCOL_ERROR)
WRONG_PARAMETER = Outcome(
    "wrong parameter", "FAILED_WrongChargeParameter, end", ("FAILED_WrongChargeParameter",), _PROTOCOL_ERROR
)
FAILED = Outcome("failed", "FAILED, end", ("FAILED",), _PROTOCOL_ERROR)
OUT_OF_ORDER = Outcome("out of order", "FAILED_SequenceError, end", ("FAILED_SequenceError",), _PROTOCOL_ERROR)
SECOND_REFUSED = Outcome(
    "second refused",
    "the first request is answered as always, the second with FAILED_SequenceError; end",
    (*_GOOD, "FAILED_SequenceError"),
    _PROTOCOL_ERROR,
)
CLOSED = Outcome("closed", "no answer exists: the connection is closed at once", ("",), _PROTOCOL_ERROR)
SILENT = Outcome(
    "timed out",
    f"no answer; the timer ends the session: {LOOP_TIMEOUT_S:g} s in the transfer (`charge_loop_timeout_s`), "
    f"{ON_VOLTAGE_TIMEOUT_S:g} s under voltage (`on_voltage_timeout_s`), else 60 s",
    ("",),
    (SessionEnd.TIMEOUT,),
    _ON_VOLTAGE_S,
    _LOOP_S,
)
IGNORED = Outcome(
    "ignored",
    "no answer, as the standard asks for an unknown payload type; the timer goes on, and the car gives up",
    ("",),
    (SessionEnd.CONNECTION_LOST, SessionEnd.TIMEOUT),
    CAR_GIVES_UP_S + TIMER_SLACK_S,
    _LOOP_S,
)
LOST = Outcome("lost", "the connection is gone: the stage is off at once", ("",), (SessionEnd.CONNECTION_LOST,))
OUTCOMES = (
    GOES_ON,
    UNKNOWN_SESSION,
    WRONG_PARAMETER,
    FAILED,
    OUT_OF_ORDER,
    SECOND_REFUSED,
    CLOSED,
    SILENT,
    IGNORED,
    LOST,
)


@dataclass(frozen=True, slots=True)
class Expected:
    """The outcome of one misbehaviour: at most messages, and at those that differ. `left_out`: no misbehaviour there."""

    mostly: Outcome
    but: Mapping[str, Outcome]
    left_out: tuple[str, ...] = ()

    def at(self, message: str) -> Outcome:
        """The outcome at this message."""
        return self.but.get(message, self.mostly)


_CPD, _LOOP = "DC_ChargeParameterDiscoveryReq", "DC_ChargeLoopReq"
_LIMITS = Expected(GOES_ON, {_CPD: WRONG_PARAMETER})
_IDENTITY = Expected(UNKNOWN_SESSION, {"supportedAppProtocolReq": GOES_ON, "SessionSetupReq": GOES_ON})
_CLOSED = Expected(CLOSED, {})
_TWICE = dict.fromkeys(
    (
        "supportedAppProtocolReq",
        "SessionSetupReq",
        "AuthorizationReq",
        "ServiceDiscoveryReq",
        "ServiceSelectionReq",
        _CPD,
        "ScheduleExchangeReq",
        "DC_CableCheckReq",
        "PowerDeliveryReq(Stop)",
    ),
    SECOND_REFUSED,
)

EXPECTED: Mapping[str, Expected] = {
    "wrong_session_id": _IDENTITY,
    "zero_session_id": _IDENTITY,
    "min_above_max": _LIMITS,
    "negative_limits": _LIMITS,
    "huge_exponent": _LIMITS,
    "tiny_exponent": _LIMITS,
    "voltage_below_station": _LIMITS,
    "voltage_above_station": _LIMITS,
    "other_control_mode": Expected(GOES_ON, {_LOOP: FAILED}),
    "other_direction": Expected(GOES_ON, {_CPD: WRONG_PARAMETER, _LOOP: FAILED}),
    "flip": Expected(GOES_ON, {}),
    "wrong_payload_type": Expected(IGNORED, {}),
    "wrong_version": _CLOSED,
    "undecodable_exi": _CLOSED,
    "random_bytes": _CLOSED,
    "length_1_GB": _CLOSED,
    "half_frame": Expected(SILENT, {}),
    "trailing_zero": _CLOSED,
    "slow_loris": Expected(GOES_ON, {_LOOP: SILENT, "PowerDeliveryReq(Stop)": SILENT}),
    "repeated": Expected(GOES_ON, {**_TWICE, "PowerDeliveryReq(Start)": SECOND_REFUSED}),
    "silence": Expected(SILENT, {}),
    "tcp_reset": Expected(LOST, {}),
    "fin": Expected(LOST, {}),
    "other_request": Expected(OUT_OF_ORDER, {"supportedAppProtocolReq": IGNORED}),
    "late_app_protocol": Expected(CLOSED, {}, left_out=("supportedAppProtocolReq",)),
    "not_awaiting": Expected(GOES_ON, _TWICE),
}
"""By the name of the misbehaviour (`hil/simulators/evcc/misbehaviour.py`). The same holds in Scheduled and Dynamic mode."""
