"""What the station does with each misbehaviour of a car of ISO 15118-2 or DIN 70121, as data; `docs/misbehaviour.md` shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chargepoint.iso15118.exi.codec import NS_DIN, NS_ISO2
from chargepoint.model.car import SessionEnd
from tests.joined.expected import (
    CLOSED,
    GOES_ON,
    IGNORED,
    LOST,
    ON_VOLTAGE_S,
    OUT_OF_ORDER,
    SECOND_REFUSED,
    SILENT,
    TIMER_SLACK_S,
    UNKNOWN_SESSION,
    WRONG_PARAMETER,
    Expected,
    Outcome,
    SessionPlaces,
    places,
)
from tests.joined.outlet import AC_OUTLET, DC_OUTLET, Outlet

CAR_AWAITS_THE_STOP_S = 5.0
"""The car's patience with PowerDeliveryReq(Stop)."""


@dataclass(frozen=True, slots=True)
class DinIso2Kind:
    """One kind of session: protocol and outlet, and its messages."""

    namespace: str
    outlet: Outlet
    session: SessionPlaces
    never_next: str
    """A request that never may come in place of another one, except of itself."""


def _kind(namespace: str, outlet: Outlet, selection: str, authorization: str, loop: str) -> DinIso2Kind:
    is_dc = outlet is DC_OUTLET
    before = ("CableCheckReq", "PreChargeReq") if is_dc else ()
    after = ("WeldingDetectionReq",) if is_dc else ()
    session = SessionPlaces(
        messages={
            **places("supportedAppProtocolReq", "SessionSetupReq", "ServiceDiscoveryReq", selection, authorization),
            **places("ChargeParameterDiscoveryReq", *before, "PowerDeliveryReq(Start)"),
            loop: (loop, 3),
            **places("PowerDeliveryReq(Stop)", *after, "SessionStopReq"),
        },
        under_voltage=("PreChargeReq", "PowerDeliveryReq(Start)") if is_dc else (),
        in_transfer=(loop, "PowerDeliveryReq(Stop)"),
        pilot_opens=not is_dc,
    )
    return DinIso2Kind(namespace, outlet, session, "PreChargeReq" if is_dc else loop)


DIN, ISO2_DC, ISO2_AC = "DIN", "-2 DC", "-2 AC"
DIN_ISO2_KINDS: Mapping[str, DinIso2Kind] = {
    DIN: _kind(NS_DIN, DC_OUTLET, "ServicePaymentSelectionReq", "ContractAuthenticationReq", "CurrentDemandReq"),
    ISO2_DC: _kind(NS_ISO2, DC_OUTLET, "PaymentServiceSelectionReq", "AuthorizationReq", "CurrentDemandReq"),
    ISO2_AC: _kind(NS_ISO2, AC_OUTLET, "PaymentServiceSelectionReq", "AuthorizationReq", "ChargingStatusReq"),
}

DIN_ISO2_SILENT = replace(
    SILENT,
    name="timed out (DIN, -2)",
    meaning="no answer; the timer ends the session after 10 s under voltage and in the transfer (`on_voltage_timeout_s`), "
    "else after 60 s. A DC car gets no power after 0.5 s (`charge_loop_timeout_s`)",
    in_transfer_s=ON_VOLTAGE_S,
)
DIN_ISO2_IGNORED = replace(
    IGNORED, name="ignored (DIN, -2)", in_transfer_s=CAR_AWAITS_THE_STOP_S + TIMER_SLACK_S, pilot_first=True
)
MAY_CORRECT = Outcome(
    "may correct",
    "FAILED_WrongChargeParameter; the session stays open for a better request, and this car leaves",
    ("FAILED_WrongChargeParameter",),
    (SessionEnd.CONNECTION_LOST,),
)
DIN_ISO2_OUTCOMES = (DIN_ISO2_SILENT, DIN_ISO2_IGNORED, MAY_CORRECT)
"""Beside those of -20."""

_PARAMETERS = "ChargeParameterDiscoveryReq"
_WRONG_AT_DC = {DIN: {_PARAMETERS: WRONG_PARAMETER}, ISO2_DC: {_PARAMETERS: MAY_CORRECT}}
_IDENTITY = Expected(UNKNOWN_SESSION, {"supportedAppProtocolReq": GOES_ON, "SessionSetupReq": GOES_ON})
_CLOSED = Expected(CLOSED, {})
_LOST = Expected(LOST, {})
_TWICE = Expected(
    GOES_ON,
    dict.fromkeys(
        (
            "supportedAppProtocolReq",
            "SessionSetupReq",
            "ServiceDiscoveryReq",
            "ServicePaymentSelectionReq",
            "PaymentServiceSelectionReq",
            "ContractAuthenticationReq",
            "AuthorizationReq",
            _PARAMETERS,
            "CableCheckReq",
            "PowerDeliveryReq(Start)",
            "PowerDeliveryReq(Stop)",
        ),
        SECOND_REFUSED,
    ),
)

DIN_ISO2_EXPECTED: Mapping[str, Expected] = {
    "wrong_session_id": _IDENTITY,
    "zero_session_id": _IDENTITY,
    "negative_limits": Expected(GOES_ON, {}, only={**_WRONG_AT_DC, ISO2_AC: {_PARAMETERS: MAY_CORRECT}}),
    "huge_exponent": Expected(GOES_ON, {}),
    "tiny_exponent": Expected(GOES_ON, {}, only=_WRONG_AT_DC),
    "voltage_below_station": Expected(GOES_ON, {}, only=_WRONG_AT_DC),
    "wrong_payload_type": Expected(DIN_ISO2_IGNORED, {}),
    "wrong_version": _CLOSED,
    "undecodable_exi": _CLOSED,
    "random_bytes": _CLOSED,
    "length_1_GB": _CLOSED,
    "half_frame": Expected(DIN_ISO2_SILENT, {}),
    "trailing_zero": Expected(GOES_ON, {}),
    "slow_loris": Expected(GOES_ON, {}),
    "repeated": _TWICE,
    "silence": Expected(DIN_ISO2_SILENT, {}),
    "tcp_reset": _LOST,
    "fin": _LOST,
    "other_request": Expected(OUT_OF_ORDER, {"supportedAppProtocolReq": CLOSED}),
    "late_app_protocol": Expected(CLOSED, {}, left_out=("supportedAppProtocolReq",)),
    "not_awaiting": _TWICE,
}
"""By the name of the misbehaviour. What is missing concerns numbers or control modes that these protocols do not have."""
