"""A bench with several cables: each is an EVSE with devices, ports and a network interface of its own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from hil.attach.cable import CarCable
from hil.bench import site
from hil.bench.bench import Bench
from hil.simulators.wired_plant import read_config


def cables(count: int) -> tuple[CarCable, ...]:
    return tuple(CarCable(f"evse{number}", f"car{number}") for number in range(1, count + 1))


@pytest.mark.parametrize("count", [1, 2, 8, 12])
def test_each_cable_is_an_evse_of_its_own(tmp_path: Path, count: int) -> None:
    folder = tmp_path / "demo1"
    config = read_config(site.write(site.Choices(folder, cables=cables(count)), csms_port=1))
    assert [(n, evse.interface) for n, evse in config.evse.items()] == [(n, f"evse{n}") for n in range(1, count + 1)]
    for number, evse in config.evse.items():
        assert (evse.pilot, evse.power_modules, evse.meter) == (f"io{number}", (f"psu{number}",), f"meter{number}")
        assert (evse.insulation, evse.token_reader) == (f"imd{number}", f"rfid{number}")
        assert config.power_module[f"psu{number}"].bus == f"fast{number}"
        assert config.bus[f"fast{number}"].format == "8E1"
    ports = [bus.port for bus in config.bus.values()]
    assert len(set(ports)) == len(ports) == 3 * count
    assert all(str(port).startswith(f"{folder}/tty/") for port in ports)


def test_more_cables_than_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="100 cables: a bench has at most 99 EVSEs"):
        site.write(site.Choices(tmp_path, cables=cables(100)), csms_port=1)


def test_without_cables_one_car_comes_to_evse_1(tmp_path: Path) -> None:
    assert list(Bench(site.Choices(tmp_path)).cars) == [1]
    assert list(Bench(site.Choices(tmp_path, cables=cables(3))).cars) == [1, 2, 3]
    config = read_config(site.write(site.Choices(tmp_path, interface="eth9"), csms_port=1))
    assert [evse.interface for evse in config.evse.values()] == ["eth9", None]


def test_a_taken_interface_is_named(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.bind(("::", 0))
        port = int(other.getsockname()[1])
        choices = site.Choices(tmp_path, sdp_port=port, cables=(CarCable("lo", "lo"),))
        assert site.discovery_taken(choices) == "lo"
    assert site.discovery_taken(choices) is None
