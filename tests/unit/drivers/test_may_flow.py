"""What may flow through one module: orders on their way, what it shows, and what a lost one may still drive."""

from __future__ import annotations

import pytest

from chargepoint.model.readings import Reading
from chargepoint.ports import PowerModuleCommand, PowerModuleState
from drivers.power_module.may_flow import COMM_LOSS_MARGIN_S, SETTLE_S, MayFlow

AGE_S = 0.5


def order(flow: MayFlow, current_A: float, now_s: float) -> None:
    flow.ordered(PowerModuleCommand(current_A != 0.0, current_A, 450.0, 300.0), now_s)


def show(flow: MayFlow, current_A: float, taken_at_s: float, now_s: float | None = None) -> None:
    state = PowerModuleState(400.0, current_A, True, ())
    flow.see(Reading(state, taken_at_s), taken_at_s if now_s is None else now_s, AGE_S)


def test_an_order_counts_at_once_and_the_larger_one_before_until_it_is_seen_followed() -> None:
    flow = MayFlow()
    order(flow, 20.0, 1.0)
    order(flow, 5.0, 2.0)
    assert flow.may_flow_A(1, 2.0, None) == 20.0
    show(flow, 5.0, 2.0 + SETTLE_S / 2)
    assert flow.may_flow_A(1, 2.2, None) == 20.0  # taken before the order can have acted
    show(flow, 18.0, 2.0 + SETTLE_S)
    assert flow.may_flow_A(1, 2.3, None) == 20.0  # not followed yet
    show(flow, 5.2, 2.5)
    assert flow.may_flow_A(1, 2.5, None) == 5.0


def test_directions_are_counted_apart() -> None:
    flow = MayFlow()
    order(flow, -20.0, 1.0)
    order(flow, 5.0, 2.0)
    assert (flow.may_flow_A(1, 2.0, None), flow.may_flow_A(-1, 2.0, None)) == (5.0, 20.0)
    show(flow, 0.0, 2.5)
    assert flow.may_flow_A(-1, 2.5, None) == 0.0


def test_more_than_ordered_counts_as_shown() -> None:
    flow = MayFlow()
    order(flow, 10.0, 1.0)
    show(flow, 11.0, 2.0)
    assert flow.may_flow_A(1, 2.0, None) == 10.0  # within the tolerance of its regulation
    show(flow, 18.0, 3.0)
    assert flow.may_flow_A(1, 3.0, None) == 18.0


@pytest.mark.parametrize("comm_loss_s", [2.0, 10.0])
def test_a_lost_module_counts_until_its_own_time_out(comm_loss_s: float) -> None:
    flow = MayFlow()
    order(flow, 20.0, 1.0)
    show(flow, 20.0, 2.0)
    order(flow, 0.0, 3.0)
    flow.see(Reading(PowerModuleState(400.0, 20.0, True, ()), 2.0), 3.0, AGE_S)
    flow.lost(3.0)
    flow.lost(4.0)  # counts from the first
    assert flow.may_flow_A(1, 3.0 + comm_loss_s, comm_loss_s) == 20.0
    assert flow.may_flow_A(1, 3.1 + comm_loss_s + COMM_LOSS_MARGIN_S, comm_loss_s) == 0.0


def test_a_lost_module_without_a_time_out_counts_for_ever_unless_it_is_measured_off() -> None:
    flow = MayFlow()
    order(flow, 20.0, 1.0)
    order(flow, 0.0, 2.0)
    flow.lost(2.0)
    assert flow.may_flow_A(1, 1e6, None) == 20.0
    show(flow, 0.0, 1e6)
    assert flow.may_flow_A(1, 1e6, None) == 0.0


def test_one_that_answers_and_drives_on_counts_however_long_it_lasts() -> None:
    flow = MayFlow()
    order(flow, 20.0, 1.0)
    order(flow, 0.0, 2.0)
    flow.lost(2.0)
    show(flow, 20.0, 100.0)
    assert flow.may_flow_A(1, 100.0, 2.0) == 20.0
