"""Messages of DIN's schema that a DC session with external payment does not have: each is refused by its own response.

They come in no state, so `respond` is never asked. Source: docs/sources/iso15118-2-din.md 1.1 and 1.3.
"""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.conversation.row import Refusal
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.messages import din70121 as din
from chargepoint.iso15118.messages.din70121 import ResponseCode

_AC_STATUS = din.AC_EVSEStatus(
    PowerSwitchClosed=False, RCD=False, NotificationMaxDelay=0, EVSENotification=din.EVSENotification.None_
)
_NO_CHAIN = din.CertificateChain(Certificate=b"")


def respond(_: Any, __: DinSession, ___: Situation) -> Refusal:
    """This message has no place in any state."""
    return Refusal(ResponseCode.FAILED_SequenceError)


def refuse_service_detail(
    request: din.ServiceDetailReq, code: ResponseCode, _: DinSession, __: Situation
) -> din.ServiceDetailRes:
    """The response with this code."""
    return din.ServiceDetailRes(ResponseCode=code, ServiceID=request.ServiceID)


def refuse_payment_details(
    _: din.PaymentDetailsReq, code: ResponseCode, __: DinSession, at: Situation
) -> din.PaymentDetailsRes:
    """The response with this code."""
    return din.PaymentDetailsRes(ResponseCode=code, GenChallenge="", DateTimeNow=at.now.utc_s)


def refuse_charging_status(
    _: din.ChargingStatusReq, code: ResponseCode, __: DinSession, ___: Situation
) -> din.ChargingStatusRes:
    """The response with this code."""
    return din.ChargingStatusRes(
        ResponseCode=code, EVSEID=b"\0", SAScheduleTupleID=1, ReceiptRequired=False, AC_EVSEStatus=_AC_STATUS
    )


def refuse_metering_receipt(
    _: din.MeteringReceiptReq, code: ResponseCode, __: DinSession, ___: Situation
) -> din.MeteringReceiptRes:
    """The response with this code."""
    return din.MeteringReceiptRes(ResponseCode=code, AC_EVSEStatus=_AC_STATUS)


def refuse_certificate_installation(
    _: din.CertificateInstallationReq, code: ResponseCode, __: DinSession, ___: Situation
) -> din.CertificateInstallationRes:
    """The response with this code."""
    return din.CertificateInstallationRes(
        Id="id1",
        ResponseCode=code,
        ContractSignatureCertChain=_NO_CHAIN,
        ContractSignatureEncryptedPrivateKey=b"",
        DHParams=b"",
        ContractID="",
    )


def refuse_certificate_update(
    _: din.CertificateUpdateReq, code: ResponseCode, __: DinSession, ___: Situation
) -> din.CertificateUpdateRes:
    """The response with this code."""
    return din.CertificateUpdateRes(
        Id="id1",
        ResponseCode=code,
        ContractSignatureCertChain=_NO_CHAIN,
        ContractSignatureEncryptedPrivateKey=b"",
        DHParams=b"",
        ContractID="",
        RetryCounter=0,
    )
