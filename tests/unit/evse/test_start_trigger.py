"""E01 to E03: the trigger of the first record is what came last, token or plug; a remote start is named in any case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chargepoint.evse.events import BeginTransaction, SessionOutput
from chargepoint.model.commands import StartTransaction
from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.model.image import ControlPilot
from chargepoint.model.transactions import TriggerReason

if TYPE_CHECKING:
    from tests.unit.evse.conftest import Station


def triggers(outputs: list[SessionOutput]) -> list[TriggerReason]:
    return [output.trigger for output in outputs if isinstance(output, BeginTransaction)]


def test_the_token_after_the_plug(station: Station) -> None:
    station.see(pilot=ControlPilot.B)
    station.live(1.0)
    station.present()
    assert triggers(station.answer()) == [TriggerReason.AUTHORIZED]


def test_the_plug_after_the_token(station: Station) -> None:
    station.see(pilot=ControlPilot.A)
    station.present()
    station.answer()
    station.live(1.0)
    assert triggers(station.see(pilot=ControlPilot.B)) == [TriggerReason.CABLE_PLUGGED_IN]


def test_a_remote_start_before_the_plug(station: Station) -> None:
    station.see(pilot=ControlPilot.A)
    station.feed(StartTransaction(EvseId(1), IdToken("R", IdTokenType.CENTRAL), 7, False))
    station.live(1.0)
    assert triggers(station.see(pilot=ControlPilot.B)) == [TriggerReason.REMOTE_START]
