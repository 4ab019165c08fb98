"""Refusals: the response to any request with a FAILED code, its mandatory fields filled with what says nothing.

Measured values are sent as measured: a car that closed its contactors decides by it. Where a response has an EVSEStatus it
says Terminate too. One place, so that no message's own file repeats it. A request without an entry here is one the SECC never
offers; the connection is closed on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.common_types import (
    EvseNotification,
    EVSEStatus,
    MessageHeader,
    Processing,
    RationalNumber,
    ResponseCode,
)
from chargepoint.iso15118.rational import rational
from chargepoint.iso15118.secc.session import SeccSettings
from chargepoint.model.car import SeccInputs

_ZERO = rational(0)
_DH_PUBLIC_KEY_BYTES = 133
_SECP521_PRIVATE_KEY_BYTES = 94
"""Lengths of the schema's binary types dhPublicKeyType and secp521_EncryptedPrivateKeyType."""
_TERMINATE = EVSEStatus(NotificationMaxDelay=0, EVSENotification=EvseNotification.Terminate)


def _no_service(settings: SeccSettings) -> cm.ServiceList:
    return cm.ServiceList(Service=(cm.Service(ServiceID=int(settings.services[0].service_id), FreeService=False),))


def _measured(value: float | None) -> RationalNumber:
    """The schema has no word for «not known»: 0 with a FAILED code."""
    return _ZERO if value is None else rational(value)


_CHARGE: dict[str, Any] = {
    "EVSEMaximumChargePower": _ZERO,
    "EVSEMinimumChargePower": _ZERO,
    "EVSEMaximumChargeCurrent": _ZERO,
    "EVSEMaximumVoltage": _ZERO,
}
_DISCHARGE: dict[str, Any] = {
    "EVSEMaximumDischargePower": _ZERO,
    "EVSEMinimumDischargePower": _ZERO,
    "EVSEMaximumDischargeCurrent": _ZERO,
    "EVSEMinimumVoltage": _ZERO,
}
_NOTHING_FLOWS: dict[type, Any] = {
    dc.Dynamic_DC_CLReqControlMode: dc.Dynamic_DC_CLResControlMode(**_CHARGE),
    dc.BPT_Dynamic_DC_CLReqControlMode: dc.BPT_Dynamic_DC_CLResControlMode(**_CHARGE, **_DISCHARGE),
    dc.Scheduled_DC_CLReqControlMode: dc.Scheduled_DC_CLResControlMode(**_CHARGE),
    dc.BPT_Scheduled_DC_CLReqControlMode: dc.BPT_Scheduled_DC_CLResControlMode(**_CHARGE, **_DISCHARGE),
}
"""The answer's control mode to that of the request, as the schema pairs them."""


_NO_CHARGE_LIMITS: dict[str, Any] = {**_CHARGE, "EVSEMinimumChargeCurrent": _ZERO, "EVSEMinimumVoltage": _ZERO}
_NO_LIMITS: dict[type, Any] = {
    dc.DC_CPDReqEnergyTransferMode: dc.DC_CPDResEnergyTransferMode(**_NO_CHARGE_LIMITS),
    dc.BPT_DC_CPDReqEnergyTransferMode: dc.BPT_DC_CPDResEnergyTransferMode(
        **{**_NO_CHARGE_LIMITS, **_DISCHARGE}, EVSEMinimumDischargeCurrent=_ZERO
    ),
}
"""Paired in the same way."""


def _charge_loop(head: dict[str, Any], request: dc.DC_ChargeLoopReq, seen: SeccInputs) -> dc.DC_ChargeLoopRes:
    return dc.DC_ChargeLoopRes(
        **head,
        EVSEStatus=_TERMINATE,
        EVSEPresentCurrent=_measured(seen.current_A),
        EVSEPresentVoltage=_measured(seen.voltage_V),
        EVSEPowerLimitAchieved=False,
        EVSECurrentLimitAchieved=False,
        EVSEVoltageLimitAchieved=False,
        CLResControlMode=_NOTHING_FLOWS[type(request.CLReqControlMode)],
    )


def _no_certificate(head: dict[str, Any]) -> cm.CertificateInstallationRes:
    """Schema-valid and empty: what must be there is there, and means nothing."""
    return cm.CertificateInstallationRes(
        **head,
        EVSEProcessing=Processing.Finished,
        CPSCertificateChain=cm.CertificateChain(Certificate=b""),
        SignedInstallationData=cm.SignedInstallationData(
            Id="none",
            ContractCertificateChain=cm.ContractCertificateChain(
                Certificate=b"", SubCertificates=cm.SubCertificates(Certificate=(b"",))
            ),
            ECDHCurve=cm.EcdhCurve.SECP521,
            DHPublicKey=bytes(_DH_PUBLIC_KEY_BYTES),
            SECP521_EncryptedPrivateKey=bytes(_SECP521_PRIVATE_KEY_BYTES),
        ),
        RemainingContractCertificateChains=0,
    )


_Maker = Callable[[dict[str, Any], Any, SeccSettings, SeccInputs], Any]

_RESPONSES: dict[type, _Maker] = {
    cm.SessionSetupReq: lambda head, _, s, seen: cm.SessionSetupRes(**head, EVSEID=s.evse_id_text),
    cm.AuthorizationSetupReq: lambda head, _, s, seen: cm.AuthorizationSetupRes(
        **head,
        AuthorizationServices=(cm.Authorization.EIM,),
        CertificateInstallationService=False,
        EIM_ASResAuthorizationMode=cm.EIM_ASResAuthorizationMode(),
    ),
    # Plug & Charge is not offered; a car that believes it has to install a certificate still asks
    cm.CertificateInstallationReq: lambda head, _, s, seen: _no_certificate(head),
    cm.AuthorizationReq: lambda head, _, s, seen: cm.AuthorizationRes(**head, EVSEProcessing=Processing.Finished),
    cm.ServiceDiscoveryReq: lambda head, _, s, seen: cm.ServiceDiscoveryRes(
        **head, ServiceRenegotiationSupported=False, EnergyTransferServiceList=_no_service(s)
    ),
    cm.ServiceDetailReq: lambda head, request, s, seen: cm.ServiceDetailRes(
        **head,
        ServiceID=request.ServiceID,
        ServiceParameterList=cm.ServiceParameterList(ParameterSet=(s.services[0].parameter_set(),)),
    ),
    cm.ServiceSelectionReq: lambda head, _, s, seen: cm.ServiceSelectionRes(**head),
    cm.ScheduleExchangeReq: lambda head, _, s, seen: cm.ScheduleExchangeRes(
        **head, EVSEProcessing=Processing.Finished, Dynamic_SEResControlMode=cm.Dynamic_SEResControlMode()
    ),
    cm.PowerDeliveryReq: lambda head, _, s, seen: cm.PowerDeliveryRes(**head, EVSEStatus=_TERMINATE),
    cm.MeteringConfirmationReq: lambda head, _, s, seen: cm.MeteringConfirmationRes(**head),
    cm.SessionStopReq: lambda head, _, s, seen: cm.SessionStopRes(**head),
    cm.VehicleCheckInReq: lambda head, _, s, seen: cm.VehicleCheckInRes(**head),
    cm.VehicleCheckOutReq: lambda head, _, s, seen: cm.VehicleCheckOutRes(
        **head, EVSECheckOutStatus=cm.EvseCheckOutStatus.Completed
    ),
    dc.DC_ChargeParameterDiscoveryReq: lambda head, request, s, seen: dc.DC_ChargeParameterDiscoveryRes(
        **head, DC_CPDResEnergyTransferMode=_NO_LIMITS[type(request.DC_CPDReqEnergyTransferMode)]
    ),
    dc.DC_CableCheckReq: lambda head, _, s, seen: dc.DC_CableCheckRes(**head, EVSEProcessing=Processing.Finished),
    dc.DC_PreChargeReq: lambda head, _, s, seen: dc.DC_PreChargeRes(
        **head, EVSEPresentVoltage=_measured(seen.voltage_V)
    ),
    dc.DC_ChargeLoopReq: lambda head, request, s, seen: _charge_loop(head, request, seen),
    dc.DC_WeldingDetectionReq: lambda head, _, s, seen: dc.DC_WeldingDetectionRes(
        **head, EVSEPresentVoltage=_measured(seen.voltage_V)
    ),
}


def refuse(
    request: Any, code: ResponseCode, header: MessageHeader, settings: SeccSettings, seen: SeccInputs
) -> Any | None:
    """The response class of this request with the code; None for a request that has no place in our offer."""
    maker = _RESPONSES.get(type(request))
    return None if maker is None else maker({"Header": header, "ResponseCode": code}, request, settings, seen)
