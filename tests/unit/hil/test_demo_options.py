"""What `./run demo` cannot do is said before anything is started."""

from __future__ import annotations

import io
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil.bench import site
from hil.demo.command import _console, main


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--once", "--report", "{0}/nowhere/r.json"], "No such file or directory"),
        (["--once", "--report", "{0}"], "Is a directory"),
        (["--once", "--picture", "{0}/nowhere/p.svg"], "it cannot be written"),
        (["--report", "{0}/r.json"], "go with --once"),
        (["--csms", "wss://x/y"], "ws://HOST:PORT/PATH expected"),
        (["--once", "--csms", "ws://x/y"], "has no story"),
        (["--ac", "--voltage-max", "400"], "does not go with --voltage-max"),
        (["--pnc"], "goes with --no-car"),
        (["--car", "bmw-i3-din", "--tls"], "DIN 70121 alone"),
        (["--interface", "no-such-if"], "--interface no-such-if: there is "),
        (["--sdp-port", "70000"], "1<=x<=65535"),
        (["--dir", "{0}/" + "x" * 100], "at most 80"),
        (["--dir", "/dev/null/demo"], "name a folder of your own"),
    ],
)
def test_an_impossible_option_is_refused_at_once(tmp_path: Path, options: list[str], expected: str) -> None:
    found = CliRunner().invoke(main, [option.format(tmp_path) for option in options])
    assert found.exit_code == 2
    assert expected in found.output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_any_name_makes_a_readable_configuration(tmp_path: Path) -> None:
    folder = tmp_path / 'a "b" \\1 c'
    path = site.write(site.Choices(folder), csms_port=1)
    document = tomllib.loads(path.read_text("utf-8"))
    assert document["station"]["state_dir"] == f"{folder}/state"
    assert document["csms"]["url"] == "ws://127.0.0.1:1"


def test_the_ac_demo_takes_a_configuration_of_its_own(tmp_path: Path) -> None:
    path = site.write(site.Choices(tmp_path, own_car=False, ac=True, interface="eth9"), csms_port=1)
    document = tomllib.loads(path.read_text("utf-8"))
    assert document["evse"]["1"]["outlet"] == "ac"
    assert document["evse"]["1"]["interface"] == "eth9"
    assert document["energy"]["authorization"] == "none"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_of_another_encoding_gets_a_question_mark(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding, write_through=True))
    _console().print("transaction 1a2b… started")
    assert written.getvalue() == b"transaction 1a2b? started\n"
