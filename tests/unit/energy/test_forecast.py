"""The forecast: at each instant what the arbiter decides when that time has come; and never more after merging."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.energy.arbiter import Arbiter
from chargepoint.energy.forecast import Outlook, at_most, foresee, in_whole_seconds
from chargepoint.model.demand import Contribution, Source
from chargepoint.model.forecast import Forecast, ForecastPiece, Plan, PlanStep, TariffPiece
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import Interval

EVSE = EvseId(1)
NOW_S = 1000.0
HORIZON_S = 500.0
WATTS = st.floats(-1e5, 1e5)
INTERVALS = st.tuples(WATTS, WATTS).map(lambda pair: Interval(min(pair), max(pair)))
RENEWED = frozenset({"hardware", "car"})


def contributions(sources: st.SearchStrategy[Source]) -> st.SearchStrategy[Contribution]:
    return st.builds(
        Contribution,
        source=sources,
        evse_id=st.just(EVSE),
        valid_until_s=st.floats(NOW_S - 10.0, NOW_S + 600.0),
        reason=st.just("because"),
        limits_W=st.none() | INTERVALS,
        target_W=st.none() | WATTS,
        key=st.sampled_from(["", "a"]),
    )


ANY = contributions(st.sampled_from(list(Source)))


@st.composite
def a_plan(draw: st.DrawFn) -> Plan:
    offsets = sorted(draw(st.sets(st.integers(-5, 600), min_size=1, max_size=6)))
    steps = tuple(PlanStep(NOW_S + at, tuple(draw(st.lists(ANY, max_size=2)))) for at in offsets)
    return Plan(steps, NOW_S + draw(st.integers(-2, 700)))


def speaking(source: Source) -> st.SearchStrategy[Contribution]:
    return st.builds(
        Contribution, st.just(source), st.just(EVSE), st.just(NOW_S + 0.5), st.just("because"), INTERVALS, st.none()
    )


OWNED = st.fixed_dictionaries(
    {"hardware": st.lists(speaking(Source.HARDWARE), max_size=1), "car": st.lists(speaking(Source.CAR), max_size=1)},
    optional={"ocpp": st.lists(ANY, max_size=2), "mqtt/edge": st.lists(ANY, max_size=2)},
)
PLANS = st.fixed_dictionaries({}, optional={"ocpp": a_plan(), "page": a_plan()})


def arbiter_of(owned: Mapping[str, list[Contribution]], plans: Mapping[str, Plan]) -> Arbiter:
    arbiter = Arbiter(EVSE)
    for owner in owned.keys() | plans.keys():
        arbiter.replace(owner, owned.get(owner, ()), plans.get(owner))
    return arbiter


def outlook(arbiter: Arbiter) -> Outlook:
    return Outlook(EVSE, arbiter.contributions, arbiter.plans, RENEWED)


def when_time_has_come(arbiter: Arbiter, at_s: float) -> Arbiter:
    """The arbiter as it will be: the station's own owners renew, an owner with a plan does what its plan says."""
    later = Arbiter(EVSE)
    owners = {owner for owner, _ in arbiter.contributions} | set(arbiter.plans)
    for owner in owners:
        own = [c for (name, _), c in arbiter.contributions.items() if name == owner and c.valid_until_s > NOW_S]
        if owner in RENEWED:
            own = [replace(c, valid_until_s=math.inf) for c in own]
        plan = arbiter.plans.get(owner)
        if plan is not None and plan.until_s > NOW_S:
            begun = [step for step in plan.steps if step.from_s <= at_s]
            if begun:
                own = [replace(c, valid_until_s=math.inf) for c in begun[-1].contributions]
        later.replace(owner, own)
    return later


@given(OWNED, PLANS, st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=1, max_size=10))
def test_at_every_instant_the_forecast_is_what_will_be_decided(
    owned: dict[str, list[Contribution]], plans: dict[str, Plan], instants: list[float]
) -> None:
    arbiter = arbiter_of(owned, plans)
    forecast = foresee(outlook(arbiter), NOW_S, HORIZON_S)
    assert forecast.pieces[0].start_s == 0.0
    running = [plan.until_s for plan in plans.values() if plan.until_s > NOW_S]
    assert forecast.duration_s == pytest.approx(min([HORIZON_S, *(until_s - NOW_S for until_s in running)]))
    for earlier, later in itertools.pairwise(forecast.pieces):
        assert later.start_s == pytest.approx(earlier.end_s)
        assert earlier.duration_s > 0
        assert (earlier.charge_max_W, earlier.discharge_max_W, earlier.target_W) != (
            later.charge_max_W, later.discharge_max_W, later.target_W,
        )  # fmt: skip
    for share in instants:
        at_s = share * forecast.duration_s
        piece = next(p for p in reversed(forecast.pieces) if p.start_s <= at_s)
        if not piece.start_s + 1e-6 < at_s < piece.end_s - 1e-6:
            continue  # at a boundary itself rounding decides
        future = when_time_has_come(arbiter, NOW_S + at_s)
        setpoint = future.decide(NOW_S + at_s)
        assert piece.charge_max_W == max(setpoint.limits_W.high, 0.0)
        assert piece.discharge_max_W == max(-setpoint.limits_W.low, 0.0)
        if any(c.target_W is not None for c in future.valid(NOW_S + at_s)):
            assert piece.target_W == setpoint.power_W
        else:
            assert piece.target_W is None


def contribution(
    source: Source, low: float, high: float, life_s: float = 1e6, target: float | None = None
) -> Contribution:
    return Contribution(source, EVSE, NOW_S + life_s, "because", Interval(low, high), target)


def station(**more: list[Contribution]) -> dict[str, list[Contribution]]:
    """Hardware of 22 kW and 20 kW, and a car of 11 kW and 10 kW."""
    hardware, car = contribution(Source.HARDWARE, -20e3, 22e3, 0.5), contribution(Source.CAR, -10e3, 11e3, 0.5)
    return {"hardware": [hardware], "car": [car], **more}


def test_a_plan_cuts_the_day_into_pieces_with_their_sentences() -> None:
    steps = tuple(
        PlanStep(NOW_S + at, (contribution(Source.CSMS, -5e3, high, target=high),))
        for at, high in ((0.0, 6e3), (100.0, 3e3), (200.0, 3e3), (300.0, 50e3))
    )
    forecast = foresee(outlook(arbiter_of(station(), {"ocpp": Plan(steps, NOW_S + 1e5)})), NOW_S, 400.0)
    assert [(p.start_s, p.duration_s, p.charge_max_W, p.discharge_max_W, p.target_W) for p in forecast.pieces] == [
        (0.0, 100.0, 6e3, 5e3, 6e3),
        (100.0, 200.0, 3e3, 5e3, 3e3),
        (300.0, 100.0, 11e3, 5e3, 11e3),
    ]
    assert "asked by the central system" in forecast.pieces[0].why
    assert "limited by the car" in forecast.pieces[2].why


def test_own_contributions_hold_on_and_others_run_out() -> None:
    owned = station(edge=[contribution(Source.SITE, -1e3, 2e3, life_s=50.0)])
    forecast = foresee(outlook(arbiter_of(owned, {})), NOW_S, 400.0)
    assert [(p.start_s, p.end_s, p.charge_max_W) for p in forecast.pieces] == [(0.0, 50.0, 2e3), (50.0, 400.0, 11e3)]


def test_what_has_expired_is_not_renewed() -> None:
    owned = station()
    owned["hardware"] = [contribution(Source.HARDWARE, -20e3, 22e3, -0.1)]
    (piece,) = foresee(outlook(arbiter_of(owned, {})), NOW_S, 400.0).pieces
    assert (piece.charge_max_W, piece.discharge_max_W, piece.target_W) == (0.0, 0.0, None)
    assert "hardware does not say" in piece.why


def test_without_the_car_any_cars_limits_are_foreseen() -> None:
    owned = station()
    (piece,) = foresee(outlook(arbiter_of(owned, {})), NOW_S, 10.0, with_car=False).pieces
    assert (piece.charge_max_W, piece.discharge_max_W) == (22e3, 20e3)
    del owned["car"]
    (piece,) = foresee(outlook(arbiter_of(owned, {})), NOW_S, 10.0, with_car=False).pieces
    assert (piece.charge_max_W, piece.discharge_max_W) == (22e3, 20e3)
    (piece,) = foresee(outlook(arbiter_of(owned, {})), NOW_S, 10.0).pieces
    assert piece.charge_max_W == 0.0


def test_a_tariff_is_carried_where_one_is_known() -> None:
    tariff = tuple(
        TariffPiece(NOW_S + at, price_per_kWh=price, currency="EUR")
        for at, price in ((-50, 0.3), (-10, 0.2), (60, 0.4), (900, 0.1))
    )
    plan = Plan((PlanStep(NOW_S, ()),), NOW_S + 1e5, tariff)
    assert foresee(outlook(arbiter_of(station(), {})), NOW_S, 100.0).tariff == ()
    assert foresee(outlook(arbiter_of(station(), {"ocpp": plan})), NOW_S, 100.0).tariff == tariff[1:3]


@pytest.mark.parametrize("horizon_s", [0.0, -1.0, math.inf, math.nan])
def test_a_horizon_of_no_length_is_refused(horizon_s: float) -> None:
    with pytest.raises(ValueError, match="horizon_s"):
        foresee(outlook(arbiter_of(station(), {})), NOW_S, horizon_s)


def test_a_plan_for_another_evse_is_refused() -> None:
    other = replace(contribution(Source.CSMS, 0, 1), evse_id=EvseId(2))
    with pytest.raises(ValueError, match="EVSE 2 at EVSE 1"):
        Arbiter(EVSE).replace("ocpp", (), Plan((PlanStep(NOW_S, (other,)),), NOW_S + 1))


def test_withdrawing_an_owner_takes_its_plan() -> None:
    arbiter = arbiter_of(station(), {"ocpp": Plan((PlanStep(NOW_S, ()),), NOW_S + 1e5)})
    arbiter.replace("ocpp", ())
    assert dict(arbiter.plans) == {}


def test_what_is_no_plan() -> None:
    step = PlanStep(1.0, ())
    for steps in ((), (step, step), (PlanStep(2.0, ()), step), tuple(PlanStep(float(n), ()) for n in range(1025))):
        with pytest.raises(ValueError, match="plan"):
            Plan(steps, 1e6)
    for wrong in ({}, {"level": 256}, {"level": 1, "price_per_kWh": 1.0}, {"price_per_kWh": 1.0, "currency": "€"}):
        with pytest.raises(ValueError, match=r"tariff|level|price"):
            TariffPiece(0.0, **wrong)


# -- fewer pieces, whole seconds -----------------------------------------------------------------------------------------

MAGNITUDES = st.sampled_from([0.0, 1e3, 3e3, 11e3, 22e3]) | st.floats(0.0, 1e5)


@st.composite
def forecasts(draw: st.DrawFn) -> Forecast:
    pieces: list[ForecastPiece] = []
    at_s = 0.0
    for _ in range(draw(st.integers(1, 40))):
        charge_W, discharge_W = draw(MAGNITUDES), draw(MAGNITUDES)
        target_W = draw(st.none() | st.floats(-discharge_W, charge_W))
        duration_s = draw(st.floats(0.01, 1000.0) | st.integers(1, 900).map(float))
        pieces.append(ForecastPiece(at_s, duration_s, charge_W, discharge_W, target_W, f"piece {len(pieces)}"))
        at_s = pieces[-1].end_s
    return Forecast(NOW_S, tuple(pieces))


def piece_at(forecast: Forecast, at_s: float) -> ForecastPiece:
    return next(p for p in reversed(forecast.pieces) if p.start_s <= at_s)


def promises_no_more(tighter: Forecast, original: Forecast) -> None:
    edges = sorted({p.start_s for f in (tighter, original) for p in f.pieces} | {tighter.duration_s})
    for start_s, end_s in itertools.pairwise(edges):
        middle_s = (start_s + end_s) / 2
        if end_s - start_s < 2.1e-3 or middle_s >= tighter.duration_s:
            continue
        mine, theirs = piece_at(tighter, middle_s), piece_at(original, middle_s)
        assert mine.charge_max_W <= theirs.charge_max_W
        assert mine.discharge_max_W <= theirs.discharge_max_W
        if mine.target_W is not None:
            assert theirs.target_W is not None
            assert abs(mine.target_W) <= abs(theirs.target_W)
            assert -mine.discharge_max_W <= mine.target_W <= mine.charge_max_W


@given(forecasts(), st.integers(1, 45))
def test_fewer_pieces_promise_no_more_at_any_instant(forecast: Forecast, pieces_max: int) -> None:
    fewer = at_most(forecast, pieces_max)
    assert 1 <= len(fewer.pieces) <= pieces_max
    assert fewer.duration_s == pytest.approx(forecast.duration_s)
    assert fewer.pieces[0].start_s == 0.0
    promises_no_more(fewer, forecast)


def test_the_cheapest_merge_is_taken() -> None:
    powers = [10e3, 9.9e3, 2e3, 2e3, 10e3]
    forecast = Forecast(0.0, tuple(ForecastPiece(n * 10.0, 10.0, w, 0.0, None, "") for n, w in enumerate(powers)))
    assert [(p.start_s, p.charge_max_W) for p in at_most(forecast, 3).pieces] == [
        (0.0, 9.9e3),
        (20.0, 2e3),
        (40.0, 10e3),
    ]
    with pytest.raises(ValueError, match="pieces_max"):
        at_most(forecast, 0)


def test_a_boundary_that_rounding_moved_stays_a_boundary() -> None:
    pieces = (ForecastPiece(0.0, 599.9999999, 2e3, 0.0, None, ""), ForecastPiece(599.9999999, 10.0, 1e3, 0.0, None, ""))
    assert [(p.start_s, p.duration_s) for p in in_whole_seconds(Forecast(0.0, pieces)).pieces] == [
        (0.0, 600.0),
        (600.0, 10.0),
    ]


def test_a_second_with_a_change_in_it_gets_the_lower_limits() -> None:
    pieces = (ForecastPiece(0.0, 10.4, 2e3, 5e3, None, ""), ForecastPiece(10.4, 10.0, 3e3, 4e3, None, ""))
    assert [(p.start_s, p.charge_max_W, p.discharge_max_W) for p in in_whole_seconds(Forecast(0.0, pieces)).pieces] == [
        (0.0, 2e3, 5e3),
        (10.0, 2e3, 4e3),
        (11.0, 3e3, 4e3),
    ]


@given(forecasts())
def test_whole_seconds_promise_no_more(forecast: Forecast) -> None:
    whole = in_whole_seconds(forecast)
    assert whole.duration_s == math.floor(forecast.duration_s + 1e-3)
    at_s = 0.0
    for piece in whole.pieces:
        assert piece.start_s == at_s
        assert piece.duration_s >= 1.0
        assert piece.duration_s.is_integer()
        at_s = piece.end_s
    promises_no_more(whole, forecast)
