"""The modem's key: taken, refused, ignored, taken without use; each reported in a sentence."""

from __future__ import annotations

import pytest

from chargepoint.model.data_link import DataLinkState
from chargepoint.model.image import ControlPilot
from hil.simulators.slac.powerline import ModemFaults
from tests.unit.slac.slac_rig import Rig, car, modem

READY, PREPARING, DUTY_CYCLE = DataLinkState.READY, DataLinkState.PREPARING, DataLinkState.DUTY_CYCLE


def station(faults: ModemFaults, *, vendor: str = "qualcomm", ac: bool = False) -> Rig:
    return Rig({"one": modem(1, vendor=vendor, faults=faults)}, {"car": car(1, {"one": 8})}, ac=ac)


def test_a_modem_that_refuses_its_key_is_reported_once() -> None:
    rig = station(ModemFaults(refuses_key=True, result=2))
    rig.run(60.0)
    assert rig.state() is PREPARING
    assert len(rig.problems()) == 1
    assert "refuses its key with result 2" in rig.problems()[0]
    assert "refuses its key" in rig.changes["one"][-1].detail


def test_a_modem_that_answers_nothing_is_reported_once() -> None:
    rig = station(ModemFaults(silent=True))
    rig.run(60.0)
    assert rig.state() is PREPARING
    assert len(rig.problems()) == 1
    assert "does not answer its key" in rig.problems()[0]


@pytest.mark.parametrize("result", [0, 1])
def test_a_modem_that_keeps_its_old_network_is_reported(result: int) -> None:
    rig = station(ModemFaults(refuses_key=True, result=result))
    rig.run(60.0)
    assert rig.state() is PREPARING
    assert len(rig.problems()) == 1
    assert "did not use its key: its network is 00000000000000" in rig.problems()[0]


def test_firmware_that_means_yes_with_result_1_is_believed_by_its_network() -> None:
    rig = station(ModemFaults(result=1))
    assert rig.state() is READY
    assert rig.problems() == []


def test_result_1_without_a_network_is_taken_with_a_warning() -> None:
    rig = station(ModemFaults(result=1, names_network=False))
    rig.run(3.0, READY)
    assert rig.state() is READY
    assert len(rig.problems()) == 1
    assert "result 1" in rig.problems()[0]


@pytest.mark.parametrize("vendor", ["lumissil", "other"])
def test_a_modem_that_cannot_name_its_network_is_believed(vendor: str) -> None:
    rig = station(ModemFaults(), vendor=vendor)
    rig.run(3.0, READY)
    assert rig.state() is READY
    assert rig.problems() == []


def test_a_modem_that_comes_later_gets_its_key() -> None:
    rig = station(ModemFaults(silent=True))
    rig.run(30.0)
    rig.line.stations["one"].faults = ModemFaults()
    rig.run(10.0, READY)
    assert rig.state() is READY
    assert rig.remarks["one"][-1].text in ("the modem has taken its key now", "modem: Qualcomm")
    rig.plug_in("car")
    rig.run(2.0, DataLinkState.UP)
    assert rig.state() is DataLinkState.UP


def test_an_interface_that_goes_and_comes() -> None:
    rig = station(ModemFaults())
    rig.plug_in("car")
    rig.run(2.0, DataLinkState.UP)
    station_core = rig.stations["one"]
    station_core.interface_down("interface eth1 is gone", rig.now_s)
    assert station_core.state is PREPARING
    assert station_core.due_s is None
    rig._after("one", station_core.interface_up(rig.hosts["one"], rig.now_s))
    rig.run(1.0, READY)
    assert rig.state() is READY
    assert len(set(rig.keys_set())) == 2


def test_an_ac_outlet_without_a_modem_goes_on_by_the_duty_cycle() -> None:
    rig = station(ModemFaults(silent=True), ac=True)
    rig.run(10.0)
    rig.plug_in()
    began_s = rig.now_s
    rig.run(60.0, DUTY_CYCLE)
    assert rig.now_s - began_s == pytest.approx(20.0, abs=0.5)
    rig.line.stations["one"].faults = ModemFaults()
    rig.run(10.0)
    assert rig.state() is DUTY_CYCLE  # the car charges already: digital with the next plug-in
    rig.unplug()
    rig.run(2.0, READY)
    assert rig.state() is READY


def test_an_ac_outlet_whose_interface_stays_away_goes_on_by_the_duty_cycle() -> None:
    """The shell reports the missing interface again and again."""
    rig = station(ModemFaults(), ac=True)
    core = rig.stations["one"]
    rig._after("one", core.interface_down("eth1: there is no interface eth1", rig.now_s))
    rig.plug_in()
    began_s = rig.now_s
    while rig.now_s - began_s < 40.0 and rig.state() is PREPARING:
        rig.run(2.0)
        rig._after("one", core.interface_down("eth1: there is no interface eth1", rig.now_s))
    assert rig.state() is DUTY_CYCLE
    assert rig.now_s - began_s == pytest.approx(20.0, abs=2.5)
    assert "no modem: eth1: there is no interface eth1" in rig.problems()[-1]


def test_an_open_conversation_waits_for_its_modem_for_ever() -> None:
    rig = station(ModemFaults(), ac=True)
    rig.plug_in("car")
    rig.run(2.0, DataLinkState.UP)
    rig.pilot(ControlPilot.C, wanted=False)
    core = rig.stations["one"]
    rig._after("one", core.interface_down("eth1: network is down", rig.now_s))
    rig.run(60.0)
    assert rig.state() is PREPARING
    rig.pilot(ControlPilot.B, wanted=True)
    rig.run(30.0, DUTY_CYCLE)
    assert rig.state() is DUTY_CYCLE
