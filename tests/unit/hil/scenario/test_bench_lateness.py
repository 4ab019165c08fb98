"""A bench that lost time of its plant does not blame the controller."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.record.line import STATION, LineKind, RecordLine, Seer
from hil.record.record import BenchRecord
from hil.scenario.bench_door import judged_with_lateness
from hil.scenario.result import RunResult, ScenarioVerdict
from hil.scenario.step import PlannedRun


def record_of(lost_s: float | None) -> BenchRecord:
    record = BenchRecord()
    if lost_s is not None:
        record.add(RecordLine(1.0, Seer.PLANT, LineKind.VALUE, "plant_skipped_s", lost_s, STATION))
    return record


@pytest.mark.parametrize(
    ("verdict", "lost_s", "judged"),
    [
        (ScenarioVerdict.FAILED, 0.3, ScenarioVerdict.ERROR),
        (ScenarioVerdict.FAILED, 0.05, ScenarioVerdict.FAILED),
        (ScenarioVerdict.FAILED, None, ScenarioVerdict.FAILED),
        (ScenarioVerdict.PASSED, 0.3, ScenarioVerdict.PASSED),
        (ScenarioVerdict.ERROR, 0.3, ScenarioVerdict.ERROR),
    ],
)
def test_a_failure_with_lost_time_is_an_error_of_the_bench(
    verdict: ScenarioVerdict, lost_s: float | None, judged: ScenarioVerdict
) -> None:
    run = PlannedRun(Path("a.yaml"), "a", "", (), {}, {}, 60.0, ())
    found = judged_with_lateness(RunResult(run, verdict, "contactor stayed closed", 7), record_of(lost_s))
    assert found.verdict is judged
    assert found.line == 7
    assert "contactor stayed closed" in found.reason
    assert ("lost 0.30 s" in found.reason) is (verdict is not judged)
