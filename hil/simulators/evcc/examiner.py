"""The car as an examiner: each answer is held against the standard, and what breaks it is collected in words.

General rules are here (class, payload type, session id, answer time, codes). What belongs to one message is in
`examined_services`, `examined_schedules` and `examined_loops`. Source: docs/sources/iso15118-20.md 1 to 9.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chargepoint.iso15118.messages import ac, dc
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import ResponseCode
from hil.simulators.evcc import examined_loops, examined_schedules, examined_services
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.row import CarMessageRow

VIOLATIONS_MAX = 200

PERFORMANCE_S = {
    "AC_ChargeLoopRes": 0.25,
    "DC_ChargeLoopRes": 0.25,
    "CertificateInstallationRes": 4.5,
    "ServiceDetailRes": 4.5,
    "SessionSetupRes": 1.5,
}
PERFORMANCE_DEFAULT_S = 1.5
"""V2G_SECC_Msg_Performance_Time (docs/sources/iso15118-20.md 7)."""

_ANYWHERE = {
    ResponseCode.OK,
    ResponseCode.FAILED,
    ResponseCode.FAILED_SequenceError,
    ResponseCode.FAILED_UnknownSession,
    ResponseCode.FAILED_SignatureError,
}
_CERTIFICATE_WARNINGS = {
    ResponseCode.WARNING_CertificateExpired,
    ResponseCode.WARNING_CertificateNotYetValid,
    ResponseCode.WARNING_CertificateRevoked,
    ResponseCode.WARNING_CertificateValidationError,
    ResponseCode.WARNING_eMSPUnknown,
}
_LOOP = {
    ResponseCode.WARNING_EVPowerProfileViolation,
    ResponseCode.FAILED_EVPowerProfileViolation,
    ResponseCode.FAILED_ScheduleRenegotiation,
    ResponseCode.FAILED_ContactorError,
}
OWN_CODES: dict[type, set[ResponseCode]] = {
    cm.SessionSetupRes: {ResponseCode.OK_NewSessionEstablished, ResponseCode.OK_OldSessionJoined},
    cm.AuthorizationRes: {
        *_CERTIFICATE_WARNINGS,
        ResponseCode.OK_CertificateExpiresSoon,
        ResponseCode.WARNING_AuthorizationSelectionInvalid,
        ResponseCode.WARNING_ChallengeInvalid,
        ResponseCode.WARNING_EIMAuthorizationFailure,
        ResponseCode.WARNING_GeneralPnCAuthorizationError,
    },
    cm.CertificateInstallationRes: {
        *_CERTIFICATE_WARNINGS,
        ResponseCode.WARNING_NoCertificateAvailable,
        ResponseCode.WARNING_NoContractMatchingPCIDFound,
    },
    cm.ServiceDetailRes: {ResponseCode.FAILED_ServiceIDInvalid},
    cm.ServiceSelectionRes: {
        ResponseCode.FAILED_ServiceSelectionInvalid,
        ResponseCode.FAILED_NoEnergyTransferServiceSelected,
    },
    ac.AC_ChargeParameterDiscoveryRes: {ResponseCode.FAILED_WrongChargeParameter},
    dc.DC_ChargeParameterDiscoveryRes: {ResponseCode.FAILED_WrongChargeParameter},
    cm.ScheduleExchangeRes: {ResponseCode.WARNING_ScheduleRenegotiationFailed},
    cm.PowerDeliveryRes: {
        ResponseCode.OK_PowerToleranceConfirmed,
        ResponseCode.WARNING_PowerToleranceNotConfirmed,
        ResponseCode.WARNING_StandbyNotAllowed,
        ResponseCode.WARNING_ScheduleRenegotiationFailed,
        ResponseCode.FAILED_ScheduleSelectionInvalid,
        ResponseCode.FAILED_EVPowerProfileInvalid,
        ResponseCode.FAILED_PowerToleranceNotConfirmed,
        ResponseCode.FAILED_PowerDeliveryNotApplied,
        ResponseCode.FAILED_ContactorError,
        ResponseCode.FAILED_ScheduleRenegotiation,
    },
    ac.AC_ChargeLoopRes: _LOOP,
    dc.DC_ChargeLoopRes: _LOOP,
    dc.DC_CableCheckRes: set(),
    dc.DC_PreChargeRes: set(),
    dc.DC_WeldingDetectionRes: set(),
    cm.MeteringConfirmationRes: {ResponseCode.FAILED_MeteringSignatureNotValid},
    cm.SessionStopRes: {
        ResponseCode.FAILED_PauseNotAllowed,
        ResponseCode.FAILED_NoServiceRenegotiationSupported,
    },
}
"""Codes beyond those of every message (docs/sources/iso15118-20.md 9)."""

Rule = Callable[[Any, Any, CarMemory], list[str]]

RULES: dict[type, Rule] = {
    cm.SessionSetupRes: examined_services.session_setup,
    cm.AuthorizationSetupRes: examined_services.authorization_setup,
    cm.ServiceDiscoveryRes: examined_services.service_discovery,
    cm.ServiceDetailRes: examined_services.service_detail,
    cm.ScheduleExchangeRes: examined_schedules.schedule_exchange,
    dc.DC_ChargeParameterDiscoveryRes: examined_loops.dc_charge_parameters,
    ac.AC_ChargeParameterDiscoveryRes: examined_loops.ac_charge_parameters,
    dc.DC_ChargeLoopRes: examined_loops.dc_charge_loop,
    ac.AC_ChargeLoopRes: examined_loops.ac_charge_loop,
}


class Examiner:
    """Collects violations; a sentence that comes again is kept once."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self._renegotiation: bool | None = None
        self._challenges: set[bytes] = set()

    def found(self, sentence: str) -> None:
        """One violation."""
        if sentence not in self.violations and len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(sentence)

    def answer(
        self, request: Any, answer: Any, took_s: float, payload_type: int, memory: CarMemory, row: CarMessageRow
    ) -> None:
        """Judge one answer; `payload_type` is the one it came under, `memory` is from before the answer."""
        name = type(answer).__name__
        if not isinstance(answer, row.answer):
            self.found(f"{type(request).__name__} answered with {name}")
            return
        if payload_type != row.payload_type:
            self.found(f"{name} under payload type {payload_type:#06x}: {row.payload_type:#06x}")
        bound_s = PERFORMANCE_S.get(name, PERFORMANCE_DEFAULT_S)
        if took_s > bound_s:
            self.found(f"{name} later than its performance time of {bound_s:g} s")
        self._general(name, answer, memory)
        code = getattr(answer, "ResponseCode", None)
        if isinstance(code, ResponseCode) and code.value.startswith("FAILED"):
            return  # its mandatory fields are filled with what says nothing
        if (rule := RULES.get(type(answer))) is not None:
            for sentence in rule(request, answer, memory):
                self.found(f"{name}: {sentence}")

    def _general(self, name: str, answer: Any, memory: CarMemory) -> None:
        header, code = getattr(answer, "Header", None), getattr(answer, "ResponseCode", None)
        own = OWN_CODES.get(type(answer), set())
        if isinstance(code, ResponseCode) and code not in own and code not in _ANYWHERE:
            self.found(f"{name} with {code.value}, which is no code of this message")
        if header is not None and not isinstance(answer, cm.SessionSetupRes) and header.SessionID != memory.session_id:
            self.found(f"{name} with session id {header.SessionID.hex()}: {memory.session_id.hex()}")
        match answer:
            case cm.ServiceDiscoveryRes(ServiceRenegotiationSupported=supported):
                if self._renegotiation not in (None, supported):
                    self.found(f"{name}: ServiceRenegotiationSupported changed within the session")
                self._renegotiation = supported
            case cm.AuthorizationSetupRes(PnC_ASResAuthorizationMode=mode) if mode is not None:
                if mode.GenChallenge in self._challenges:
                    self.found(f"{name}: a GenChallenge came twice")
                self._challenges.add(mode.GenChallenge)
            case dc.DC_ChargeLoopRes(EVSEStatus=status) | ac.AC_ChargeLoopRes(EVSEStatus=status) if status is not None:
                if status.EVSENotification.value == "ServiceRenegotiation" and self._renegotiation is False:
                    self.found(f"{name}: ServiceRenegotiation notified, which the station said it does not support")
