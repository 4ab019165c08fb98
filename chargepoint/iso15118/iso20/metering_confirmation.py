"""MeteringConfirmation: the car signs what the meter showed. It comes on a payload type of its own, beside the charge loop.

Source: docs/sources/iso15118-20.md 6.
"""

from __future__ import annotations

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.messages.common_messages import MeteringConfirmationReq, MeteringConfirmationRes
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.pnc.signature import SignedElement, verify
from chargepoint.model.car import CarEvent, MeterReadingConfirmed, WishFollowed
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import Wish
from chargepoint.security.certificates import CertificateUnreadable, read_certificate


def respond(request: MeteringConfirmationReq, session: Session, at: Situation) -> Reply[Session]:
    """OK for the MeterInfo that was sent last, of this session; FAILED_MeteringSignatureNotValid for any other.

    In a session with a contract the reading must be signed with the contract's key. Other cars have no key for it.
    """
    signed = request.SignedMeteringData
    if signed.SessionID != session.session_id or session.meter_sent is None or signed.MeterInfo != session.meter_sent:
        return Refusal(ResponseCode.FAILED_MeteringSignatureNotValid, "it confirms a reading that it was not sent")
    if session.contract.leaf:
        wrong = _wrong_signature(request, session.contract.leaf, at)
        if wrong is not None:
            return Refusal(ResponseCode.FAILED_MeteringSignatureNotValid, wrong)
    return Answer(MeteringConfirmationRes(Header=session.header(at.now), ResponseCode=ResponseCode.OK), session)


def _wrong_signature(request: MeteringConfirmationReq, leaf: bytes, at: Situation) -> str | None:
    try:
        key = read_certificate(leaf).public_key
    except CertificateUnreadable as error:
        return f"the contract of the session cannot be read: {error}"
    if key is None:
        return "the contract of the session has a key that cannot sign"
    element = SignedElement(request.SignedMeteringData)
    finding = verify(request.Header.Signature, [element], key, allow_p256=at.settings.allow_p256)
    return None if finding is None else f"signature of MeteringConfirmationReq: {finding.text}"


def refuse(_: MeteringConfirmationReq, code: ResponseCode, session: Session, at: Situation) -> MeteringConfirmationRes:
    """The response with this code."""
    return MeteringConfirmationRes(**head(code, session, at))


def learned(request: MeteringConfirmationReq, _: Session, after: Session, at: Situation) -> tuple[CarEvent, ...]:
    """The car did what the station asked for, and this is what it confirmed."""
    evse_id, reading = EvseId(at.settings.evse_id), request.SignedMeteringData.MeterInfo
    confirmed = MeterReadingConfirmed(
        evse_id,
        charged_Wh=reading.ChargedEnergyReadingWh,
        discharged_Wh=reading.BPT_DischargedEnergyReadingWh or 0,
        signed=bool(after.contract.leaf),
    )
    return (WishFollowed(evse_id, Wish.METERING_CONFIRMATION), confirmed)
