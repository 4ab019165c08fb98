"""Refusals: the response to any request with a FAILED code, its mandatory fields filled with what says nothing.

One place, so that no message's own file repeats it. A request without an entry here is one the SECC never offers; the
connection is closed on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.common_types import MessageHeader, Processing, ResponseCode
from chargepoint.iso15118.rational import rational
from chargepoint.iso15118.secc.session import SeccSettings

_ZERO = rational(0)


def _no_service(settings: SeccSettings) -> cm.ServiceList:
    return cm.ServiceList(Service=(cm.Service(ServiceID=int(settings.services[0].service_id), FreeService=False),))


def _no_limits() -> dc.DC_CPDResEnergyTransferMode:
    return dc.DC_CPDResEnergyTransferMode(
        EVSEMaximumChargePower=_ZERO,
        EVSEMinimumChargePower=_ZERO,
        EVSEMaximumChargeCurrent=_ZERO,
        EVSEMinimumChargeCurrent=_ZERO,
        EVSEMaximumVoltage=_ZERO,
        EVSEMinimumVoltage=_ZERO,
    )


_Maker = Callable[[dict[str, Any], Any, SeccSettings], Any]

_RESPONSES: dict[type, _Maker] = {
    cm.SessionSetupReq: lambda head, _, s: cm.SessionSetupRes(**head, EVSEID=s.evse_id_text),
    cm.AuthorizationSetupReq: lambda head, _, s: cm.AuthorizationSetupRes(
        **head,
        AuthorizationServices=(cm.Authorization.EIM,),
        CertificateInstallationService=False,
        EIM_ASResAuthorizationMode=cm.EIM_ASResAuthorizationMode(),
    ),
    cm.AuthorizationReq: lambda head, _, s: cm.AuthorizationRes(**head, EVSEProcessing=Processing.Finished),
    cm.ServiceDiscoveryReq: lambda head, _, s: cm.ServiceDiscoveryRes(
        **head, ServiceRenegotiationSupported=False, EnergyTransferServiceList=_no_service(s)
    ),
    cm.ServiceDetailReq: lambda head, request, s: cm.ServiceDetailRes(
        **head,
        ServiceID=request.ServiceID,
        ServiceParameterList=cm.ServiceParameterList(ParameterSet=(s.services[0].parameter_set(),)),
    ),
    cm.ServiceSelectionReq: lambda head, _, s: cm.ServiceSelectionRes(**head),
    cm.ScheduleExchangeReq: lambda head, _, s: cm.ScheduleExchangeRes(
        **head, EVSEProcessing=Processing.Finished, Dynamic_SEResControlMode=cm.Dynamic_SEResControlMode()
    ),
    cm.PowerDeliveryReq: lambda head, _, s: cm.PowerDeliveryRes(**head),
    cm.MeteringConfirmationReq: lambda head, _, s: cm.MeteringConfirmationRes(**head),
    cm.SessionStopReq: lambda head, _, s: cm.SessionStopRes(**head),
    cm.VehicleCheckInReq: lambda head, _, s: cm.VehicleCheckInRes(**head),
    cm.VehicleCheckOutReq: lambda head, _, s: cm.VehicleCheckOutRes(
        **head, EVSECheckOutStatus=cm.EvseCheckOutStatus.Completed
    ),
    dc.DC_ChargeParameterDiscoveryReq: lambda head, _, s: dc.DC_ChargeParameterDiscoveryRes(
        **head, DC_CPDResEnergyTransferMode=_no_limits()
    ),
    dc.DC_CableCheckReq: lambda head, _, s: dc.DC_CableCheckRes(**head, EVSEProcessing=Processing.Finished),
    dc.DC_PreChargeReq: lambda head, _, s: dc.DC_PreChargeRes(**head, EVSEPresentVoltage=_ZERO),
    dc.DC_ChargeLoopReq: lambda head, _, s: dc.DC_ChargeLoopRes(
        **head,
        EVSEPresentCurrent=_ZERO,
        EVSEPresentVoltage=_ZERO,
        EVSEPowerLimitAchieved=False,
        EVSECurrentLimitAchieved=False,
        EVSEVoltageLimitAchieved=False,
        CLResControlMode=dc.Scheduled_DC_CLResControlMode(),
    ),
    dc.DC_WeldingDetectionReq: lambda head, _, s: dc.DC_WeldingDetectionRes(**head, EVSEPresentVoltage=_ZERO),
}


def refuse(request: Any, code: ResponseCode, header: MessageHeader, settings: SeccSettings) -> Any | None:
    """The response class of this request with the code; None for a request that has no place in our offer."""
    maker = _RESPONSES.get(type(request))
    return None if maker is None else maker({"Header": header, "ResponseCode": code}, request, settings)
