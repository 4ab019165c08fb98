"""An EVSEID that is too short for cars of ISO 15118-2 is doubted."""

from __future__ import annotations

import pytest

from chargepoint.config.car_section import Iso15118Section
from chargepoint.config.doubts import doubts
from chargepoint.config.schema import Config, CsmsSection, EvseSection

KEY = ("iso15118", "evse_id_prefix")


@pytest.mark.parametrize(
    ("prefix", "protocols", "interface", "doubtful"),
    [
        ("DE*OCP*E", ("iso15118-2",), "eth1", False),
        ("DE*OCP", ("iso15118-2",), "eth1", False),  # with the number 7 characters
        ("DE*OC", ("iso15118-2",), "eth1", True),
        ("DE*OC", ("iso15118-20",), "eth1", False),
        ("DE*OC", ("iso15118-2",), None, False),
    ],
)
def test_the_shortest_evse_id(prefix: str, protocols: tuple[str, ...], interface: str | None, doubtful: bool) -> None:
    evse = EvseSection.model_validate({"pilot": "io", "interface": interface})
    section = Iso15118Section.model_validate({"evse_id_prefix": prefix, "protocols": protocols})
    config = Config(evse={1: evse}, csms=CsmsSection(enabled=False), iso15118=section)
    found = [mistake for mistake in doubts(config) if mistake.key == KEY]
    assert bool(found) is doubtful
