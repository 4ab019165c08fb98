"""ServiceDiscovery: the one service and the one way to pay that DIN has. Source: docs/sources/iso15118-2-din.md 1.3."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages.din70121 import (
    EVSESupportedEnergyTransfer,
    PaymentOption,
    PaymentOptions,
    ResponseCode,
    ServiceCategory,
    ServiceCharge,
    ServiceDiscoveryReq,
    ServiceDiscoveryRes,
    ServiceTag,
)

CHARGE_SERVICE_ID = 1


def respond(_: ServiceDiscoveryReq, session: DinSession, __: Situation) -> Answer[DinSession]:
    """Charging with direct current, paid by external means. Category and scope of the request filter nothing (V2G-DC-628, 629)."""
    return Answer(_response(ResponseCode.OK), replace(session, state=DinState.SERVICE_PAYMENT_SELECTION))


def refuse(_: ServiceDiscoveryReq, code: ResponseCode, __: DinSession, ___: Situation) -> ServiceDiscoveryRes:
    """The response with this code."""
    return _response(code)


def _response(code: ResponseCode) -> ServiceDiscoveryRes:
    return ServiceDiscoveryRes(
        ResponseCode=code,
        PaymentOptions=PaymentOptions(PaymentOption=(PaymentOption.ExternalPayment,)),
        ChargeService=ServiceCharge(
            ServiceTag=ServiceTag(ServiceID=CHARGE_SERVICE_ID, ServiceCategory=ServiceCategory.EVCharging),
            FreeService=False,
            EnergyTransferType=EVSESupportedEnergyTransfer.DC_extended,
        ),
    )
