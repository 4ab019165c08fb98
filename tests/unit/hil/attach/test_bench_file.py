"""The bench file: what it may say, and every mistake in it with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.attach.bench_file import (
    ALL_SIMULATED_BENCH,
    BenchFile,
    BenchFileError,
    BusPart,
    CarPart,
    CentralSystemPart,
    ControllerPart,
    ModulePart,
)

WHOLE = """
name = "lab 3"

[controller]
config = "site.toml"
elsewhere = true
status = "run/status.sock"

[central_system]
listen = "0.0.0.0:9310"

[bus.fast1]
device = "/dev/ttyUSB0"

[bus.slow1]
outside = true
port = "/dev/ttyS1"

[power_module.psu1]
process = true

[car.1]
kind = "program"
interface = "veth"
program = ["evcc", "{interface}"]
environment = { PKI_PATH = "/keys" }

[car.2]
keys = "keys"
"""


def read(folder: Path, text: str) -> BenchFile:
    file = folder / "bench.toml"
    file.write_text(text, encoding="utf-8")
    return BenchFile.read(file)


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)
    assert found.controller.config == tmp_path / "site.toml"
    assert found.controller.status == tmp_path / "run" / "status.sock"
    assert found.car[1].folder == tmp_path
    assert found.car[2].keys == tmp_path / "keys"
    assert found.outside_buses == {"slow1"}
    assert found.needs_real_time
    assert not found.all_cars_simulated


def test_an_empty_file_is_a_simulated_bench(tmp_path: Path) -> None:
    assert read(tmp_path, "") == ALL_SIMULATED_BENCH
    assert not read(tmp_path, 'name = "all simulated"').needs_real_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[controler]\nelsewhere = true", "controler: no such key; docs/bench-file.md lists them"),
        ("[controller]\nelsewhere = true", "elsewhere = true: the bench needs its configuration, too"),
        ('[central_system]\nurl = "http://x"', "central_system.url = 'http://x'"),
        ('[central_system]\nlisten = "9310"', "central_system.listen = '9310'"),
        ('[central_system]\nlisten = "127.0.0.1:99999"', "a port is at most 65535"),
        ('[central_system]\nlisten = "127.0.0.1:9310"\nurl = "ws://x/y"', "leave one out"),
        ('[power_module.psu1]\nprocess = "yes"', "power_module.psu1.process = 'yes'"),
        ('[bus.fast1]\noutside = true\ndevice = "/dev/x"', "the bench is on a bus, or it is not; leave one out"),
        ('[bus.fast1]\nport = "/dev/x"', "port without outside = true"),
        ('[bus."a b"]\noutside = true', "bus.a b"),
        ("[power_module.psu1]\nprocess = 3", "power_module.psu1.process = 3"),
        ('[car.1]\nkind = "program"', "a program goes with its kind"),
        ('[car.1]\nprogram = ["evcc"]', "a program goes with its kind"),
        ('[car.0]\nkind = "person"', "car.0"),
        ('[car.1]\nkind = "donkey"', "car.1.kind = 'donkey'"),
        ("[car.1", "Expected ']'"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(BenchFileError) as caught:
        read(tmp_path, text)
    assert expected in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "bench.toml"))


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(BenchFileError) as caught:
        read(tmp_path, '[car.0]\nkind = "person"\n[bus.a]\nport = "x"\n[power_module.b]\nproces = true')
    assert len(str(caught.value).splitlines()) == 3


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(BenchFileError, match="No such file"):
        BenchFile.read(tmp_path / "nowhere.toml")
    (tmp_path / "bench.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BenchFileError, match=r"bench\.toml"):
        BenchFile.read(tmp_path / "bench.toml")


def test_the_page_lists_every_key() -> None:
    page = (Path(__file__).resolve().parents[4] / "docs" / "bench-file.md").read_text(encoding="utf-8")
    for part in (ControllerPart, CentralSystemPart, BusPart, ModulePart, CarPart):
        for name in part.model_fields:
            assert f"`{name}`" in page, f"docs/bench-file.md has no line for {name} of {part.__name__}"
