"""The arbiter: limits narrow by rank, the strongest target decides, and the explanation is true."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.energy.arbiter import Arbiter, decide
from chargepoint.model.demand import Contribution, FrequencyWattLaw, Setpoint, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import UNBOUNDED, ZERO, Interval

EVSE = EvseId(1)
NOW_S = 1000.0
WATTS = st.floats(-1e5, 1e5)
INTERVALS = st.tuples(WATTS, WATTS).map(lambda pair: Interval(min(pair), max(pair)))
LAWS = st.builds(
    lambda base, low, high: FrequencyWattLaw(base, ((49.8, low), (50.2, high))),
    base=WATTS, low=WATTS, high=WATTS,
)  # fmt: skip
CONTRIBUTIONS = st.builds(
    Contribution,
    source=st.sampled_from(list(Source)),
    evse_id=st.just(EVSE),
    valid_until_s=st.floats(NOW_S - 10, NOW_S + 10),
    reason=st.just("because"),
    limits_W=st.none() | INTERVALS,
    target_W=st.none() | WATTS | LAWS,
    key=st.sampled_from(["", "a", "b"]),
)


def say(
    source: Source, low: float | None = None, high: float = 0.0, target: float | None = None, key: str = ""
) -> Contribution:
    limits = None if low is None else Interval(low, high)
    return Contribution(source, EVSE, NOW_S + 1, f"{source.value} reason", limits, target, key)


HARDWARE = say(Source.HARDWARE, -20_000, 22_000)
CAR = say(Source.CAR, -18_000, 50_000)


def spoken(contributions: Iterable[Contribution]) -> Arbiter:
    """An arbiter with one owner for each source and key: the last of each counts."""
    arbiter = Arbiter(EVSE)
    for c in contributions:
        arbiter.replace(f"{c.source.value}/{c.key}", [c])
    return arbiter


def result(*contributions: Contribution) -> Setpoint:
    return spoken(contributions).decide(NOW_S)


def narrowed(valid: list[Contribution]) -> Interval:
    """The same rule written another way: each bound is the last allowed point nearest to what was said."""
    low, high = -math.inf, math.inf
    for c in valid:
        if c.limits_W is not None:
            low, high = (min(max(bound, low), high) for bound in (c.limits_W.low, c.limits_W.high))
    return Interval(low, high)


@given(st.lists(CONTRIBUTIONS, max_size=12))
def test_the_result_lies_inside_the_narrowed_interval(said: list[Contribution]) -> None:
    arbiter = spoken(said)
    setpoint = arbiter.decide(NOW_S)
    valid = arbiter.valid(NOW_S)
    assert setpoint.power_W in setpoint.limits_W
    speaking = {c.source for c in valid if c.limits_W is not None}
    if not {Source.HARDWARE, Source.CAR} <= speaking:
        assert (setpoint.power_W, setpoint.limits_W, setpoint.law) == (0.0, ZERO, None)
        return
    assert setpoint.limits_W == narrowed(valid)
    hardware = next(c.limits_W for c in valid if c.source is Source.HARDWARE and c.limits_W is not None)
    assert hardware.low <= setpoint.limits_W.low <= setpoint.limits_W.high <= hardware.high
    assert setpoint.valid_until_s == min(c.valid_until_s for c in valid)


@given(st.lists(CONTRIBUTIONS, max_size=12))
def test_a_higher_rank_is_never_widened(said: list[Contribution]) -> None:
    """With every prefix by rank, the interval of the whole lies inside that of the prefix."""
    valid = sorted(said, key=lambda c: (c.source.rank, c.key))
    whole = narrowed(valid)
    for end in range(len(valid)):
        outer = narrowed(valid[:end])
        assert outer.low <= whole.low <= whole.high <= outer.high


@given(st.lists(CONTRIBUTIONS, max_size=10, unique_by=lambda c: (c.source, c.key)), st.randoms(use_true_random=False))
def test_the_order_of_contributions_is_irrelevant(said: list[Contribution], order: random.Random) -> None:
    shuffled = list(said)
    order.shuffle(shuffled)
    assert result(*said) == result(*shuffled)


@given(st.lists(CONTRIBUTIONS, max_size=10, unique_by=lambda c: (c.source, c.key)))
def test_what_expired_was_never_said(said: list[Contribution]) -> None:
    alive = [c for c in said if c.valid_until_s > NOW_S]
    assert result(*said) == result(*alive)


@given(st.lists(CONTRIBUTIONS, max_size=10))
def test_the_explanation_names_who_decided_and_who_cut(said: list[Contribution]) -> None:
    setpoint = result(*said)
    names = {
        Source.HARDWARE: "the station's hardware", Source.CAR: "the car", Source.SITE: "the site",
        Source.CSMS: "the central system", Source.DRIVER: "the driver", Source.DEFAULT: "the default",
    }  # fmt: skip
    text = setpoint.explanation
    if "does not say" in text or "no car says" in text:
        assert setpoint.limited_by in (Source.HARDWARE, Source.CAR)
        assert names[setpoint.limited_by].removeprefix("the ") in text
    elif "nobody asks" in text:
        assert not any(c.target_W is not None and c.valid_until_s > NOW_S for c in said)
    else:
        assert names[setpoint.decided_by] in text
        assert ("limited by" in text) is (setpoint.limited_by is not None)
        if setpoint.limited_by is not None:
            assert f"limited by {names[setpoint.limited_by]}" in text


@pytest.mark.parametrize("missing", [Source.HARDWARE, Source.CAR])
def test_nothing_flows_without_hardware_and_car(missing: Source) -> None:
    said = [c for c in (HARDWARE, CAR, say(Source.CSMS, target=5000)) if c.source is not missing]
    setpoint = result(*said)
    assert (setpoint.power_W, setpoint.limits_W, setpoint.limited_by) == (0.0, ZERO, missing)


def test_a_target_is_not_a_limit() -> None:
    assert result(HARDWARE, say(Source.CAR, target=5000)).power_W == 0


def test_the_central_system_decides_before_the_default() -> None:
    setpoint = result(HARDWARE, CAR, say(Source.DEFAULT, target=22_000), say(Source.CSMS, target=-5000))
    assert (setpoint.power_W, setpoint.decided_by, setpoint.limited_by) == (-5000, Source.CSMS, None)
    assert setpoint.explanation == ("-5 kW: asked by the central system (csms reason); car could give 18 kW")


def test_nothing_is_told_without_a_sign() -> None:
    setpoint = result(HARDWARE, say(Source.CAR, -0.0, 50_000), say(Source.CSMS, target=-10_000))
    assert setpoint.explanation.startswith("0 W: limited by the car (car reason)")


def test_who_cut_is_told() -> None:
    setpoint = result(HARDWARE, CAR, say(Source.SITE, -3000, 11_000), say(Source.DEFAULT, target=22_000))
    assert (setpoint.power_W, setpoint.limited_by) == (11_000, Source.SITE)
    assert setpoint.explanation.startswith("11 kW: limited by the site (site reason); the default asked 22 kW")
    assert setpoint.explanation.endswith("car could take 50 kW")


def test_limits_with_nothing_in_common_are_cut_to_the_nearest_point() -> None:
    setpoint = result(
        HARDWARE, CAR, say(Source.SITE, 0, 5000), say(Source.CSMS, 7000, 9000), say(Source.DEFAULT, target=0)
    )
    assert setpoint.limits_W == Interval(5000, 5000)
    assert (setpoint.power_W, setpoint.limited_by) == (5000, Source.CSMS)


def test_a_law_is_handed_on_with_its_baseline_as_power() -> None:
    law = FrequencyWattLaw(3000.0, ((49.8, -1.0), (50.2, 1.0)))
    contribution = Contribution(Source.CSMS, EVSE, NOW_S + 1, "droop", None, law)
    setpoint = result(HARDWARE, CAR, contribution)
    assert (setpoint.power_W, setpoint.law) == (3000.0, law)


@pytest.mark.parametrize(
    ("asked", "ordered", "flows", "limited"),
    [
        (5000, 22_000, 5000, Source.CAR),
        (5000, 3000, 3000, None),
        (5000, -3000, 0, Source.CAR),
        (-5000, -22_000, -5000, Source.CAR),
        (-5000, 4000, 0, Source.CAR),
        (0, 4000, 0, Source.CAR),
    ],
)
def test_a_car_that_names_its_target_never_gets_more(
    asked: float, ordered: float, flows: float, limited: Source | None
) -> None:
    setpoint = result(HARDWARE, CAR, say(Source.CAR, target=asked, key="target"), say(Source.CSMS, target=ordered))
    assert (setpoint.power_W, setpoint.decided_by, setpoint.limited_by) == (flows, Source.CSMS, limited)
    assert setpoint.limits_W == Interval(-18_000, 22_000)  # what the car is told it may ask for stays


def test_replacing_and_withdrawing_touch_one_owner() -> None:
    arbiter = Arbiter(EVSE)
    arbiter.replace("hardware", [HARDWARE])
    arbiter.replace("ocpp", [say(Source.CSMS, 0, 1, key="a"), say(Source.CSMS, 0, 2, key="b")])
    arbiter.replace("page", [say(Source.CSMS, 0, 9, key="a")])
    arbiter.replace("ocpp", [say(Source.CSMS, 0, 3, key="c")])
    assert [(c.source, c.key) for c in arbiter.valid(NOW_S)] == [
        (Source.HARDWARE, ""),
        (Source.CSMS, "a"),
        (Source.CSMS, "c"),
    ]
    arbiter.withdraw("ocpp")
    assert [(c.source, c.key) for c in arbiter.valid(NOW_S)] == [(Source.HARDWARE, ""), (Source.CSMS, "a")]


def test_a_contribution_of_another_evse_is_refused_and_changes_nothing() -> None:
    arbiter = Arbiter(EVSE)
    arbiter.replace("ocpp", [say(Source.CSMS, target=1)])
    with pytest.raises(ValueError, match="EVSE 2 at EVSE 1"):
        arbiter.replace("ocpp", [Contribution(Source.CSMS, EvseId(2), NOW_S + 1, "other")])
    assert [c.target_W for c in arbiter.valid(NOW_S)] == [1]


def test_the_owner_of_the_target_is_known() -> None:
    arbiter = Arbiter(EVSE)
    assert arbiter.target_owner(NOW_S) is None
    arbiter.replace("default", [say(Source.DEFAULT, target=1)])
    arbiter.replace("ocpp", [say(Source.CSMS, target=2)])
    assert arbiter.target_owner(NOW_S) == "ocpp"
    assert arbiter.target_owner(NOW_S + 1) is None  # both have expired


def test_the_same_key_replaces() -> None:
    setpoint = result(HARDWARE, CAR, say(Source.CSMS, target=1000), say(Source.CSMS, target=2000))
    assert setpoint.power_W == 2000


def test_nobody_at_all() -> None:
    setpoint = decide(EVSE, [], NOW_S)
    assert (setpoint.power_W, setpoint.valid_until_s) == (0.0, NOW_S)
    assert UNBOUNDED not in (setpoint.limits_W,)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_target_is_a_number(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        say(Source.CSMS, target=value)
