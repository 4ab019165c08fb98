"""MeteringConfirmation: the car signs what the meter showed. It comes on a payload type of its own, beside the charge loop.

Source: docs/sources/iso15118-20.md 6.
"""

from __future__ import annotations

from chargepoint.iso15118.conversation.row import Answer, Refused, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.messages.common_messages import MeteringConfirmationReq, MeteringConfirmationRes
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.model.car import CarEvent, WishFollowed
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import Wish


def respond(request: MeteringConfirmationReq, session: Session, at: Situation) -> Reply[Session]:
    """OK for the MeterInfo that was sent last, of this session; FAILED_MeteringSignatureNotValid for any other."""
    signed = request.SignedMeteringData
    if signed.SessionID != session.session_id or session.meter_sent is None or signed.MeterInfo != session.meter_sent:
        return Refused(ResponseCode.FAILED_MeteringSignatureNotValid, "it confirms a reading that it was not sent")
    return Answer(MeteringConfirmationRes(Header=session.header(at.now), ResponseCode=ResponseCode.OK), session)


def refuse(_: MeteringConfirmationReq, code: ResponseCode, session: Session, at: Situation) -> MeteringConfirmationRes:
    """The response with this code."""
    return MeteringConfirmationRes(**head(code, session, at))


def learned(_: MeteringConfirmationReq, __: Session, ___: Session, at: Situation) -> tuple[CarEvent, ...]:
    """The car did what the station asked for."""
    return (WishFollowed(EvseId(at.settings.evse_id), Wish.METERING_CONFIRMATION),)
