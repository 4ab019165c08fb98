"""The certification suite judges a station that is not ours, through the JSON-lines interface."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hil.certification import catalogue, pics
from hil.certification.json_lines import JsonLinesStation
from hil.certification.pics import Pics
from hil.certification.results import CaseOutcome, CaseVerdict
from hil.certification.runner import Runner
from hil.certification.station_under_test import BenchRefused

STATION = Path(__file__).parent / "minimal_station.py"


def statement() -> Pics:
    """What the minimal station claims: Core with one EVSE, and little patience."""
    own = pics.load()
    configured = replace(
        own.configured,
        identity="MINIMAL",
        connectors={1: 1},
        answer_within_s=3.0,
        reboot_within_s=5.0,
        quiet_s=0.3,
        transaction_duration_s=0.1,
    )
    features = own.features | dict.fromkeys(pics.PROFILES, False) | {"Core": True}
    return Pics(features, configured)


async def judge(folder: Path, fault: str, *ids: str) -> dict[str, CaseOutcome]:
    station = JsonLinesStation(shlex.join([sys.executable, str(STATION), fault]))
    rows = catalogue.select(catalogue.load(), (), ids)
    async with Runner(station, statement(), folder) as runner:
        outcomes = await runner.run(rows, lambda _: None)
    return {outcome.row.case_id: outcome for outcome in outcomes}


def failures(outcome: CaseOutcome) -> str:
    return "\n".join(validation.words() for validation in outcome.validations if not validation.passed)


async def test_a_station_of_other_people_passes_what_it_can(tmp_path: Path) -> None:
    found = await judge(tmp_path, "none", "B_06", "B_09", "B_32", "B_33", "E_03", "E_06", "G_01", "G_02", "P_01")
    assert {name: outcome.verdict for name, outcome in found.items() if outcome.verdict is not CaseVerdict.PASSED} == {
        "TC_P_01_CS": CaseVerdict.FAILED  # no DataTransfer
    }
    assert "CALLERROR NotImplemented" in failures(found["TC_P_01_CS"])


async def test_seq_no_that_jumps_fails_every_case_with_a_transaction(tmp_path: Path) -> None:
    found = await judge(tmp_path, "seq_no_jumps", "B_06", "E_03")
    assert found["TC_B_06_CS"].verdict is CaseVerdict.PASSED
    assert found["TC_E_03_CS"].verdict is CaseVerdict.FAILED
    assert "seqNo is [0, 2], expected counting on without a gap" in failures(found["TC_E_03_CS"])


async def test_a_wrong_status_fails_its_own_case_alone(tmp_path: Path) -> None:
    found = await judge(tmp_path, "accepts_unknown_component", "B_32", "B_33")
    assert found["TC_B_32_CS"].verdict is CaseVerdict.FAILED
    assert found["TC_B_33_CS"].verdict is CaseVerdict.PASSED
    assert "attributeStatus is 'Rejected', expected 'UnknownComponent'" in failures(found["TC_B_32_CS"])


async def test_a_state_that_is_not_reported_fails_and_the_station_starts_afresh(tmp_path: Path) -> None:
    found = await judge(tmp_path, "no_status_after_unplug", "G_01", "G_02")
    assert found["TC_G_01_CS"].verdict is CaseVerdict.PASSED
    assert found["TC_G_01_CS"].restored.startswith("fresh start: connectors are {(1, 1): 'Occupied'}")
    assert found["TC_G_02_CS"].verdict is CaseVerdict.FAILED
    assert "expected 'Available' within 3 s" in failures(found["TC_G_02_CS"])


async def test_a_verb_the_bench_does_not_have_leaves_the_case_undecided(tmp_path: Path) -> None:
    found = await judge(tmp_path, "none", "B_01")
    assert found["TC_B_01_CS"].verdict is CaseVerdict.UNDECIDED
    assert found["TC_B_01_CS"].reason == "reboot: this bench has no reboot"


async def test_a_case_that_is_not_written_is_never_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.certification.runner.written", dict)
    found = await judge(tmp_path, "none", "B_06")
    assert found["TC_B_06_CS"].verdict is CaseVerdict.NOT_WRITTEN


async def test_a_command_that_cannot_be_started_says_so(tmp_path: Path) -> None:
    station = JsonLinesStation(str(tmp_path / "nothing"))
    with pytest.raises(BenchRefused, match="--station takes a command that can be started"):
        await station.reboot()


async def test_a_command_that_ends_says_so() -> None:
    station = JsonLinesStation(f"{sys.executable} -c pass")
    with pytest.raises(BenchRefused, match="reboot: the station's command ended"):
        await station.reboot()
    await station.close()
