"""The body of a car without a plant."""

from __future__ import annotations

from hil.simulators.evcc.alone_body import AloneBody
from hil.simulators.evcc.body import is_digital


async def test_the_inlet_is_live_in_state_c_alone_and_no_current_flows() -> None:
    body = AloneBody(battery_V=380.0, soc_percent=40.0)
    assert is_digital(await body.measure())
    assert (await body.pilot("C")).inlet_V == 380.0
    measured = await body.contactors(closed=True)
    assert (measured.inlet_V, measured.current_A, measured.pilot) == (380.0, 0.0, "C")
    assert (await body.pilot("B")).inlet_V == 0.0
    assert (await body.charger(7000.0)).charger_W == 7000.0
