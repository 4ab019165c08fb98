"""Zero bytes after the end of a message, as a known car sends one (docs/sources/iso15118-2-din.md 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chargepoint.iso15118.exi.codec import NS_CM, NS_SAP, ExiError, decode, encode
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import CarSessionEnded, SessionEnd

if TYPE_CHECKING:
    from tests.unit.iso15118.iso20.conftest import ScriptedCar


@pytest.mark.parametrize("zeros", [1, 2, 5000])
def test_a_message_with_zero_bytes_behind_it_is_answered(new_car: Callable[..., ScriptedCar], zeros: int) -> None:
    car = new_car().reach(State.SERVICE_DISCOVERY)
    data = encode(car.request(cm.ServiceDiscoveryReq)) + bytes(zeros)
    (answer,) = car.send_bytes(frame(PayloadType.MAINSTREAM, data))
    assert answer.ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.SERVICE_DETAIL


def test_so_is_the_handshake(new_car: Callable[..., ScriptedCar]) -> None:
    car = new_car()
    (answer,) = car.send_bytes(frame(PayloadType.EXI_SAP, encode(car.app_protocol()) + b"\0"))
    assert answer.ResponseCode.value == "OK_SuccessfulNegotiation"


@pytest.mark.parametrize("behind", [b"\1", b"\0\x80", b"\xff"])
def test_other_bytes_behind_a_message_end_the_session(new_car: Callable[..., ScriptedCar], behind: bytes) -> None:
    car = new_car().reach(State.SERVICE_DISCOVERY)
    data = encode(car.request(cm.ServiceDiscoveryReq)) + behind
    assert car.send_bytes(frame(PayloadType.MAINSTREAM, data)) == []
    (end,) = (e for e in car.events if isinstance(e, CarSessionEnded))
    assert end.end is SessionEnd.PROTOCOL_ERROR


def test_the_codec_alone_takes_no_byte_too_many(new_car: Callable[..., ScriptedCar]) -> None:
    car = new_car()
    data = encode(car.app_protocol())
    with pytest.raises(ExiError, match="left after the end"):
        decode(NS_SAP, data + b"\0")
    assert decode(NS_SAP, data + b"\0", zeros_may_follow=True) == car.app_protocol()
    with pytest.raises(ExiError):
        decode(NS_CM, bytes(10), zeros_may_follow=True)
