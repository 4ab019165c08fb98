"""What the station does with each misbehaviour of a car at each message, as data; `docs/misbehaviour.md` shows this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chargepoint.model.car import SessionEnd
from tests.joined.station import LOOP_TIMEOUT_S, ON_VOLTAGE_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class SessionPlaces:
    """Each place of one kind of session: the request's class name, and which of its occurrences misbehaves.

    `under_voltage`: the stage is at work when the message is due, and no power flows yet. `in_transfer`: power flows.
    `pilot_opens`: the contactor opens by itself when the car goes to pilot B.
    """

    messages: Mapping[str, tuple[str, int]]
    under_voltage: tuple[str, ...]
    in_transfer: tuple[str, ...]
    pilot_opens: bool = False


_BEFORE_PARAMETERS = (
    "supportedAppProtocolReq",
    "SessionSetupReq",
    "AuthorizationSetupReq",
    "AuthorizationReq",
    "ServiceDiscoveryReq",
    "ServiceDetailReq",
    "ServiceSelectionReq",
)


def places(*names: str) -> dict[str, tuple[str, int]]:
    """The first occurrence of each; `PowerDeliveryReq(Stop)` is the second of its class."""
    return {name: (name.partition("(")[0], 2 if name.endswith("(Stop)") else 1) for name in names}


DC_SESSION = SessionPlaces(
    messages={
        **places(
            *_BEFORE_PARAMETERS,
            "DC_ChargeParameterDiscoveryReq",
            "ScheduleExchangeReq",
            "DC_CableCheckReq",
            "DC_PreChargeReq",
            "PowerDeliveryReq(Start)",
        ),
        "DC_ChargeLoopReq": ("DC_ChargeLoopReq", 3),
        **places("PowerDeliveryReq(Stop)", "DC_WeldingDetectionReq", "SessionStopReq"),
    },
    under_voltage=("DC_PreChargeReq", "PowerDeliveryReq(Start)"),
    in_transfer=("DC_ChargeLoopReq", "PowerDeliveryReq(Stop)"),
)
AC_SESSION = SessionPlaces(
    messages={
        **places(
            *_BEFORE_PARAMETERS, "AC_ChargeParameterDiscoveryReq", "ScheduleExchangeReq", "PowerDeliveryReq(Start)"
        ),
        "AC_ChargeLoopReq": ("AC_ChargeLoopReq", 3),
        **places("PowerDeliveryReq(Stop)", "SessionStopReq"),
    },
    under_voltage=(),  # the contactor closes after PowerDeliveryReq(Start)
    in_transfer=("AC_ChargeLoopReq", "PowerDeliveryReq(Stop)"),
    pilot_opens=True,
)
SESSIONS = {"DC": DC_SESSION, "AC": AC_SESSION}
"""By the kind of energy transfer."""

CONTRACT = "contract"
CONTRACT_SESSION = SessionPlaces(
    messages=places("CertificateInstallationReq", "AuthorizationReq(contract)"), under_voltage=(), in_transfer=()
)
"""Plug and Charge: the places that only such a session has. No transaction runs before the contract is accepted."""
ALL_SESSIONS = {**SESSIONS, CONTRACT: CONTRACT_SESSION}

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
    pilot_first: bool = False
    """The car goes to pilot B before its conversation ends."""

    def off_within_s(self, message: str, session: SessionPlaces) -> float | None:
        """The bound for the stage to be ordered off after this message; None: the session goes on."""
        if not self.ends:
            return None
        if message in session.under_voltage:
            return self.under_voltage_s
        return self.in_transfer_s if message in session.in_transfer else AT_ONCE_S

    def stop_reason(self, message: str, session: SessionPlaces) -> str:
        """Why the transaction ends. Where no voltage was on, it goes on until the plug is pulled."""
        if not self.ends:
            return "StoppedByEV"
        at_work = message in session.under_voltage or message in session.in_transfer
        opened_before = self.pilot_first and session.pilot_opens
        return "Other" if at_work and not opened_before else "EVDisconnected"


_GOOD = ("OK", "OK_SuccessfulNegotiation", "OK_NewSessionEstablished")
_PROTOCOL_ERROR = (SessionEnd.PROTOCOL_ERROR,)
ON_VOLTAGE_S, _LOOP_S = ON_VOLTAGE_TIMEOUT_S + TIMER_SLACK_S, LOOP_TIMEOUT_S + TIMER_SLACK_S

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
    ON_VOLTAGE_S,
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
LOST = Outcome(
    "lost", "the connection is gone: the stage is off at once", ("",), (SessionEnd.CONNECTION_LOST,), pilot_first=True
)
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
    """The outcome of one misbehaviour: at most messages, and at those that differ. `left_out`: no misbehaviour there.

    `only`: what differs in one kind of session alone, by its name in `ALL_SESSIONS`.
    """

    mostly: Outcome
    but: Mapping[str, Outcome]
    left_out: tuple[str, ...] = ()
    only: Mapping[str, Mapping[str, Outcome]] = field(default_factory=dict)

    def at(self, message: str, kind: str) -> Outcome:
        """The outcome at this message of a session of this kind."""
        return self.only.get(kind, {}).get(message) or self.but.get(message, self.mostly)


_DC_PARAMETERS, _AC_PARAMETERS = "DC_ChargeParameterDiscoveryReq", "AC_ChargeParameterDiscoveryReq"
_PARAMETERS, _LOOPS = (_DC_PARAMETERS, _AC_PARAMETERS), ("DC_ChargeLoopReq", "AC_ChargeLoopReq")
_LIMITS = Expected(GOES_ON, dict.fromkeys(_PARAMETERS, WRONG_PARAMETER))
_DC_LIMITS = Expected(GOES_ON, {_DC_PARAMETERS: WRONG_PARAMETER})
_IDENTITY = Expected(UNKNOWN_SESSION, {"supportedAppProtocolReq": GOES_ON, "SessionSetupReq": GOES_ON})
_CLOSED = Expected(CLOSED, {})
_TWICE = dict.fromkeys(
    (
        "supportedAppProtocolReq",
        "SessionSetupReq",
        "AuthorizationReq",
        "AuthorizationReq(contract)",
        "ServiceDiscoveryReq",
        "ServiceSelectionReq",
        *_PARAMETERS,
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
    "huge_exponent": _DC_LIMITS,
    "tiny_exponent": _DC_LIMITS,
    "voltage_below_station": _DC_LIMITS,
    "voltage_above_station": _DC_LIMITS,
    "other_control_mode": Expected(GOES_ON, dict.fromkeys(_LOOPS, FAILED)),
    "other_direction": Expected(
        GOES_ON, {**dict.fromkeys(_PARAMETERS, WRONG_PARAMETER), **dict.fromkeys(_LOOPS, FAILED)}
    ),
    "flip": Expected(GOES_ON, {}),
    "wrong_payload_type": Expected(IGNORED, {}),
    "wrong_version": _CLOSED,
    "undecodable_exi": _CLOSED,
    "random_bytes": _CLOSED,
    "length_1_GB": _CLOSED,
    "half_frame": Expected(SILENT, {}),
    "trailing_zero": Expected(GOES_ON, {}),
    "slow_loris": Expected(
        GOES_ON, dict.fromkeys((*_LOOPS, "PowerDeliveryReq(Stop)", *CONTRACT_SESSION.messages), SILENT)
    ),
    "repeated": Expected(
        GOES_ON, {**_TWICE, **dict.fromkeys(("PowerDeliveryReq(Start)", "CertificateInstallationReq"), SECOND_REFUSED)}
    ),
    "silence": Expected(SILENT, {}),
    "tcp_reset": Expected(LOST, {}),
    "fin": Expected(LOST, {}),
    "other_request": Expected(OUT_OF_ORDER, {"supportedAppProtocolReq": IGNORED}),
    "late_app_protocol": Expected(CLOSED, {}, left_out=("supportedAppProtocolReq",)),
    "not_awaiting": Expected(GOES_ON, _TWICE, only={"AC": {"PowerDeliveryReq(Start)": SECOND_REFUSED}}),
}
"""By the name of the misbehaviour (`hil/simulators/evcc/misbehaviour.py`). The same holds in Scheduled and Dynamic mode."""
