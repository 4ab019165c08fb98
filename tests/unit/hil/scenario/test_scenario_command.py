"""The command line: what it selects, prints and returns."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hil.scenario import selection
from hil.scenario.command import main
from hil.scenario.selection import NothingSelected, Shard, select
from tests.unit.hil.scenario.scripted_bench import OPENED_BY, WORDS, plan

GOOD = "name: Good\ntags: [Charging]\nmatrix: {power_W: [5, 6]}\nsteps:\n- do: setpoint\n  with: {power_W: $power_W}\n"
SLOW = "name: Slow\ntags: [interlock]\nsteps:\n- do: plug\n- expect: {contactor: closed}\n  within_s: 0.5\n"
BAD = "name: Bad\nsteps:\n- do: plugg\n"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shipped"
    (folder / "deeper").mkdir(parents=True)
    (folder / "good.yaml").write_text(GOOD)
    (folder / "deeper/slow.yaml").write_text(SLOW)
    (folder / "README.md").write_text("no scenario")
    monkeypatch.setattr(selection, "SHIPPED", folder)
    return folder


def call(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def run(*words: str) -> Result:
    return call("run", *words, "--opened-by", OPENED_BY)


def names(*asked: str, only: str | None = None) -> list[str]:
    return [each.name for each in select(asked, WORDS, only).runs]


def test_nothing_asked_selects_all_shipped_ones(shipped: Path) -> None:
    assert names() == ["Slow", "Good[power_W=5]", "Good[power_W=6]"]


def test_paths_folders_tags_and_names_of_files_select(shipped: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(SLOW.replace("Slow", "Own"))
    assert names("charging") == ["Good[power_W=5]", "Good[power_W=6]"]
    assert names("slow") == ["Slow"]
    assert names(str(own)) == ["Own"]
    assert names(str(own), "charging") == ["Own", "Good[power_W=5]", "Good[power_W=6]"]
    assert names(str(shipped / "deeper")) == ["Slow"]
    assert names(only="Good[power_W=6]") == ["Good[power_W=6]"]


def test_what_selects_nothing_is_answered_with_near_misses(shipped: Path) -> None:
    with pytest.raises(NothingSelected, match=r"'chargin' is no file, tag or scenario; did you mean charging\?"):
        select(["chargin"], WORDS)
    with pytest.raises(NothingSelected, match="no such file"):
        select(["none.yaml"], WORDS)
    with pytest.raises(NothingSelected, match=r"no run is named 'Slo'; did you mean Slow\?"):
        select([], WORDS, "Slo")


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_each_run_is_in_exactly_one_shard(of: int) -> None:
    runs = [plan("- wait_s: 1") for _ in range(5)]
    shares = [Shard(number, of).share(runs) for number in range(1, of + 1)]
    assert sorted(id(each) for share in shares for each in share) == sorted(map(id, runs))


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_what_is_no_shard_is_refused(text: str, shipped: Path) -> None:
    with pytest.raises(ValueError, match="is no shard: write i/n"):
        Shard.parse(text)
    done = run("--shard", text)
    assert (done.exit_code, "write i/n" in done.output) == (2, True)


def test_a_shard_without_runs_has_nothing_to_do_and_passes(shipped: Path) -> None:
    done = run("charging", "--shard", "3/3")
    assert done.exit_code == 0
    assert "no run falls to shard 3/3: there are only 2" in done.output


def test_a_report_that_cannot_be_written_is_refused_before_the_first_run(shipped: Path) -> None:
    done = run("charging", "--report", "/proc/nobody-writes-here")
    assert done.exit_code == 2
    assert "name a folder that can be written" in done.output
    assert "passed" not in done.output


def test_check_finds_the_mistakes_of_all_files_and_exits_with_2(shipped: Path) -> None:
    assert call("check").output == "2 files, 3 runs: no mistake\n"
    (shipped / "bad.yaml").write_text(BAD)
    done = call("check")
    assert done.exit_code == 2
    assert "bad.yaml:3: do = 'plugg': unknown verb; did you mean plug" in done.output
    assert "hil: 1 mistake" in done.output
    assert call("check", str(shipped / "good.yaml")).exit_code == 0


def test_a_bad_file_prevents_all_runs(shipped: Path) -> None:
    (shipped / "bad.yaml").write_text(BAD)
    done = run()
    assert done.exit_code == 2
    assert "passed" not in done.output


def test_list_performs_nothing(shipped: Path) -> None:
    done = run("--list", "charging")
    assert [line.split(": ", 1)[1] for line in done.output.splitlines()] == [
        "Good[power_W=5]  [Charging]",
        "Good[power_W=6]  [Charging]",
    ]


def test_runs_that_pass_exit_with_0_and_show_a_line_each(shipped: Path) -> None:
    done = run("charging")
    assert done.exit_code == 0, done.output
    assert "1/2  passed" in done.output and "2/2  passed" in done.output
    assert "2 passed" in done.output


def test_a_failure_exits_with_1_and_shows_why_and_how_to_repeat_it(shipped: Path, tmp_path: Path) -> None:
    report = tmp_path / "out"
    done = run("--seed", "5", "--report", str(report))
    assert done.exit_code == 1, done.output
    assert (
        "slow.yaml:5: expected contactor closed within 0.5 s of line 4: contactor was open until 1.00 s" in done.output
    )
    (document,) = [each for each in json.loads((report / "results.json").read_text())["runs"] if each["name"] == "Slow"]
    assert document["seed"] == 5
    words = shlex.split(document["repeat"])
    assert words[:3] == ["./run", "hil", "run"]
    again = CliRunner().invoke(main, words[2:])
    assert again.exit_code == 1
    assert "1/1  failed" in again.output


def test_a_bench_in_trouble_exits_with_2(shipped: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("name: X\nbench: {module: refuses}\nsteps: [{wait_s: 1}]\n")
    done = run(str(file), "slow")
    assert done.exit_code == 2, done.output
    assert "1 failed" in done.output and "1 error" in done.output


def test_a_bench_that_is_missing_exits_with_2(shipped: Path) -> None:
    done = call("run", "--opened-by", "nowhere:at_all")
    assert (done.exit_code, "no bench can be opened by nowhere:at_all" in done.output) == (2, True)
