"""The connection is shared by need, and what one EVSE gets was first taken from another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.energy.connection import NOISE_W, ConnectionBound, EvseNeed, SharedConnection
from chargepoint.energy.fair_share import fair_share
from chargepoint.model.ids import EvseId

A, B, C = EvseId(1), EvseId(2), EvseId(3)
FUSE = ConnectionBound("connection", 30_000.0, 10_000.0)
W = st.floats(0.0, 100_000.0)
BOTH = {A: EvseNeed(30_000, 0, 15_000), B: EvseNeed(30_000, 0, 15_000)}


def settled(needs: dict[EvseId, EvseNeed], *bounds: ConnectionBound) -> dict[EvseId, float]:
    """Import shares after every car followed its share."""
    connection = SharedConnection()
    for _ in range(50):
        shares = connection.share(needs, bounds)
        needs = {
            evse: replace(need, flow_W=min(need.import_W, shares[evse].import_max_W)) for evse, need in needs.items()
        }
    return {evse: share.import_max_W for evse, share in shares.items()}


@given(W, st.dictionaries(st.integers(1, 6), W, max_size=6), st.lists(st.floats(0.1, 10.0), min_size=6, max_size=6))
def test_a_fair_share_is_within_need_and_total_and_leaves_nothing_that_is_needed(
    total: float, needs: dict[int, float], weighing: list[float]
) -> None:
    weights = {party: weighing[party - 1] for party in needs}
    given_W = fair_share(total, needs, weights)
    assert sum(given_W.values()) <= total * (1 + 1e-9) + 1e-6
    assert all(given_W[party] <= needs[party] for party in needs)
    assert sum(given_W.values()) == pytest.approx(min(total, sum(needs.values())), rel=1e-9, abs=1e-6)
    for poor in needs:  # who misses something has for its weight no less than anybody else
        if given_W[poor] < needs[poor] - 1e-6:
            level = given_W[poor] / weights[poor]
            assert all(given_W[rich] / weights[rich] <= level * (1 + 1e-6) + 1e-6 for rich in needs)


def test_what_one_car_does_not_need_goes_to_the_others() -> None:
    needs = {A: EvseNeed(22_000, 0, 0), B: EvseNeed(22_000, 0, 0), C: EvseNeed(2_000, 0, 0)}
    assert settled(needs, FUSE) == pytest.approx({A: 14_000, B: 14_000, C: 2_000})


def test_a_weight_counts_where_there_is_not_enough() -> None:
    needs = {A: EvseNeed(22_000, 0, 0, weight=2.0), B: EvseNeed(22_000, 0, 0)}
    assert settled(needs, FUSE) == pytest.approx({A: 20_000, B: 10_000})


def test_what_nobody_needs_is_spread_over_those_at_work() -> None:
    needs = {A: EvseNeed(10_000, 0, 0), B: EvseNeed(0, 0, 0)}
    assert settled(needs, FUSE) == pytest.approx({A: 20_000, B: 10_000})


def test_an_evse_without_a_transaction_takes_no_part() -> None:
    needs = {A: EvseNeed(50_000, 0, 0), B: EvseNeed(50_000, 0, 0, at_work=False)}
    assert settled(needs, FUSE) == pytest.approx({A: 30_000, B: 30_000})


def test_the_narrowest_bound_holds_and_is_named_in_each_direction() -> None:
    limit = ConnectionBound("limit of EMS", 8_000.0, 20_000.0)
    needs = {A: EvseNeed(50_000, 50_000, 0), B: EvseNeed(50_000, 50_000, 0)}
    share = SharedConnection().share(needs, [FUSE, limit])[A]
    assert (share.import_max_W, share.import_reason) == (4_000.0, "limit of EMS shared by 2")
    assert (share.export_max_W, share.export_reason) == (5_000.0, "connection shared by 2")


def test_a_second_car_gets_its_share_only_when_the_first_has_come_down() -> None:
    connection = SharedConnection()
    both = {A: EvseNeed(30_000, 0, 30_000), B: EvseNeed(30_000, 0, 0)}
    connection.share({A: both[A], B: replace(both[B], at_work=False)}, [FUSE])
    shares = connection.share(both, [FUSE])
    assert shares[A].import_max_W == 15_000.0
    assert shares[B].import_max_W == 0.0
    shares = connection.share({**both, A: replace(both[A], flow_W=20_000)}, [FUSE])
    assert shares[B].import_max_W == pytest.approx(10_000.0)
    shares = connection.share({**both, A: replace(both[A], flow_W=15_000)}, [FUSE])
    assert shares[B].import_max_W == pytest.approx(15_000.0)


def test_an_evse_that_is_not_measured_counts_with_all_it_was_granted() -> None:
    connection = SharedConnection()
    first = {A: EvseNeed(30_000, 0, 0), B: EvseNeed(0, 0, 0, at_work=False)}
    connection.share(first, [FUSE])
    shares = connection.share({A: EvseNeed(0, 0, None), B: EvseNeed(30_000, 0, 0)}, [FUSE])
    assert shares[B].import_max_W == 0.0


def test_a_car_that_gives_back_makes_no_room_for_another() -> None:
    needs = {A: EvseNeed(0, 10_000, -10_000), B: EvseNeed(50_000, 0, 0)}
    assert settled(needs, FUSE)[B] <= 30_000.0


@given(
    st.lists(st.dictionaries(st.sampled_from([A, B, C]), st.tuples(W, st.booleans()), min_size=1), max_size=8),
)
def test_shares_and_what_still_flows_never_exceed_the_connection(
    story: list[dict[EvseId, tuple[float, bool]]],
) -> None:
    """Cars follow a lower share only slowly (half of the way between two calls); the bound stays, needs jump."""
    connection = SharedConnection()
    flows = dict.fromkeys((A, B, C), 0.0)
    total_W = 40_000.0
    for wishes in story:
        needs = {
            evse: EvseNeed(wishes[evse][0], 0.0, flows[evse], at_work=wishes[evse][1])
            if evse in wishes
            else EvseNeed(0.0, 0.0, flows[evse])
            for evse in flows
        }
        shares = connection.share(needs, [ConnectionBound("connection", total_W, 0.0)])
        drawn = 0.0
        for evse in flows:
            part_W = shares[evse].import_max_W if needs[evse].at_work else 0.0
            drawn += flows[evse] if flows[evse] > part_W + NOISE_W else part_W
        assert drawn <= total_W + NOISE_W * len(flows)  # what is measured is believed to that
        for evse in flows:
            goal_W = min(needs[evse].import_W, shares[evse].import_max_W) if needs[evse].at_work else 0.0
            flows[evse] = goal_W if goal_W >= flows[evse] else (flows[evse] + goal_W) / 2


def test_a_measurement_that_trembles_moves_no_part() -> None:
    connection = SharedConnection()
    for _ in range(3):
        connection.share(BOTH, [FUSE])
    calm = connection.share(BOTH, [FUSE])
    for flow_W in (15_003.0, 14_990.0, 15_080.0):
        assert connection.share({**BOTH, A: replace(BOTH[A], flow_W=flow_W)}, [FUSE]) == calm
