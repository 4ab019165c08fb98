"""What the modem's state means for a session: the pilot held back, F in a step, a car that is not called meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chargepoint.evse.events import AvailabilityChanged, WriteLog
from chargepoint.model.car import SessionEnd
from chargepoint.model.data_link import DataLinkChanged, DataLinkRemark, DataLinkState
from chargepoint.model.demand import PilotCommand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot, Stage

EVSE = EvseId(1)


@pytest.fixture
def matching(new_station: Callable[..., Any]) -> Any:
    """A station with one EVSE that matches its cars by SLAC; free."""
    made = new_station(matches=True)
    made.see()
    made.live(0.6)
    return made


def link(station: Any, state: DataLinkState, **known: Any) -> list[Any]:
    outputs: list[Any] = station.feed(DataLinkChanged(EVSE, state, **known))
    return outputs


def lines(station: Any) -> list[str]:
    return [f"{output.letter} {output.text}" for output in station.of(WriteLog)]


def test_without_slac_the_pilot_shows_5_percent_at_once(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    assert station.order().pilot is PilotCommand.PWM
    assert station.session.view.data_link is None


def test_5_percent_waits_for_the_modem(matching: Any) -> None:
    matching.see(pilot=ControlPilot.B)
    assert matching.order().pilot is PilotCommand.X1
    link(matching, DataLinkState.PREPARING)
    assert matching.order().pilot is PilotCommand.X1
    assert matching.session.view.wants_data_link
    link(matching, DataLinkState.READY)
    order = matching.order()
    assert (order.pilot, order.duty_percent) == (PilotCommand.PWM, 5.0)


@pytest.mark.parametrize(
    "state",
    [DataLinkState.READY, DataLinkState.MATCHING, DataLinkState.JOINING, DataLinkState.UP, DataLinkState.GAVE_UP],
)
def test_5_percent_stays_in_every_later_state(matching: Any, state: DataLinkState) -> None:
    matching.see(pilot=ControlPilot.B)
    link(matching, state)
    assert matching.order().pilot is PilotCommand.PWM


def test_in_a_step_the_pilot_shows_f_and_the_car_stays(matching: Any) -> None:
    link(matching, DataLinkState.READY)
    matching.see(pilot=ControlPilot.B)
    matching.present()
    matching.answer()
    assert len(matching.begins()) == 1
    link(matching, DataLinkState.STEPPING)
    assert matching.order().pilot is PilotCommand.F
    matching.see(pilot=ControlPilot.F)
    matching.live(4.0)
    assert matching.order().pilot is PilotCommand.F
    link(matching, DataLinkState.READY)
    matching.see(pilot=ControlPilot.A)  # as the pilot leaves F
    matching.live(0.1)
    matching.see(pilot=ControlPilot.B)
    matching.live(2.0)
    assert matching.order().pilot is PilotCommand.PWM
    assert matching.ends() == []
    assert matching.statuses() == ["Available", "Occupied"]
    assert not any("unplugged" in line for line in lines(matching))


def test_a_car_that_left_in_a_step_is_noticed(matching: Any) -> None:
    link(matching, DataLinkState.READY)
    matching.see(pilot=ControlPilot.B)
    link(matching, DataLinkState.STEPPING)
    matching.see(pilot=ControlPilot.F)
    matching.live(4.0)
    link(matching, DataLinkState.READY)
    matching.see(pilot=ControlPilot.A)
    matching.live(1.0)
    assert "= unplugged" in lines(matching)


def test_an_open_conversation_keeps_its_pilot(matching: Any) -> None:
    """The modem says that the link is gone; TCP knows better, or ends the session itself."""
    link(matching, DataLinkState.UP)
    matching.transferring()
    for state in (DataLinkState.PREPARING, DataLinkState.STEPPING):
        link(matching, state)
        assert matching.order().pilot is PilotCommand.PWM
        assert not matching.session.view.wants_data_link  # or a new key would cut it
    matching.see(stage=Stage.OFF, pilot=ControlPilot.B)
    matching.car_ends(SessionEnd.TERMINATED)
    matching.live(2.0)
    assert matching.order().pilot is PilotCommand.X1


def test_an_evse_out_of_service_shows_f(matching: Any) -> None:
    link(matching, DataLinkState.READY)
    matching.see(pilot=ControlPilot.B)
    matching.feed(AvailabilityChanged(operative=False))
    assert matching.order().pilot is PilotCommand.F
    assert not matching.session.view.wants_data_link


def test_a_car_is_not_called_while_slac_is_under_way(matching: Any) -> None:
    link(matching, DataLinkState.READY)
    matching.see(pilot=ControlPilot.B)
    matching.present()
    matching.answer()
    matching.live(60.0)
    assert not any("calling the car back" in line for line in lines(matching))
    link(matching, DataLinkState.GAVE_UP)
    matching.live(60.0)
    assert any("calling the car back" in line for line in lines(matching))


def test_the_link_and_what_a_person_should_read_are_in_the_log(matching: Any) -> None:
    link(matching, DataLinkState.UP, car_mac="02:00:00:00:00:01", attenuation_dB=7.96)
    link(matching, DataLinkState.UP, car_mac="02:00:00:00:00:01", attenuation_dB=7.96, modem="Qualcomm")
    matching.feed(DataLinkRemark(EVSE, "the modem refuses its key", problem=True))
    matching.feed(DataLinkRemark(EVSE, "SLAC: a car begins"))
    found = lines(matching)
    assert found.count("= data link with 02:00:00:00:00:01, 8.0 dB") == 1
    assert "! the modem refuses its key" in found
    assert "= SLAC: a car begins" in found


def test_a_finished_session_wants_no_link(matching: Any) -> None:
    """Its pilot shows X1: no time-out of SLAC runs, and no step follows."""
    link(matching, DataLinkState.UP)
    matching.begun()
    assert matching.order().pilot is PilotCommand.PWM
    matching.car_ends(SessionEnd.TERMINATED)
    matching.live(10.0)
    assert len(matching.ends()) == 1
    assert matching.order().pilot is PilotCommand.X1
    assert not matching.session.view.wants_data_link
