"""The wear of a contactor: what counts, from what it was before, and when it is worn."""

from __future__ import annotations

import pytest

from chargepoint.config.schema import EvseSection
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor
from chargepoint.power.wiring import wear_limits
from chargepoint.safety.wear import Wear, WearCount, WearLimits

OPEN, CLOSED, UNKNOWN = Contactor.OPEN, Contactor.CLOSED, Contactor.UNKNOWN


@pytest.mark.parametrize(
    ("story", "wear"),
    [
        (((CLOSED, 0.0), (CLOSED, 20.0), (CLOSED, 0.5), (OPEN, 0.0)), Wear(1, 0, 0)),
        (((CLOSED, 0.0), (CLOSED, 20.0), (OPEN, 0.0)), Wear(1, 1, 0)),
        (((CLOSED, 0.0), (CLOSED, -20.0), (OPEN, 0.0)), Wear(1, 1, 0)),
        (((OPEN, 0.0), (CLOSED, 6.0), (CLOSED, 0.0), (OPEN, 0.0)), Wear(1, 0, 1)),
        (((CLOSED, None), (CLOSED, 20.0), (OPEN, None)), Wear(1, 1, 0)),
        (((CLOSED, 0.0), (UNKNOWN, None), (CLOSED, 0.0), (OPEN, 0.0), (CLOSED, 0.0)), Wear(2, 0, 0)),
        (((OPEN, 0.0), (OPEN, 30.0)), Wear(0, 0, 0)),
    ],
)
def test_closings_and_openings_under_load_are_counted(
    story: tuple[tuple[Contactor, float | None], ...], wear: Wear
) -> None:
    count = WearCount()
    for contactor, current_A in story:
        count.step(contactor, current_A)
    assert count.wear == wear


def test_the_count_goes_on_from_what_it_was() -> None:
    count = WearCount(Wear(41, 1, 2))
    assert count.step(CLOSED, 0.0)
    assert not count.step(CLOSED, 0.0)
    assert count.wear == Wear(42, 1, 2)


def test_a_contactor_is_worn_from_its_limits_on() -> None:
    limits = WearLimits(operations=100, load_openings=3)
    assert Wear(99, 2).worn(limits) == ""
    assert Wear(100, 2).worn(limits) == "100 closings: replace after 100"
    assert Wear(5, 3).worn(limits) == "3 openings under load: inspect after 3"
    assert WearCount(Wear(100, 3), limits).worn.count(";") == 1


def test_the_report_has_the_counts_and_the_limits() -> None:
    report = WearCount(Wear(10, 1, 2), WearLimits(500, 4)).report(EvseId(3))
    assert (report.evse_id, report.closings, report.load_closings, report.load_openings) == (3, 10, 2, 1)
    assert (report.operations_max, report.load_openings_max) == (500, 4)


def test_an_alternating_current_wears_a_contactor_less() -> None:
    bounds = [
        wear_limits(EvseSection(outlet=outlet, contactor_load_openings=openings)).load_openings
        for outlet, openings in (("dc", None), ("ac", None), ("ac", 7))
    ]
    assert bounds == [3, 1_000, 7]
