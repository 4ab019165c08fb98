"""Latching and reset: AUTO, UNPLUG, OPERATOR; a cause still present never clears; the worst severity rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.faults import CATALOGUE, ON_SITE, FaultCode, ResetRule, Severity
from chargepoint.model.io import BoardFault
from chargepoint.safety.latches import BOARD_RESET, Latches, board_may_clear


def of(rule: ResetRule) -> list[FaultCode]:
    return [code for code in FaultCode if CATALOGUE[code].reset is rule]


def latched(code: FaultCode) -> Latches:
    latches = Latches()
    new, cleared = latches.step({code: "seen"}, power_off=False, car_gone=False)
    assert (new, cleared) == ({code: "seen"}, frozenset())
    return latches


LETS_POWER_FLOW = [code for code in FaultCode if CATALOGUE[code].severity in (Severity.DERATE, Severity.WARNING)]


@pytest.mark.parametrize("code", LETS_POWER_FLOW)
def test_what_lets_power_flow_is_over_with_its_cause(code: FaultCode) -> None:
    """Seen on the bench: a fan that was well again was listed with «at most half the current flows», and all of it flowed."""
    latches = latched(code)
    assert latches.step({}, power_off=False, car_gone=False) == ({}, frozenset({code}))
    assert latches.codes == set()


@pytest.mark.parametrize("code", [code for code in FaultCode if code not in LETS_POWER_FLOW])
def test_what_tripped_stays_while_power_is_on_whatever_is_asked(code: FaultCode) -> None:
    latches = latched(code)
    latches.ask_reset()
    assert latches.step({}, power_off=False, car_gone=True) == ({}, frozenset())
    assert latches.codes == {code}


@pytest.mark.parametrize("code", list(FaultCode))
def test_a_cause_still_present_never_clears(code: FaultCode) -> None:
    latches = latched(code)
    latches.ask_reset()
    assert latches.step({code: "again"}, power_off=True, car_gone=True) == ({}, frozenset())
    assert latches.codes == {code}
    assert latches.detail(code) == "seen"


@pytest.mark.parametrize("code", of(ResetRule.AUTO))
def test_auto_clears_with_its_cause_once_power_is_off(code: FaultCode) -> None:
    assert latched(code).step({}, power_off=True, car_gone=False) == ({}, {code})


@pytest.mark.parametrize("code", of(ResetRule.UNPLUG))
def test_unplug_clears_with_the_car_gone(code: FaultCode) -> None:
    latches = latched(code)
    assert latches.step({}, power_off=True, car_gone=False) == ({}, frozenset())
    assert latches.step({}, power_off=True, car_gone=True) == ({}, {code})


@pytest.mark.parametrize("code", [*of(ResetRule.UNPLUG), *of(ResetRule.OPERATOR)])
def test_a_person_clears_unplug_and_operator_faults(code: FaultCode) -> None:
    latches = latched(code)
    latches.ask_reset()
    assert latches.step({}, power_off=True, car_gone=False) == ({}, {code})
    assert latches.codes == frozenset()
    assert latches.detail(code) == ""


@pytest.mark.parametrize("code", of(ResetRule.OPERATOR))
def test_operator_faults_do_not_clear_by_themselves(code: FaultCode) -> None:
    latches = latched(code)
    assert latches.step({}, power_off=True, car_gone=True) == ({}, frozenset())


@pytest.mark.parametrize("code", of(ResetRule.OPERATOR))
def test_a_reset_is_used_up_by_the_next_step(code: FaultCode) -> None:
    latches = latched(code)
    latches.ask_reset()
    latches.step({code: "still there"}, power_off=True, car_gone=False)
    assert latches.step({}, power_off=True, car_gone=False) == ({}, frozenset())


def test_there_are_faults_of_every_rule() -> None:
    assert all(of(rule) for rule in ResetRule)


@given(st.frozensets(st.sampled_from(FaultCode)))
def test_severity_is_the_worst_of_what_is_latched(codes: frozenset[FaultCode]) -> None:
    latches = Latches()
    latches.step(dict.fromkeys(codes, "seen"), power_off=False, car_gone=False)
    severities = {CATALOGUE[code].severity for code in codes}
    if Severity.EMERGENCY in severities:
        assert latches.severity is Severity.EMERGENCY
    elif Severity.ERROR in severities:
        assert latches.severity is Severity.ERROR
    else:
        assert latches.severity is None


def test_what_was_latched_from_the_start_clears_when_first_heard() -> None:
    latches = Latches(frozenset({FaultCode.METER_COMMUNICATION}))
    assert latches.severity is Severity.ERROR
    assert latches.step({}, power_off=True, car_gone=False) == ({}, {FaultCode.METER_COMMUNICATION})
    assert latches.severity is None


STEPS = st.lists(
    st.tuples(st.frozensets(st.sampled_from(FaultCode), max_size=4), st.booleans(), st.booleans(), st.booleans()),
    max_size=20,
)


@given(STEPS)
def test_over_any_story_a_code_clears_only_by_its_rule(
    steps: list[tuple[frozenset[FaultCode], bool, bool, bool]],
) -> None:
    latches = Latches()
    left: set[FaultCode] = set()
    for active, power_off, car_gone, asked in steps:
        before = latches.codes
        if asked:
            latches.ask_reset()
        new, cleared = latches.step(dict.fromkeys(active, "x"), power_off=power_off, car_gone=car_gone)
        assert set(new) == active - before
        assert latches.codes == (before | active) - cleared
        if car_gone:
            left |= before | active
        for code in cleared:
            assert power_off and code not in active
            rule = CATALOGUE[code].reset
            assert rule is ResetRule.AUTO or asked or (rule is ResetRule.UNPLUG and code in left)
        left -= cleared


def test_an_unplugging_seen_at_any_time_since_the_trip_counts_and_one_before_does_not() -> None:
    latches = Latches()
    latches.step({}, power_off=True, car_gone=True)
    latches.step({FaultCode.INSULATION: "x"}, power_off=False, car_gone=False)
    assert latches.step({}, power_off=True, car_gone=False)[1] == frozenset()
    latches.step({FaultCode.INSULATION: "x"}, power_off=False, car_gone=True)  # gone for a moment, still ramping down
    assert latches.step({}, power_off=False, car_gone=False)[1] == frozenset()
    assert latches.step({}, power_off=True, car_gone=False)[1] == {FaultCode.INSULATION}


def test_a_lost_pilot_clears_when_it_rests_with_the_output_off() -> None:
    latches = Latches()
    latches.step({FaultCode.PILOT_LOST: "x"}, power_off=False, car_gone=True)
    assert latches.step({}, power_off=False, car_gone=False, resting=True)[1] == frozenset()
    assert latches.step({}, power_off=True, car_gone=False, resting=False)[1] == frozenset()
    assert latches.step({}, power_off=True, car_gone=False, resting=True)[1] == {FaultCode.PILOT_LOST}


# -- the board's own latched bits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "car_gone", "asked", "may"),
    [
        ({BoardFault.WATCHDOG}, False, False, True),
        ({BoardFault.WATCHDOG, BoardFault.OVER_TEMPERATURE}, False, False, True),
        ({BoardFault.DIODE}, False, False, False),
        ({BoardFault.DIODE}, True, False, True),
        ({BoardFault.WATCHDOG, BoardFault.DIODE}, False, False, False),
        ({BoardFault.WELD}, True, False, False),
        ({BoardFault.WELD, BoardFault.WATCHDOG}, True, False, False),
        ({BoardFault.EMERGENCY_STOP}, True, False, False),
        ({BoardFault.WELD}, False, True, True),
        ({BoardFault.UNKNOWN}, True, False, False),
        (set(), True, True, False),
    ],
)
def test_the_board_clears_by_its_strictest_bit(names: set[BoardFault], car_gone: bool, asked: bool, may: bool) -> None:
    assert board_may_clear(frozenset(names), car_gone=car_gone, asked=asked) is may


def test_a_weld_is_only_ever_cleared_by_a_person() -> None:
    assert BOARD_RESET[BoardFault.WELD] is ResetRule.OPERATOR
    assert BOARD_RESET[BoardFault.EMERGENCY_STOP] is ResetRule.OPERATOR


def test_every_fault_that_a_board_latches_has_its_rule() -> None:
    assert set(BOARD_RESET) == set(BoardFault)


@pytest.mark.parametrize("code", [code for code in FaultCode if CATALOGUE[code].reset is ResetRule.OPERATOR])
def test_a_reset_from_afar_leaves_what_a_person_must_look_at(code: FaultCode) -> None:
    latches = Latches()
    latches.step({code: "seen"}, power_off=True, car_gone=False)
    latches.ask_reset(remote=True)
    _, cleared = latches.step({}, power_off=True, car_gone=True, resting=True)
    assert (code in cleared) is (code not in ON_SITE)
    latches.ask_reset()
    latches.step({}, power_off=True, car_gone=False)
    assert latches.codes == frozenset()


def test_only_faults_that_wait_for_a_person_are_kept_from_the_central_system() -> None:
    assert all(CATALOGUE[code].reset is ResetRule.OPERATOR for code in ON_SITE)
    latched = frozenset({BoardFault.EMERGENCY_STOP})
    assert not board_may_clear(latched, car_gone=True, asked=True, remote=True)
    assert board_may_clear(latched, car_gone=False, asked=True)
    assert board_may_clear(frozenset({BoardFault.UNKNOWN}), car_gone=False, asked=True, remote=True)
