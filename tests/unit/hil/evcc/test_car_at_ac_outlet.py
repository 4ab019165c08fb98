"""The car's body at the bench's AC outlet: what it measures, and the power its charger takes."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.board import CONTACTOR, LOCK
from hil.plant.pilot import Generator
from hil.plant.station import STEP_S, Plant
from hil.simulators.control import Control
from hil.simulators.evcc.body import AcOutletBody, PlantBody
from hil.simulators.line_socket import LineSocket, Refused
from hil.simulators.wired_plant import WiredPlant


class Socket:
    """Asks the plant's control without a socket."""

    def __init__(self, outlet: AcOutletPlant) -> None:
        self._control = Control(WiredPlant(Plant(outlets={1: outlet})), lambda: 0.0)

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._control.answer(json.dumps(request).encode()))
        assert found["ok"], found
        return found


async def test_a_car_at_an_ac_outlet_orders_its_power() -> None:
    outlet = AcOutletPlant(1)
    outlet.plug()
    body = AcOutletBody(cast(LineSocket, Socket(outlet)), 1)
    await body.pilot("C")
    await body.charger(5000.0)
    for step in range(round(3.0 / STEP_S)):
        request = LOCK | (CONTACTOR if step > 500 else 0)
        outlet.board.write(outlet.board.sequence, Generator.PWM, 500, request, request ^ 0xFFFF)
        outlet.step(STEP_S)
    measured = await body.measure()
    assert measured.charger_W == pytest.approx(5000.0)
    assert measured.duty_percent == 5.0
    assert measured.pilot == "C"
    assert measured.inlet_V == pytest.approx(230.0, abs=1.0)
    assert (await body.contactors(closed=True)).charger_W == pytest.approx(5000.0)


async def test_a_car_on_a_dc_outlet_refuses_charger_power() -> None:
    with pytest.raises(Refused, match="EVSE 3 is a DC outlet"):
        await PlantBody(cast(LineSocket, None), 3).charger(1000.0)
