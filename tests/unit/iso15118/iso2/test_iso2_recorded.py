"""The car's half of an ISO 15118-2 session recorded between other people's EVCC and SECC, played into our station."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from chargepoint.iso15118.exi.codec import NS_ISO2, decode
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import ChargeProgress, EVSEProcessing, ResponseCode
from chargepoint.model.car import CarSessionEnded, SessionEnd
from chargepoint.model.demand import Phase
from chargepoint.model.image import ControlPilot, Stage
from tests.unit.iso15118.iso2.car import GOOD, Iso2Car

SESSIONS = Path(__file__).resolve().parents[3] / "vectors" / "exi" / "SESSIONS.jsonl.gz"


def recorded() -> list[Any]:
    """The body of each request, in recorded order."""
    found = []
    with gzip.open(SESSIONS, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if row["variant"] == "iso2_eim_dc" and row["schema"] == NS_ISO2 and row["message"].endswith("Req"):
                message = decode(row["schema"], bytes.fromhex(row["exi"]))
                assert isinstance(message, iso2.V2G_Message)
                found.append(message.Body.BodyElement)
    return found


def test_the_recorded_car_is_served_to_its_end() -> None:
    car = Iso2Car()
    car.agree()
    names = []
    for body in recorded():
        answers = car.send(body)
        match body:
            case iso2.CableCheckReq():
                answers += car.wait(0.2)
                assert answers[0].EVSEProcessing is EVSEProcessing.Ongoing
                car.see(stage=Stage.CABLE_CHECKED)
                answers += car.send(body)  # the recording keeps equal messages once
            case iso2.PreChargeReq():
                car.see(stage=Stage.PRE_CHARGED, voltage_V=500.0)
            case iso2.PowerDeliveryReq(ChargeProgress=ChargeProgress.Start):
                answers += car.see(stage=Stage.TRANSFER)
            case iso2.PowerDeliveryReq(ChargeProgress=ChargeProgress.Stop):
                answers += car.see(stage=Stage.OFF, voltage_V=20.0, pilot=ControlPilot.B)
            case iso2.SessionSetupReq():
                car.session_id = car.heard_id
        assert answers, f"{type(body).__name__} was not answered"
        for answer in answers:
            assert type(answer).__name__ == type(body).__name__.removesuffix("Req") + "Res"
            assert answer.ResponseCode in GOOD, answer
        names.append(type(body).__name__)
    assert names.count("CurrentDemandReq") >= 9
    assert names[-1] == "SessionStopReq"
    assert answers[-1].ResponseCode is ResponseCode.OK
    assert car.state is Iso2State.ENDED
    assert car.learned(CarSessionEnded)[-1].end is SessionEnd.TERMINATED
    transfer = [demand for demand in car.demands() if demand.phase is Phase.TRANSFER]
    assert {demand.energy.soc_percent for demand in transfer} >= {20, 50, 100}
    assert {demand.target_current_A for demand in transfer} >= {1.0}
