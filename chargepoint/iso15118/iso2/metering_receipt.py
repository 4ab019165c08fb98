"""MeteringReceipt: the car signs the meter reading that it was sent. Source: docs/sources/iso15118-2-din.md 1.2 («Receipts»)."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.session_id import same_by_value
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.contract_signature import wrong_signature
from chargepoint.iso15118.iso2.evse_status import evse_status
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import MeteringReceiptReq, MeteringReceiptRes, ResponseCode
from chargepoint.model.car import CarEvent, MeterReadingConfirmed, WishFollowed
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import Wish


def respond(request: MeteringReceiptReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """OK for the reading that was sent, signed with the key of the contract. FAILED_MeteringSignatureNotValid, which ends the session,
    for any other ([481])."""
    if not same_by_value(request.SessionID, session.session_id) or request.MeterInfo != session.meter_sent:
        return Refusal(ResponseCode.FAILED_MeteringSignatureNotValid, "it confirms a reading that it was not sent")
    if (wrong := wrong_signature(request, session.contract.leaf, at)) is not None:
        return Refusal(ResponseCode.FAILED_MeteringSignatureNotValid, wrong)
    after = replace(session, state=Iso2State.CHARGE_LOOP)
    return Answer(MeteringReceiptRes(ResponseCode=ResponseCode.OK, EVSEStatus=evse_status(after, at)), after)


def refuse(_: MeteringReceiptReq, code: ResponseCode, session: Iso2Session, at: Situation) -> MeteringReceiptRes:
    """The response with this code."""
    return MeteringReceiptRes(ResponseCode=code, EVSEStatus=evse_status(session, at, stopped=True))


def learned(request: MeteringReceiptReq, _: Iso2Session, __: Iso2Session, at: Situation) -> tuple[CarEvent, ...]:
    """The car did what the station asked for, and this is what it confirmed."""
    evse_id = EvseId(at.settings.evse_id)
    confirmed = MeterReadingConfirmed(evse_id, request.MeterInfo.MeterReading or 0, 0, signed=True)
    return (WishFollowed(evse_id, Wish.METERING_CONFIRMATION), confirmed)
