"""A bench file that names what is not there is refused before the bench starts."""

from pathlib import Path

import pytest

from hil.attach.bench_file import BenchFile
from hil.bench.file_fit import hold_fit
from hil.simulators.line_socket import Refused

DOCUMENT: dict[str, dict[str, object]] = {
    "bus": {"fast1": {}, "slow1": {}},
    "power_module": {"psu1": {}},
    "evse": {"1": {}},
}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"bus": {"fast9": {"outside": True}}}, r"bus\.fast9: .* no \[bus\.fast9\]; it has fast1, slow1"),
        ({"power_module": {"psu9": {"process": True}}}, r"power_module\.psu9: .* it has psu1"),
        ({"car": {2: {"kind": "person"}}}, r"car\.2: .* no \[evse\.2\]; it has 1"),
        ({"bus": {"fast1": {"device": "/dev/nowhere"}}}, r"bus\.fast1\.device = '/dev/nowhere': no such device"),
        ({"car": {1: {"interface": "nope0"}}}, r"car\.1\.interface = 'nope0': no such interface; there is .*lo.*veth"),
        ({"car": {1: {"keys": "/nowhere/keys"}}}, r"car\.1\.keys = '/nowhere/keys': no such folder"),
    ],
)
def test_what_is_not_there_is_refused_with_its_key(part: dict[str, object], expected: str) -> None:
    with pytest.raises(Refused, match=expected):
        hold_fit(DOCUMENT, BenchFile.model_validate(part), given=True)


def test_every_mistake_is_listed() -> None:
    attached = BenchFile.model_validate({"bus": {"a": {}, "b": {}}})
    with pytest.raises(Refused, match=r"bus\.a.*bus\.b"):
        hold_fit(DOCUMENT, attached, given=True)


def test_what_is_there_fits(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    attached = BenchFile.model_validate(
        {
            "bus": {"fast1": {"device": "can0"}, "slow1": {"device": str(tmp_path)}},
            "power_module": {"psu1": {"process": True}},
            "car": {1: {"keys": tmp_path / "keys", "interface": "lo"}},
        }
    )
    hold_fit(DOCUMENT, attached, given=True)


def test_a_made_configuration_has_the_evses_of_the_scenario() -> None:
    hold_fit(DOCUMENT, BenchFile.model_validate({"car": {2: {"kind": "person"}}}), given=False)
