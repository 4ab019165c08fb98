"""VehicleCheckIn and VehicleCheckOut of the value-added service ParkingStatus, on a payload type of their own.

Source: docs/sources/iso15118-20.md 6; their place in the order of messages is unverified.
"""

from __future__ import annotations

from chargepoint.iso15118.conversation.row import Answer
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.services import ServiceId
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.messages.common_messages import (
    EvseCheckOutStatus,
    VehicleCheckInReq,
    VehicleCheckInRes,
    VehicleCheckOutReq,
    VehicleCheckOutRes,
)
from chargepoint.iso15118.messages.common_types import ResponseCode


def applies(session: Session) -> bool:
    """The car selected ParkingStatus."""
    return any(service == ServiceId.PARKING_STATUS for service, _ in session.added_services)


def respond_in(_: VehicleCheckInReq, session: Session, at: Situation) -> Answer[Session]:
    """The station has no parking space of its own to name."""
    return Answer(VehicleCheckInRes(Header=session.header(at.now), ResponseCode=ResponseCode.OK), session)


def refuse_in(_: VehicleCheckInReq, code: ResponseCode, session: Session, at: Situation) -> VehicleCheckInRes:
    """The response with this code."""
    return VehicleCheckInRes(**head(code, session, at))


def respond_out(_: VehicleCheckOutReq, session: Session, at: Situation) -> Answer[Session]:
    """The car may leave at any time."""
    response = VehicleCheckOutRes(
        Header=session.header(at.now),
        ResponseCode=ResponseCode.OK,
        EVSECheckOutStatus=EvseCheckOutStatus.Completed,
    )
    return Answer(response, session)


def refuse_out(_: VehicleCheckOutReq, code: ResponseCode, session: Session, at: Situation) -> VehicleCheckOutRes:
    """The response with this code."""
    return VehicleCheckOutRes(**head(code, session, at), EVSECheckOutStatus=EvseCheckOutStatus.Completed)
