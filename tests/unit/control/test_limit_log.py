"""A limit that an edge terminal sends anew each second does not fill the journal."""

from __future__ import annotations

from chargepoint.control.limit_log import LimitLog
from chargepoint.model.commands import ExternalLimit, LimitSource


def limit(import_W: float, export_W: float = 5000.0, source: LimitSource = LimitSource.EMS) -> ExternalLimit:
    return ExternalLimit(source, import_W, export_W, 1000.0)


def lines(*noted: tuple[float, ExternalLimit | None]) -> list[bool]:
    log = LimitLog()
    return [log.note(one, at_s) is not None for at_s, one in noted]


def test_begin_and_end_are_worth_a_line_and_a_renewal_is_not() -> None:
    assert lines((0.0, limit(9000.0)), (1.0, limit(9000.0)), (2.0, None), (3.0, None)) == [True, False, True, False]


def test_an_hour_of_limits_that_move_each_second_is_at_most_sixty_lines() -> None:
    noted = [(float(second), limit(20_000.0 + 15_000.0 * (second % 2))) for second in range(3600)]
    assert sum(lines(*noted)) == 60


def test_small_moves_add_up_to_a_line() -> None:
    noted = [(60.0 * minute, limit(10_000.0 + 200.0 * minute)) for minute in range(12)]
    assert [minute for minute, written in enumerate(lines(*noted)) if written] == [0, 6]


def test_another_party_and_a_direction_that_is_shut_off_are_worth_a_line_at_once() -> None:
    assert lines(
        (0.0, limit(9000.0)),
        (1.0, limit(9000.0, source=LimitSource.SO)),
        (2.0, limit(0.0, source=LimitSource.SO)),
        (3.0, limit(0.0, 0.0, source=LimitSource.SO)),
        (4.0, limit(5000.0, source=LimitSource.SO)),
    ) == [True, True, True, True, True]
