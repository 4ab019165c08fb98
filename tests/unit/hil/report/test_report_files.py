"""Pages as files, and the plotting library."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hil.record import json_lines
from hil.report.latencies import answer_times, effect_times, share_of
from hil.report.plotting import PlottingMissing, checked, library, prepare
from hil.report.report_files import write_pages
from tests.unit.hil.report.report_samples import FAILING, charge_loop, short_session


def test_a_folder_gets_a_page_for_each_record_and_an_index(tmp_path: Path) -> None:
    (tmp_path / "001-a.jsonl").write_text("".join(json_lines.write(short_session().entries)))
    runs = [
        {"name": "a", "verdict": "passed", "record": "001-a.jsonl", "steps": []},
        {"name": "b", "verdict": "skipped", "reason": "needs real time"},
    ]
    (tmp_path / "results.json").write_text(
        json.dumps({"format": 1, "began": "2026-11-22T12:00:00+00:00", "runs": runs})
    )
    index = write_pages(tmp_path)
    assert {file.name for file in tmp_path.glob("*.html")} == {"001-a.html", "index.html"}
    assert 'href="001-a.html"' in index.read_text()
    assert "needs real time" in index.read_text()


def test_a_record_is_read_from_the_folder_alone(tmp_path: Path) -> None:
    """A name with a way out of the folder leads to the file of that name in it."""
    (tmp_path / "x.jsonl").write_text("")
    runs = [{"name": "a", "verdict": "passed", "record": "../../x.jsonl"}]
    (tmp_path / "results.json").write_text(json.dumps({"format": 1, "runs": runs}))
    write_pages(tmp_path)
    assert (tmp_path / "x.html").exists()


def test_a_record_that_cannot_be_read_costs_only_its_own_page(tmp_path: Path) -> None:
    (tmp_path / "001-a.jsonl").write_text("".join(json_lines.write(short_session().entries)))
    (tmp_path / "002-b.jsonl").write_text('{"at_s": 0.0, "evse"')
    runs = [{"name": name, "verdict": "passed", "record": f"{name}.jsonl"} for name in ("001-a", "002-b", "003-c")]
    (tmp_path / "results.json").write_text(json.dumps({"format": 1, "runs": runs}))
    text = write_pages(tmp_path).read_text()
    assert {file.name for file in tmp_path.glob("*.html")} == {"001-a.html", "index.html"}
    assert "002-b.jsonl cannot be read: line 1: no entry of a record" in text
    assert "003-c.jsonl cannot be read" in text


def test_a_package_with_another_content_is_not_kept(tmp_path: Path) -> None:
    package = tmp_path / "uplot.tgz"
    package.write_bytes(b"something else")
    with pytest.raises(PlottingMissing, match="SHA-512"):
        prepare(package, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    with pytest.raises(PlottingMissing, match="cannot be read"):
        prepare(tmp_path / "missing.tgz", tmp_path / "kept")
    with pytest.raises(PlottingMissing):
        checked(b"", "nothing")


def test_without_the_library_there_is_no_script(tmp_path: Path) -> None:
    assert library(tmp_path) == ("", "")


def test_times_from_action_to_effect_and_from_request_to_answer() -> None:
    assert [(each.words, each.took_s) for each in effect_times(FAILING)] == [
        ("plug → stage TRANSFER within 5 s, line 10", 2.0),
        ("reaction_s, line 12", 0.5),
    ]
    lines = [line for index in range(100) for line in charge_loop(float(index), took_ms=float(index + 1))]
    (times,) = answer_times(lines)
    assert (times.name, times.count, times.p50_ms, times.p99_ms, times.max_ms) == (
        "DC_ChargeLoopRes",
        100,
        50.0,
        99.0,
        100.0,
    )
    assert share_of([3.0], 0.99) == 3.0
