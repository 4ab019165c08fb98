"""ServiceSelection: every pair that was offered, and the code for each kind of wrong choice."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.iso20 import service_selection
from chargepoint.iso15118.iso20.services import offer
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import SelectedService, SelectedServiceList, ServiceSelectionReq
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.model.car import EnergyService, ServiceSelected
from chargepoint.model.ids import EvseId
from tests.unit.iso15118.iso20.dc_situation import HEADER, SESSION_ID, answered, refused, situation

SESSION = Session(state=State.SERVICE_SELECTION, session_id=SESSION_ID)
ALL = {"services": tuple(EnergyService), "internet": True, "parking_status": True}


def request(service: int, number: int, *added: tuple[int, int]) -> ServiceSelectionReq:
    extras = tuple(SelectedService(ServiceID=a, ParameterSetID=b) for a, b in added)
    return ServiceSelectionReq(
        Header=HEADER,
        SelectedEnergyTransferService=SelectedService(ServiceID=service, ParameterSetID=number),
        SelectedVASList=SelectedServiceList(SelectedService=extras) if extras else None,
    )


def test_each_offered_pair_is_taken_as_offered() -> None:
    at = situation(ALL)
    for choice in offer(at.settings):
        asked = request(choice.service_id, choice.parameter_set_id)
        response, after = answered(service_selection.respond(asked, SESSION, at))
        assert response.ResponseCode is ResponseCode.OK
        assert (after.choice, after.state) == (choice, State.CHARGE_PARAMETER_DISCOVERY)
        assert service_selection.learned(asked, SESSION, after, at) == (
            ServiceSelected(EvseId(1), choice.service, choice.control_mode),
        )


def test_no_two_pairs_of_a_service_have_one_number() -> None:
    pairs = [(c.service_id, c.parameter_set_id) for c in offer(situation(ALL).settings)]
    assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize(
    ("asked", "settings", "code"),
    [
        (request(6, 0), {}, ResponseCode.FAILED_ServiceSelectionInvalid),
        (request(6, 4), {}, ResponseCode.FAILED_ServiceSelectionInvalid),
        (request(1, 1), {}, ResponseCode.FAILED_ServiceSelectionInvalid),
        (request(3, 1), {}, ResponseCode.FAILED_ServiceSelectionInvalid),
        (request(65, 1), {"internet": True}, ResponseCode.FAILED_NoEnergyTransferServiceSelected),
        (request(66, 1), {}, ResponseCode.FAILED_NoEnergyTransferServiceSelected),
        (request(6, 1, (65, 4)), {}, ResponseCode.FAILED_ServiceSelectionInvalid),
        (request(6, 1, (65, 5)), {"internet": True}, ResponseCode.FAILED_ServiceSelectionInvalid),
        (request(6, 1, (65, 4), (66, 1)), {"internet": True}, ResponseCode.FAILED_ServiceSelectionInvalid),
        (request(6, 1, (2, 1)), {}, ResponseCode.FAILED_ServiceSelectionInvalid),
    ],
)
def test_anything_else_has_its_code_and_a_sentence(
    asked: ServiceSelectionReq, settings: dict[str, Any], code: ResponseCode
) -> None:
    found = refused(service_selection.respond(asked, SESSION, situation(settings)))
    assert found.code is code
    assert "offered" in found.why or "no energy service" in found.why


def test_services_beside_energy_are_remembered() -> None:
    _, after = answered(service_selection.respond(request(6, 1, (65, 4), (66, 2)), SESSION, situation(ALL)))
    assert after.added_services == ((65, 4), (66, 2))
