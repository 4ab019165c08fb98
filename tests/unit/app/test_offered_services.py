"""The services that an outlet offers follow from its configuration."""

from __future__ import annotations

import pytest

from chargepoint.app.wiring import offered_services
from chargepoint.config.schema import EvseSection
from chargepoint.model.car import EnergyService as S


@pytest.mark.parametrize(
    ("outlet", "connector", "discharge_W", "services"),
    [
        ("dc", "cCCS2", 0.0, (S.DC,)),
        ("dc", "cCCS2", 10_000.0, (S.DC_BPT, S.DC)),
        ("dc", "cMCS", 0.0, (S.MCS,)),
        ("dc", "cMCS", 1_000_000.0, (S.MCS_BPT, S.MCS)),
        ("ac", "cType2", 0.0, (S.AC,)),
        ("ac", "cType2", 11_000.0, (S.AC_BPT, S.AC)),
    ],
)
def test_services_of_an_outlet(outlet: str, connector: str, discharge_W: float, services: tuple[S, ...]) -> None:
    section = EvseSection.model_validate(
        {"outlet": outlet, "connector_type": connector, "discharge_power_max_W": discharge_W, "current_max_A": 3000.0}
    )
    assert offered_services(section) == services
