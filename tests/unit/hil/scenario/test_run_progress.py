"""What people see of runs under way: how long the rest takes, lines on a pipe, a picture on a terminal."""

from __future__ import annotations

import io
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hil.scenario.bench_door import BenchChoice
from hil.scenario.forked_call import ForkedCall, Note
from hil.scenario.forked_call import ended as ended_calls
from hil.scenario.forked_runs import ForkedRuns
from hil.scenario.result import RunResult, ScenarioVerdict
from hil.scenario.run_progress import RunProgress, RunUnderWay, in_words, left_s
from hil.scenario.shown_runs import QUIET_S, ShownRuns, is_terminal
from tests.unit.hil.scenario.scripted_bench import OPENED_BY, plan


def test_the_rest_takes_as_long_as_runs_took_on_the_mean() -> None:
    assert left_s([10.0, 20.0, 30.0], [5.0, 25.0], 4, 2) == pytest.approx((4 * 20.0 + 15.0 + 0.0) / 2)


def test_nothing_is_said_of_the_rest_before_three_runs_have_ended() -> None:
    assert left_s([10.0, 20.0], [5.0], 4, 2) is None


def test_the_last_run_alone_takes_what_is_left_of_it_however_many_workers_there_are() -> None:
    assert left_s([10.0] * 3, [4.0], 0, 8) == pytest.approx(6.0)


@pytest.mark.parametrize(("seconds", "words"), [(41.3, "about 41 s"), (89.9, "about 90 s"), (179.0, "about 3 min")])
def test_time_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


class Watched:
    """A place for lines, and a clock in our hands."""

    def __init__(self, *, drawn: bool) -> None:
        self.now = 0.0
        self.out = io.StringIO()
        self.shown = ShownRuns(5, 2, self.out, self._trouble, drawn, lambda: self.now, lambda: 60)

    def _trouble(self, result: RunResult) -> Sequence[str]:
        return [] if result.verdict is ScenarioVerdict.PASSED else [result.reason]

    @property
    def text(self) -> str:
        return self.out.getvalue()


RUN = replace(plan("- do: plug"), name="The door opens")
ON_ITS_WAY = RunUnderWay(RUN, 2.0, RunProgress(12.34, 14, "expect contactor open within 0.3 s"))


def ended(verdict: ScenarioVerdict = ScenarioVerdict.PASSED) -> RunResult:
    return RunResult(RUN, verdict, "it was closed", bench_s=20.0, seconds=4.0)


def test_a_pipe_gets_a_line_after_each_ten_quiet_seconds() -> None:
    watched = Watched(drawn=False)
    for _ in range(41):
        watched.shown.under_way([ON_ITS_WAY, RunUnderWay(RUN, 0.1)])
        watched.now += 0.5
    lines = watched.text.splitlines()
    assert len(lines) == 2
    assert lines[0] == (
        "     0/5  running  ended so far; The door opens: 12.3 s, line 14: expect contactor open within 0.3 s; "
        "The door opens: the bench starts"
    )


def test_a_run_that_ended_breaks_the_silence() -> None:
    watched = Watched(drawn=False)
    watched.shown.under_way([ON_ITS_WAY])
    watched.now = QUIET_S - 1.0
    watched.shown.ended(ended())
    watched.now = QUIET_S + 1.0
    watched.shown.under_way([ON_ITS_WAY])
    assert watched.text.splitlines() == ["     1/5  passed       20.0 s in 4.0 s, 5 x       The door opens"]


def test_a_run_that_did_not_pass_has_more_lines() -> None:
    watched = Watched(drawn=False)
    watched.shown.ended(ended(ScenarioVerdict.FAILED))
    assert watched.text.splitlines()[1] == "          it was closed"


def test_a_terminal_shows_what_runs_below_the_lines_and_takes_it_away_again() -> None:
    watched = Watched(drawn=True)
    watched.shown.under_way([ON_ITS_WAY])
    watched.now += 1.0
    watched.shown.under_way([ON_ITS_WAY])
    below = "     0/5  ended so far\n          The door opens: 12.3 s, line 14: expect contactor\n"
    assert watched.text == below
    watched.shown.ended(ended())
    assert watched.text.startswith(below + "\x1b[2F\x1b[J     1/5  ")
    watched.shown.close()
    assert watched.text.count("\x1b[J") == 1


def test_the_estimate_is_shown_once_enough_runs_have_ended() -> None:
    watched = Watched(drawn=True)
    for _ in range(3):
        watched.shown.ended(ended())
    watched.now += 1.0
    watched.shown.under_way([ON_ITS_WAY])
    assert "     3/5  ended so far, about 3 s left\n" in watched.text


def test_what_cannot_place_its_cursor_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    assert is_terminal(Terminal())
    assert not is_terminal(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not is_terminal(Terminal())


def test_the_parent_hears_what_a_call_notes_before_its_result(tmp_path: Path) -> None:
    def work(note: Note) -> str:
        note("half way")
        note("nearly there")
        signal.pause()
        return "never"

    call = ForkedCall.start(work, tmp_path / "log", 30.0)
    try:
        while call.noted != "nearly there":
            assert ended_calls([call], 0.05) == []
    finally:
        call.end()


def test_runs_under_way_are_shown_while_they_last() -> None:
    seen: list[RunUnderWay] = []
    run = replace(plan("- wait_s: 1"), needs={"module": "hangs"}, name="hangs", time_limit_s=0.1)
    ForkedRuns(BenchChoice(opened_by=OPENED_BY), patience_s=0.9).perform([run], lambda result: None, seen.extend)
    assert {each.run.name for each in seen} == {"hangs"}
    assert seen[-1].seconds > seen[0].seconds
