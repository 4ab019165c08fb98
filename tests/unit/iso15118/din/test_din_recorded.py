"""The car's half of a recorded DIN session, played into our engine. The SessionID is the recorded one, drawn by our station."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.exi.codec import NS_DIN, decode
from chargepoint.iso15118.messages import din70121 as din
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import SessionEnd
from chargepoint.model.image import ControlPilot, Stage
from tests.unit.iso15118.iso20.test_secc_recorded import SESSIONS

if TYPE_CHECKING:
    from tests.unit.iso15118.din.conftest import DinCar


def requests() -> list[tuple[Any, bytes]]:
    """Message and frame of each distinct request, in recorded order."""
    found = []
    with gzip.open(SESSIONS, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if row["variant"] == "din_dc" and row["schema"] == NS_DIN and row["message"].endswith("Req"):
                exi = bytes.fromhex(row["exi"])
                found.append((decode(NS_DIN, exi), frame(PayloadType.EXI_SAP, exi)))
    return found


def test_the_recorded_car_is_served_to_its_end(new_car: Callable[..., DinCar]) -> None:
    recorded = requests()
    session_id = next(m.Header.SessionID for m, _ in recorded if any(m.Header.SessionID))
    car = new_car(session_id=session_id)
    car.agree()
    names = []
    for message, data in recorded:
        body = message.Body.BodyElement
        answers = car.send_bytes(data)
        match body:
            case din.CableCheckReq():
                answers += car.wait(0.2)
                assert [a.EVSEProcessing for a in answers] == [din.EVSEProcessing.Ongoing]
                car.see(stage=Stage.CABLE_CHECKED)
                answers = car.send_bytes(data)  # the recording keeps equal messages once
            case din.PreChargeReq():
                car.see(stage=Stage.PRE_CHARGED, voltage_V=500.0)
            case din.PowerDeliveryReq(ReadyToChargeState=True):
                answers += car.see(stage=Stage.TRANSFER)
            case din.PowerDeliveryReq():
                answers += car.see(stage=Stage.OFF, voltage_V=20.0, pilot=ControlPilot.B)
        answers += car.wait(0.05)
        name = type(body).__name__
        assert [type(a).__name__ for a in answers] == [name.removesuffix("Req") + "Res"]
        assert answers[0].ResponseCode.value.startswith("OK"), answers[0]
        names.append(name)
    assert names.count("CurrentDemandReq") >= 8
    assert names[-1] == "SessionStopReq"
    assert car.secc.session.state is DinState.ENDED
    assert car.events[-1].end is SessionEnd.TERMINATED
    assert car.secc.evcc_id == "3E89F8859407"
    assert {d.energy.soc_percent for d in car.demands()} >= {10.0, 30.0, 100.0}
