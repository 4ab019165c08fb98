"""The log is bounded: one line of a cause a second, the others counted; no error is lost; memory does not grow."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from chargepoint.app.log import BoundedHandler
from chargepoint.app.log_repeats import TEXT_MAX, Repeats, cause_of, plain


class Kept(logging.Handler):
    """What came through, formatted."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class Bench:
    """A logger behind a bounded handler whose clock stands where the test puts it."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.kept = Kept()
        self.handler = BoundedHandler(self.kept, lambda: self.now_s)
        self.log = logging.getLogger("bounded-test")
        self.log.propagate = False
        self.log.handlers[:] = [self.handler]
        self.log.setLevel(logging.INFO)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.log.handlers.clear()


def test_a_flood_is_one_line_a_second_with_its_count(bench: Bench) -> None:
    for number in range(3000):
        bench.now_s = 100.0 + number / 1000
        bench.log.warning("! connection from [fe80::%x]:%d refused", number, 40_000 + number)
    assert bench.kept.lines == [
        "! connection from [fe80::0]:40000 refused",
        "! connection from [fe80::3e8]:41000 refused (999 more in the last second)",
        "! connection from [fe80::7d0]:42000 refused (999 more in the last second)",
    ]
    bench.handler.close()
    assert len(bench.kept.lines) == 4
    assert bench.kept.lines[-1].endswith("(998 more in the last second)")


def test_a_line_with_a_peers_own_words_is_counted_by_the_cause_it_names(bench: Bench) -> None:
    for number in range(500):
        bench.now_s = 100.0 + number / 1000
        word = "".join(chr(97 + int(digit)) for digit in str(number))
        bench.log.warning("! peer: NotImplemented: %s is not known", word, extra={"cause": "peer: NotImplemented"})
    bench.log.warning("! peer: %s", "FormatViolation: x", extra={"cause": "peer: FormatViolation"})
    assert bench.kept.lines == ["! peer: NotImplemented: a is not known", "! peer: FormatViolation: x"]


def test_different_causes_do_not_hide_each_other(bench: Bench) -> None:
    for name in ("fast1", "fast2"):
        bench.log.warning("! bus %s: no such device", name)
    bench.log.error("! bus fast1: no such device")
    assert len(bench.kept.lines) == 3


def test_what_was_left_out_comes_with_the_next_line_of_anybody(bench: Bench) -> None:
    for setpoint_kW in (5, -5, 5, -5):
        bench.log.warning("= %d kW: asked by the car", setpoint_kW)
    bench.now_s += 1.5
    bench.log.info("* daemon down")
    assert bench.kept.lines == [
        "= 5 kW: asked by the car",
        "= -5 kW: asked by the car (2 more in the last second)",
        "* daemon down",
    ]


def test_lines_of_the_story_that_differ_in_a_number_are_written_up_to_five_a_second(bench: Bench) -> None:
    for number in range(1, 21):
        bench.log.info("> StatusNotification evseId %d, connectorStatus Available", number)
    assert [line.split()[3] for line in bench.kept.lines] == ["1,", "2,", "3,", "4,", "5,"]
    bench.now_s += 1.5
    bench.log.info("* daemon down")
    assert bench.kept.lines[-2:] == [
        "> StatusNotification evseId 20, connectorStatus Available (14 more in the last second)",
        "* daemon down",
    ]


@pytest.mark.parametrize(
    "text", ["transaction 78a725ad-af38-4836e5-8d9e-fa3ac14412ef", "meter 12e45-7", "serial A1e300"]
)
def test_an_identifier_is_no_number(text: str) -> None:
    assert plain(text) == text


def test_no_error_is_lost_among_too_many_causes(bench: Bench) -> None:
    for number in range(2000):
        bench.log.warning("! the car calls itself %s", "".join(chr(97 + int(digit)) for digit in str(number)))
    bench.log.error("! the store is full")
    bench.log.error("! a second error in the same second")
    assert "! the store is full" in bench.kept.lines
    bench.handler.close()
    assert any("a second error" in line for line in bench.kept.lines)
    assert len(bench.kept.lines) < 300


def test_memory_is_bounded() -> None:
    repeats: Repeats[str] = Repeats(causes_max=16)
    for number in range(10_000):
        repeats.take("x", f"cause {number}", logging.INFO, number / 10_000)
    assert len(repeats) <= 17
    repeats.take("x", "later", logging.INFO, 5.0)
    assert len(repeats) == 1


def test_a_traceback_is_written(bench: Bench) -> None:
    try:
        raise ValueError("our mistake")
    except ValueError:
        bench.log.exception("! connection ended")
    assert "ValueError: our mistake" in bench.kept.lines[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("= -1.32e+131 kW: asked by the car", "= (a number out of range, beyond -1e+09) kW: asked by the car"),
        ("1e400 W", "(a number out of range, beyond 1e+09) W"),
        (f"{'9' * 40} W", "(a number out of range, beyond 1e+09) W"),
        ("1e+06 W and 2.5e-07 s", "1e+06 W and 2.5e-07 s"),
        ("seqNo 1800000000000 of 04A2B3C4D5E6F7", "seqNo 1800000000000 of 04A2B3C4D5E6F7"),
    ],
)
def test_absurd_numbers_are_named_as_such(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_line_has_an_end() -> None:
    assert len(plain("x" * 100_000)) < TEXT_MAX + 50


def test_a_cause_has_no_numbers_in_it() -> None:
    assert cause_of("! late by 12.5 ms at 12:00:01") == cause_of("! late by 7 ms at 23:59:59")
    assert cause_of("bus fast1") != cause_of("bus fast2")
