"""One connector's SLAC against simulated cars and modems, with the time as a number."""

from __future__ import annotations

import pytest

from chargepoint.model.data_link import STEP_SETTLE_S, DataLinkState
from chargepoint.model.image import ControlPilot
from chargepoint.slac import timers
from chargepoint.slac.frames import (
    MODEM,
    CmAttenCharInd,
    CmAttenProfileInd,
    CmSlacMatchCnf,
    CmSlacMatchReq,
    CmSlacParmCnf,
    CmSlacParmReq,
    SlacFrame,
)
from chargepoint.slac.matching import CARS_MAX
from hil.simulators.slac.ev_slac import CarHabits, EvStep
from hil.simulators.slac.powerline import ModemFaults
from tests.unit.slac.slac_rig import Rig, car, mac, modem

READY, MATCHING, JOINING, UP = (
    DataLinkState.READY,
    DataLinkState.MATCHING,
    DataLinkState.JOINING,
    DataLinkState.UP,
)
STEPPING, GAVE_UP, DUTY_CYCLE = DataLinkState.STEPPING, DataLinkState.GAVE_UP, DataLinkState.DUTY_CYCLE


def one_car(faults: ModemFaults | None = None, *, habits: CarHabits | None = None, ac: bool = False) -> Rig:
    return Rig({"one": modem(1, faults=faults)}, {"car": car(1, {"one": 8}, habits)}, ac=ac)


def test_a_car_is_matched_within_a_second() -> None:
    rig = one_car()
    assert rig.state() is READY
    began_s = rig.now_s
    rig.plug_in("car")
    rig.run(2.0, UP)
    assert rig.state() is UP
    assert rig.now_s - began_s <= 1.0
    assert rig.states()[-4:] == [READY, MATCHING, JOINING, UP]
    assert rig.changes["one"][-1].car_mac == "02:00:00:00:00:01"
    assert rig.problems() == []
    assert rig.line.cars["car"].core.joined_nid == rig.line.stations["one"].nid


@pytest.mark.parametrize("vendor", ["qualcomm", "lumissil"])
def test_the_link_is_seen_in_both_vendors_words(vendor: str) -> None:
    rig = Rig({"one": modem(1, vendor=vendor)}, {"car": car(1, {"one": 8})})
    rig.run(2.0, READY)
    rig.plug_in("car")
    rig.run(2.0, UP)
    shown = rig.changes["one"][-1]
    assert shown.state is UP
    assert (shown.modem or "").lower().startswith(vendor)


def test_a_modem_of_another_vendor_is_taken_to_have_a_link() -> None:
    rig = Rig({"one": modem(1, vendor="other")}, {"car": car(1, {"one": 8})})
    rig.run(3.0, READY)
    rig.plug_in("car")
    rig.run(1.0)
    assert rig.state() is JOINING
    rig.run(13.0, UP)
    assert rig.state() is UP
    assert "does not answer whether there is a link" in rig.problems()[-1]


def test_each_plug_in_has_a_key_of_its_own() -> None:
    rig = one_car()
    for _ in range(3):
        rig.run(2.0, READY)
        rig.plug_in("car")
        rig.run(2.0, UP)
        rig.unplug("car")
    keys = [nmk for _, _, nmk in rig.keys_given()]
    assert len(keys) == len(set(keys)) == 3
    assert set(keys) <= set(rig.keys_set())


def test_the_mean_is_reported_with_the_offset_taken_off() -> None:
    rig = Rig({"one": modem(1)}, {"car": car(1, {"one": 8})}, offset_dB=3.0)
    rig.plug_in("car")
    rig.run(2.0, UP)
    assert rig.line.cars["car"].core.measured_dB == {rig.hosts["one"]: 5.0}
    assert rig.changes["one"][-1].attenuation_dB == 5.0


def test_profiles_that_are_lost_are_not_in_the_mean() -> None:
    rig = one_car(ModemFaults(drops_profiles=4))
    rig.plug_in("car")
    rig.run(2.0, UP)
    results = [frame.message for _, _, frame in rig.sent if isinstance(frame.message, CmAttenCharInd)]
    assert [(message.sounds, set(message.groups)) for message in results] == [(6, {8})]


def test_a_car_that_the_modem_does_not_measure_gets_no_result() -> None:
    """No measurement is not the same as an attenuation of 0 dB."""
    rig = one_car(ModemFaults(drops_profiles=10_000))
    rig.plug_in("car")
    rig.run(3.0)
    assert not [frame for _, _, frame in rig.sent if isinstance(frame.message, CmAttenCharInd)]
    assert rig.keys_given() == []
    assert any("measured none of its sounds" in remark.text for remark in rig.remarks["one"])


def test_two_cars_at_two_stations_sound_at_once() -> None:
    """Each hears the other one through the cabinet, 20 dB weaker."""
    rig = Rig(
        {"one": modem(1), "two": modem(2)},
        {"a": car(1, {"one": 6, "two": 26}), "b": car(2, {"one": 27, "two": 7})},
    )
    rig.plug_in("a", "one")
    rig.plug_in("b", "two")
    rig.run(3.0, UP, "one")
    rig.run(3.0, UP, "two")
    assert rig.state("one") is rig.state("two") is UP
    assert [(name, to) for name, to, _ in rig.keys_given()] == [("one", mac(1)), ("two", mac(2))]


def test_the_nearer_of_two_cars_that_want_one_station_gets_its_key() -> None:
    rig = Rig({"one": modem(1)}, {"far": car(2, {"one": 30}), "near": car(1, {"one": 6})})
    rig.plug_in("far")
    rig.plug_in("near")
    rig.run(3.0, UP)
    assert [to for _, to, _ in rig.keys_given()] == [mac(1)]
    assert len([text for text in rig.problems() if "is nearer" in text]) == 1  # it asks three times


def test_a_car_that_begins_again_in_the_middle_is_matched() -> None:
    rig = one_car(habits=CarHabits(restarts_after_sounds=4))
    rig.plug_in("car")
    rig.run(3.0, UP)
    assert rig.state() is UP
    invitations = {frame.message.run_id for _, _, frame in rig.sent if isinstance(frame.message, CmSlacParmCnf)}
    assert len(invitations) == 2
    assert len(rig.keys_given()) == 1


def test_a_car_that_lost_the_answer_gets_the_same_key_again() -> None:
    rig = one_car(ModemFaults(never_links=True))
    rig.plug_in("car")
    rig.run(2.0, JOINING)
    request = CmSlacMatchReq(mac(1), rig.hosts["one"], _run_id(rig))
    rig.to_station(SlacFrame(rig.hosts["one"], mac(1), request))
    assert len(rig.keys_given()) == 2
    assert len(set(rig.keys_given())) == 1


def test_the_same_message_of_another_car_gets_nothing() -> None:
    rig = one_car()
    rig.plug_in("car")
    rig.run(2.0, UP)
    for claimed in (mac(1), mac(9)):
        request = CmSlacMatchReq(claimed, rig.hosts["one"], _run_id(rig))
        rig.to_station(SlacFrame(rig.hosts["one"], mac(9), request))
    assert len(rig.keys_given()) == 1


def test_a_matched_car_may_begin_again() -> None:
    rig = one_car()
    rig.plug_in("car")
    rig.run(2.0, UP)
    rig.run(5.0)
    rig.plug_in("car")
    rig.run(0.1)
    assert rig.state() is MATCHING
    rig.run(2.0, UP)
    assert rig.state() is UP
    assert len({nmk for _, _, nmk in rig.keys_given()}) == 1


def test_no_car_is_heard_where_none_is_plugged_in() -> None:
    rig = one_car()
    rig.to_station(SlacFrame(b"\xff" * 6, mac(5), CmSlacParmReq(bytes(8))))
    assert not [frame for _, _, frame in rig.sent if isinstance(frame.message, CmSlacParmCnf)]


def test_a_profile_that_a_car_sends_in_its_own_favour_is_not_counted() -> None:
    rig = Rig({"one": modem(1)}, {"car": car(1, {"one": 30})})
    rig.plug_in("car")
    rig.run(0.25)
    for _ in range(10):
        rig.to_station(SlacFrame(rig.hosts["one"], mac(1), CmAttenProfileInd(mac(1), bytes(58))))
    rig.run(2.0, UP)
    assert rig.changes["one"][-1].attenuation_dB == 30.0


def test_a_bounded_number_of_cars_is_heard_at_once() -> None:
    rig = one_car()
    rig.plug_in()
    for number in range(CARS_MAX + 5):
        rig.to_station(SlacFrame(b"\xff" * 6, mac(number), CmSlacParmReq(bytes(8))))
    answered = [frame for _, _, frame in rig.sent if isinstance(frame.message, CmSlacParmCnf)]
    assert len(answered) == CARS_MAX
    assert len([text for text in rig.problems() if "is not answered" in text]) == 1
    rig.run(1.0)  # they never announce their sounds: their places are free again
    rig.to_station(SlacFrame(b"\xff" * 6, mac(60), CmSlacParmReq(bytes(8))))
    assert len([frame for _, _, frame in rig.sent if isinstance(frame.message, CmSlacParmCnf)]) == CARS_MAX + 1


def test_a_validation_is_refused_and_the_car_decides_by_attenuation() -> None:
    """CM_VALIDATE.CNF «failure»: this station cannot validate (V2G3-A09-51)."""
    rig = one_car(habits=CarHabits(validates=True))
    rig.plug_in("car")
    rig.run(3.0, UP)
    assert rig.line.cars["car"].core.validation == 3
    assert rig.state() is UP


def test_without_a_car_a_dc_outlet_steps_twice_and_then_listens_on() -> None:
    rig = one_car()
    rig.plug_in()
    began_s = rig.now_s
    rig.run(200.0, GAVE_UP)
    assert rig.states().count(STEPPING) == timers.C_SEQU_RETRY
    expected_s = 3 * timers.TT_EVSE_SLAC_INIT_DC_S + 2 * timers.T_STEP_EF_S
    assert rig.now_s - began_s == pytest.approx(expected_s, abs=1.0)
    assert "listening on" in rig.problems()[-1]
    rig.run(5.0)
    rig.plug_in("car")  # it wakes up after all
    rig.run(3.0, UP)
    assert rig.state() is UP


def test_without_a_car_an_ac_outlet_goes_on_by_the_duty_cycle() -> None:
    rig = one_car(ac=True)
    rig.plug_in()
    began_s = rig.now_s
    rig.run(100.0, DUTY_CYCLE)
    assert rig.now_s - began_s == pytest.approx(3 * timers.TT_EVSE_SLAC_INIT_AC_S + 8.0, abs=1.0)
    assert "by the duty cycle alone" in rig.problems()[-1]
    rig.run(2.0)
    rig.plug_in("car")
    rig.run(2.0)
    assert rig.state() is DUTY_CYCLE
    assert rig.keys_given() == []
    rig.unplug("car")
    rig.run(1.0, READY)
    assert rig.state() is READY


def test_in_a_step_the_pilot_says_nothing_about_the_plug() -> None:
    rig = one_car()
    rig.plug_in()
    rig.run(60.0, STEPPING)
    rig.pilot(ControlPilot.F)
    rig.run(4.1)
    rig.pilot(ControlPilot.A)  # for some milliseconds, as the pilot leaves F
    rig.run(0.1)
    rig.pilot(ControlPilot.B)
    rig.run(1.0)
    assert rig.state() is READY
    assert rig.states()[-2:] == [STEPPING, READY]
    rig.plug_in("car")
    rig.run(2.0, UP)
    assert rig.state() is UP


def test_a_car_that_left_in_a_step_is_noticed() -> None:
    rig = one_car()
    rig.plug_in()
    rig.run(60.0, STEPPING)
    rig.run(4.0 + STEP_SETTLE_S + 0.1)
    keys = len(rig.keys_set())
    rig.pilot(ControlPilot.A)
    assert len(rig.keys_set()) == keys + 1


def test_a_car_that_never_makes_its_link_is_unmatched() -> None:
    rig = one_car(ModemFaults(never_links=True))
    rig.plug_in("car")
    rig.run(2.0, JOINING)
    rig.run(13.0, STEPPING)
    assert rig.state() is STEPPING
    assert "no link within 12 s" in rig.problems()[-1]
    first = rig.keys_given()[0][2]
    rig.run(1.0)
    assert rig.line.stations["one"].nmk != first  # a key that a car has is not kept for the next one


def test_a_lost_link_is_reported_and_the_car_may_come_back() -> None:
    rig = one_car()
    rig.plug_in("car")
    rig.run(2.0, UP)
    car_modem = rig.line.cars["car"].modem
    kept, car_modem.nmk = car_modem.nmk, b""
    rig.run(6.0, MATCHING)
    assert "the link to the car is lost" in rig.problems()[-1]
    car_modem.nmk = kept
    rig.run(3.0, UP)
    assert rig.state() is UP


def test_a_lost_link_and_a_new_matching() -> None:
    rig = one_car()
    rig.plug_in("car")
    rig.run(2.0, UP)
    rig.line.cars["car"].modem.nmk = b""
    rig.run(6.0, MATCHING)
    rig.plug_in("car")
    rig.run(2.0, UP)
    assert rig.state() is UP


def test_a_short_gap_in_the_link_is_not_a_loss() -> None:
    rig = one_car()
    rig.plug_in("car")
    rig.run(2.0, UP)
    car_modem = rig.line.cars["car"].modem
    kept, car_modem.nmk = car_modem.nmk, b""
    rig.run(2.0)
    car_modem.nmk = kept
    rig.run(10.0)
    assert rig.state() is UP
    assert rig.problems() == []


def test_a_car_that_sleeps_keeps_its_key() -> None:
    """A paused car leaves the network, and comes back with the key it has: no step, no new key."""
    rig = one_car()
    rig.plug_in("car")
    rig.run(2.0, UP)
    car_modem = rig.line.cars["car"].modem
    kept, car_modem.nmk = car_modem.nmk, b""
    rig.pilot(ControlPilot.B, wanted=False)
    keys = len(rig.keys_set())
    rig.run(300.0)
    assert rig.state() is MATCHING
    assert len(rig.keys_set()) == keys
    assert rig.problems() == []
    rig.pilot(ControlPilot.B, wanted=True)
    car_modem.nmk = kept
    rig.run(3.0, UP)
    assert rig.state() is UP


def test_a_link_that_only_the_modem_misses_is_not_cut() -> None:
    """While a conversation is open no time-out of SLAC runs: the car keeps its key, whatever the modem reports."""
    rig = one_car()
    rig.plug_in("car")
    rig.run(2.0, UP)
    rig.pilot(ControlPilot.C, wanted=False)
    rig.line.stations["one"].faults = ModemFaults(never_links=True)
    keys = len(rig.keys_set())
    rig.run(300.0)
    assert len(rig.keys_set()) == keys
    assert STEPPING not in rig.states()
    rig.pilot(ControlPilot.B, wanted=True)
    rig.run(60.0, STEPPING)
    assert rig.state() is STEPPING


def test_no_conversation_wanted_no_step() -> None:
    rig = one_car()
    rig.plug_in(wanted=False)
    rig.run(300.0)
    assert STEPPING not in rig.states()
    assert rig.state() is READY


def test_a_sleeping_car_wakes_the_station_by_toggles() -> None:
    rig = one_car()
    rig.plug_in()
    rig.run(200.0, GAVE_UP)
    for _ in range(2):
        rig.pilot(ControlPilot.C)
        rig.run(0.3)
        rig.pilot(ControlPilot.B)
        rig.run(0.3)
    assert rig.state() is READY
    assert any("BCB toggles" in remark.text for remark in rig.remarks["one"])
    assert rig.states()[-1] is READY


def test_cars_of_other_stations_do_not_keep_an_attempt_open_for_ever() -> None:
    """A neighbour's car sounds again and again, and chooses another station."""
    rig = Rig({"one": modem(1)}, {"far": car(1, {"one": 60})}, ac=True)
    rig.plug_in("far")
    for _ in range(30):
        rig.run(9.0)
        if rig.state() is DUTY_CYCLE:
            break
        if rig.line.cars["far"].core.step in (EvStep.FAILED, EvStep.IDLE):
            rig.plug_in("far")
    assert rig.state() is DUTY_CYCLE
    assert rig.keys_given() == []


def test_frames_of_this_station_itself_change_nothing() -> None:
    rig = one_car()
    rig.plug_in()
    rig.to_station(SlacFrame(b"\xff" * 6, rig.hosts["one"], CmSlacParmReq(bytes(8))))
    assert not [frame for _, _, frame in rig.sent if isinstance(frame.message, CmSlacParmCnf)]


def test_the_key_goes_to_the_car_and_the_modem_alone() -> None:
    rig = one_car()
    rig.plug_in("car")
    rig.run(2.0, UP)
    for _, _, frame in rig.sent:
        if isinstance(frame.message, CmSlacMatchCnf):
            assert frame.destination == mac(1)
        if hasattr(frame.message, "nmk") and not isinstance(frame.message, CmSlacMatchCnf):
            assert frame.destination == MODEM


def _run_id(rig: Rig) -> bytes:
    return next(f.message.run_id for _, _, f in reversed(rig.sent) if isinstance(f.message, CmSlacParmCnf))
