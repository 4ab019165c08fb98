"""MeteringConfirmation: the reading that was sent, signed with the contract of the session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from certs.pki import Curve, Pki
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.row import Answer, Refusal
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer, Situation
from chargepoint.iso15118.exi.codec import NS_CM, decode, encode
from chargepoint.iso15118.iso20 import metering_confirmation
from chargepoint.iso15118.iso20.contract_state import ContractState
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import MessageHeader, MeterInfo, ResponseCode
from chargepoint.iso15118.pnc.signature import SignedElement, sign
from chargepoint.model.car import ControlMode, EnergyService, MeterReadingConfirmed, WishFollowed
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import StationView, Wish

SESSION_ID = bytes(range(1, 9))
PKIS = {curve: Pki(curve) for curve in (Curve.P521, Curve.ED448, Curve.P256)}
READING = MeterInfo(MeterID="meter1", ChargedEnergyReadingWh=4321, BPT_DischargedEnergyReadingWh=21)


def session_of(curve: Curve | None, **changes: Any) -> Session:
    leaf = b"" if curve is None else PKIS[curve].chain_der("contract")[0]
    session = Session(
        state=State.CHARGE_LOOP, session_id=SESSION_ID, meter_sent=READING, contract=ContractState(leaf=leaf)
    )
    return replace(session, **changes)


def request_of(signer: Curve | None, session_id: bytes = SESSION_ID, **changes: Any) -> cm.MeteringConfirmationReq:
    data = cm.SignedMeteringData(
        Id="id1",
        SessionID=session_id,
        MeterInfo=replace(READING, **changes),
        Dynamic_SMDTControlMode=cm.Dynamic_SMDTControlMode(),
    )
    signature = None if signer is None else sign([SignedElement(data)], PKIS[signer].keys["contract"])
    header = MessageHeader(SessionID=SESSION_ID, TimeStamp=1, Signature=signature)
    request = decode(NS_CM, encode(cm.MeteringConfirmationReq(Header=header, SignedMeteringData=data)))
    assert isinstance(request, cm.MeteringConfirmationReq)
    return request


def at(*, allow_p256: bool = False) -> Situation:
    settings = SeccSettings(1, "DE*OCP*E1", (EnergyService.DC_BPT,), (ControlMode.DYNAMIC,), allow_p256=allow_p256)
    return Situation(settings=settings, view=StationView(), now=Now(5.0, 6), peer=Peer("fe80::1"), random_bytes=bytes)


@pytest.mark.parametrize("curve", [Curve.P521, Curve.ED448])
def test_a_reading_signed_with_the_contract_is_confirmed(curve: Curve) -> None:
    session, request = session_of(curve), request_of(curve)
    reply = metering_confirmation.respond(request, session, at())
    assert isinstance(reply, Answer)
    assert reply.response.ResponseCode is ResponseCode.OK and reply.session == session
    assert metering_confirmation.learned(request, session, session, at()) == (
        WishFollowed(EvseId(1), Wish.METERING_CONFIRMATION),
        MeterReadingConfirmed(EvseId(1), 4321, 21, signed=True),
    )


@pytest.mark.parametrize("signer", [None, Curve.ED448])
def test_a_missing_or_a_foreign_signature_ends_the_session(signer: Curve | None) -> None:
    reply = metering_confirmation.respond(request_of(signer), session_of(Curve.P521), at())
    assert isinstance(reply, Refusal)
    assert reply.code is ResponseCode.FAILED_MeteringSignatureNotValid
    assert "signature" in reply.why


def test_a_changed_reading_breaks_its_signature() -> None:
    good = request_of(Curve.P521)
    other = replace(
        good.SignedMeteringData,
        Id="id1",
        Dynamic_SMDTControlMode=None,
        Scheduled_SMDTControlMode=cm.Scheduled_SMDTControlMode(SelectedScheduleTupleID=9),
    )
    reply = metering_confirmation.respond(replace(good, SignedMeteringData=other), session_of(Curve.P521), at())
    assert isinstance(reply, Refusal)
    assert reply.code is ResponseCode.FAILED_MeteringSignatureNotValid


@pytest.mark.parametrize("allowed", [True, False])
def test_p256_is_for_a_bench(allowed: bool) -> None:
    reply = metering_confirmation.respond(request_of(Curve.P256), session_of(Curve.P256), at(allow_p256=allowed))
    assert isinstance(reply, Answer) is allowed


def test_a_car_without_a_contract_confirms_unsigned() -> None:
    session, request = session_of(None), request_of(None)
    reply = metering_confirmation.respond(request, session, at())
    assert isinstance(reply, Answer)
    (_, confirmed) = metering_confirmation.learned(request, session, session, at())
    assert confirmed == MeterReadingConfirmed(EvseId(1), 4321, 21, signed=False)


@pytest.mark.parametrize(
    ("request_", "session"),
    [
        (request_of(Curve.P521, ChargedEnergyReadingWh=4322), session_of(Curve.P521)),
        (request_of(Curve.P521, session_id=bytes(8)), session_of(Curve.P521)),
        (request_of(Curve.P521), session_of(Curve.P521, meter_sent=None)),
    ],
    ids=["another-reading", "another-session", "never-sent"],
)
def test_what_was_not_sent_cannot_be_confirmed(request_: cm.MeteringConfirmationReq, session: Session) -> None:
    reply = metering_confirmation.respond(request_, session, at())
    assert isinstance(reply, Refusal)
    assert reply.code is ResponseCode.FAILED_MeteringSignatureNotValid


def test_a_refusal_fits_the_schema() -> None:
    code = ResponseCode.FAILED_MeteringSignatureNotValid
    response = metering_confirmation.refuse(request_of(None), code, session_of(None), at())
    assert decode(NS_CM, encode(response)) == response
