"""The car's half of sessions recorded between other people's EVCC and SECC, played into our engine.

The recordings keep only distinct messages, authorise by Plug & Charge, and chose the parameter set numbers of another
station: the authorisation is replaced by EIM, and the stations's parameter sets are numbered as in the recording.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.iso15118.exi.codec import decode
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import CarDemandChanged, ControlMode, ServiceSelected, SessionEnd
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage

if TYPE_CHECKING:
    from tests.unit.iso15118.iso20.conftest import ScriptedCar


SESSIONS = Path(__file__).resolve().parents[3] / "vectors" / "exi" / "SESSIONS.jsonl.gz"
TYPES = {
    "urn:iso:std:iso:15118:-20:CommonMessages": PayloadType.MAINSTREAM,
    "urn:iso:std:iso:15118:-20:DC": PayloadType.DC_MAINSTREAM,
}


def requests(variant: str) -> list[tuple[str, Any, bytes]]:
    """Name, message and frame of each request, in recorded order."""
    found = []
    with gzip.open(SESSIONS, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if row["variant"] == variant and row["schema"] in TYPES and row["message"].endswith("Req"):
                exi = bytes.fromhex(row["exi"])
                found.append((row["message"], decode(row["schema"], exi), frame(TYPES[row["schema"]], exi)))
    return found


@pytest.mark.parametrize(
    ("variant", "modes"),
    [
        ("dcbpt_notls", (ControlMode.SCHEDULED, ControlMode.DYNAMIC)),
        ("dcbpt_dynamic_notls", (ControlMode.SCHEDULED, ControlMode.DYNAMIC)),
        ("dc_notls", (ControlMode.SCHEDULED, ControlMode.DYNAMIC)),
    ],
)
def test_a_recorded_car_is_served_to_its_end(
    new_car: Callable[..., ScriptedCar], variant: str, modes: tuple[ControlMode, ...]
) -> None:
    recorded = requests(variant)
    session_id = next(m.Header.SessionID for name, m, _ in recorded if name == "AuthorizationSetupReq")
    car = new_car(session_id=session_id, modes=modes)
    car.agree()
    car.session_id = session_id
    served = []
    for name, message, data in recorded:
        if name == "AuthorizationReq":
            answers = car.send(car.request(cm.AuthorizationReq))
        else:
            answers = car.send_bytes(data)
        match message:
            case dc.DC_CableCheckReq():
                answers += car.wait(0.2)
                assert answers[0].EVSEProcessing is Processing.Ongoing
                car.see(stage=Stage.CABLE_CHECKED)
                answers += car.send_bytes(data)  # the recording keeps equal messages once
            case dc.DC_PreChargeReq():
                car.see(stage=Stage.PRE_CHARGED, voltage_V=450.0)
            case cm.PowerDeliveryReq(ChargeProgress=cm.ChargeProgress.Start, EVProcessing=Processing.Finished):
                answers += car.see(stage=Stage.TRANSFER)
            case cm.PowerDeliveryReq(ChargeProgress=cm.ChargeProgress.Stop):
                answers += car.see(stage=Stage.OFF, voltage_V=20.0)
        assert answers, f"{name} was not answered"
        for answer in answers:
            assert type(answer).__name__ == name.removesuffix("Req") + "Res"
            assert answer.ResponseCode.value.startswith("OK"), answer
        served.append(name)
    assert served.count("DC_ChargeLoopReq") >= 9
    assert served[-1] == "SessionStopReq"
    assert car.secc.session.state is State.ENDED
    assert car.events[-1].end is SessionEnd.TERMINATED
    selected = next(e for e in car.events if isinstance(e, ServiceSelected))
    assert selected.control_mode is (ControlMode.DYNAMIC if "dynamic" in variant else ControlMode.SCHEDULED)
    assert selected.service.bidirectional is variant.startswith("dcbpt")
    transfer = [e.demand for e in car.events if isinstance(e, CarDemandChanged) and e.demand.phase is Phase.TRANSFER]
    assert {d.energy.soc_percent for d in transfer} >= {10, 50, 100}


def test_the_recorded_plug_and_charge_is_a_warning_to_us(new_car: Callable[..., ScriptedCar]) -> None:
    recorded = requests("dcbpt_notls")
    _, message, data = next(r for r in recorded if r[0] == "AuthorizationReq")
    assert message.SelectedAuthorizationService is cm.Authorization.PnC
    car = new_car(session_id=message.Header.SessionID).reach(State.AUTHORIZATION)
    (answer,) = car.send_bytes(data)
    assert answer.ResponseCode is ResponseCode.WARNING_AuthorizationSelectionInvalid
    assert not car.secc.ended
