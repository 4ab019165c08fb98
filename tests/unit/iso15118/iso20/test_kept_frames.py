"""Frames kept for the wire trace: a note is for what is odd, and no ordinary answer is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chargepoint.iso15118.conversation.conversation import Conversation
from chargepoint.iso15118.iso20.protocol import served
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.v2gtp import PayloadType, frame

if TYPE_CHECKING:
    from tests.unit.iso15118.iso20.conftest import ScriptedCar


def test_an_answer_has_no_note_and_what_cannot_be_decoded_has_one(new_car: Callable[..., ScriptedCar]) -> None:
    car = new_car()
    car.secc = Conversation(
        car.settings, served(car.settings), car.peer, lambda n: bytes(range(1, n + 1)), car.now, keep_frames=True
    )
    car.agree()
    car.ask(car.request(cm.SessionSetupReq))
    kept = car.secc.frames()
    assert [type(f.message).__name__ for f in kept if f.direction == ">"] == [
        "supportedAppProtocolRes",
        "SessionSetupRes",
    ]
    assert [f.note for f in kept] == [""] * 4
    car.send_bytes(frame(PayloadType.MAINSTREAM, b"\xff\xff"))
    (odd,) = car.secc.frames()
    assert odd.note.startswith("undecodable: ")
