"""ServiceDiscovery: what is listed, and how the car's own list narrows it."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.iso20 import service_discovery
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import ServiceDiscoveryReq, ServiceIDList
from chargepoint.model.car import EnergyService
from tests.unit.iso15118.iso20.dc_situation import HEADER, SESSION_ID, answered, situation

SESSION = Session(state=State.SERVICE_DISCOVERY, session_id=SESSION_ID)
AC = (EnergyService.AC_BPT, EnergyService.AC)
MCS = (EnergyService.MCS_BPT, EnergyService.MCS)


def listed(wanted: tuple[int, ...] | None = None, **settings: Any) -> tuple[list[int], list[int] | None]:
    ids = None if wanted is None else ServiceIDList(ServiceID=wanted)
    request = ServiceDiscoveryReq(Header=HEADER, SupportedServiceIDs=ids)
    response, after = answered(service_discovery.respond(request, SESSION, situation(settings)))
    assert after.state is State.SERVICE_DETAIL
    assert response.ServiceRenegotiationSupported is True
    added = response.VASList
    return (
        [s.ServiceID for s in response.EnergyTransferServiceList.Service],
        None if added is None else [s.ServiceID for s in added.Service],
    )


@pytest.mark.parametrize(
    ("services", "ids"), [((EnergyService.DC,), [2]), (AC, [5, 1]), (MCS, [9, 8]), ((EnergyService.DC_BPT,), [6])]
)
def test_the_outlets_services_are_listed_in_their_order(services: tuple[EnergyService, ...], ids: list[int]) -> None:
    assert listed(services=services) == (ids, None)


@pytest.mark.parametrize(
    ("wanted", "energy", "added"),
    [
        (None, [6, 2], [65, 66]),
        ((2, 65), [2], [65]),
        ((6, 1), [6], None),
        ((1, 5), [6, 2], None),  # nothing in common: energy services all, others none
        ((66,), [6, 2], [66]),
        ((65_535,), [6, 2], None),
    ],
)
def test_the_cars_list_narrows_energy_where_it_can_and_others_strictly(
    wanted: tuple[int, ...] | None, energy: list[int], added: list[int] | None
) -> None:
    assert listed(wanted, internet=True, parking_status=True) == (energy, added)


def test_energy_costs_and_other_services_are_free() -> None:
    request = ServiceDiscoveryReq(Header=HEADER)
    response, _ = answered(service_discovery.respond(request, SESSION, situation({"internet": True})))
    assert not any(s.FreeService for s in response.EnergyTransferServiceList.Service)
    assert all(s.FreeService for s in response.VASList.Service)
