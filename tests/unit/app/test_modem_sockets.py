"""Which EVSEs get a modem of SLAC: those that say so, where cars are spoken to."""

from __future__ import annotations

import secrets
from typing import Any, cast

from chargepoint.app.clock import SystemClock
from chargepoint.app.modem_sockets import modem_sockets
from chargepoint.app.station_shell import StationShell
from chargepoint.config.car_section import Iso15118Section
from chargepoint.config.schema import Config, EvseSection


def modems(*, enabled: bool = True) -> dict[Any, Any]:
    sections = {
        1: {"interface": "eth1", "slac": "modem"},
        2: {"interface": "eth2", "slac": "modem", "slac_interface": "eth3"},
        3: {"interface": "eth4"},
        4: {},
    }
    evses = {number: EvseSection.model_validate(section) for number, section in sections.items()}
    config = Config(evse=evses, iso15118=Iso15118Section(enabled=enabled))
    shell = cast(StationShell, type("Shell", (), {"on_data_link": None})())
    return dict(modem_sockets(config, shell, SystemClock(), secrets.token_bytes))


def test_an_evse_with_slac_gets_its_modem() -> None:
    assert {number: modem._interface for number, modem in modems().items()} == {1: "eth1", 2: "eth3"}


def test_where_no_car_is_spoken_to_there_is_no_slac() -> None:
    assert modems(enabled=False) == {}
