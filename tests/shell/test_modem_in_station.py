"""The station's shell between a modem and an EVSE's decisions: the pilot goes out, reports come in."""

from __future__ import annotations

from typing import Any, cast

from chargepoint.model.data_link import DataLinkChanged, DataLinkState
from chargepoint.model.demand import PilotCommand
from chargepoint.model.image import ControlPilot
from tests.shell.test_station_shell import EVSE, Bench


class ModemSide:
    """What `ModemSocket` is to the shell."""

    def __init__(self) -> None:
        self.seen: list[tuple[ControlPilot, bool]] = []

    def note_pilot(self, pilot: ControlPilot, *, wanted: bool) -> None:
        self.seen.append((pilot, wanted))


async def test_the_pilot_goes_to_the_modem_with_each_image() -> None:
    bench, modem = Bench(), ModemSide()
    shell = bench.shell
    shell.join(cast(Any, bench.link), cast(Any, bench.csms), {}, bench.restarts.append, {EVSE: cast(Any, modem)})
    await bench.see(pilot=ControlPilot.A)
    await bench.see(pilot=ControlPilot.B)
    assert modem.seen == [(ControlPilot.A, False), (ControlPilot.B, True)]


async def test_what_slac_reports_reaches_the_session_and_the_status() -> None:
    bench = Bench()
    await bench.see(pilot=ControlPilot.B)
    changed = DataLinkChanged(EVSE, DataLinkState.UP, car_mac="02:00:00:00:00:01")
    bench.shell.on_data_link(changed)
    assert bench.shell.control.evses[EVSE].view.data_link == changed
    assert bench.link.demands[-1].pilot is PilotCommand.PWM
