"""ServiceSelection: what the car takes. Source: docs/sources/iso15118-20.md 0 and 9."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.services import added_services, choice_of, is_energy_service, parameter_sets
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import SelectedService, ServiceSelectionReq, ServiceSelectionRes
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.model.car import CarEvent, ServiceSelected
from chargepoint.model.ids import EvseId


def respond(request: ServiceSelectionReq, session: Session, at: Situation) -> Reply[Session]:
    """A pair that was offered; FAILED_ServiceSelectionInvalid for any other (V2G20-467).

    FAILED_NoEnergyTransferServiceSelected where the chosen id is that of a value-added service (V2G20-1618).
    """
    chosen = request.SelectedEnergyTransferService
    pair = f"ServiceID {chosen.ServiceID} with ParameterSetID {chosen.ParameterSetID}"
    if not is_energy_service(chosen.ServiceID):
        return Refusal(ResponseCode.FAILED_NoEnergyTransferServiceSelected, f"{pair} is no energy service")
    choice = choice_of(at.settings, chosen.ServiceID, chosen.ParameterSetID)
    if choice is None:
        return Refusal(ResponseCode.FAILED_ServiceSelectionInvalid, f"{pair} was not offered")
    added = () if request.SelectedVASList is None else request.SelectedVASList.SelectedService
    for service in added:
        if not _offered_beside(service, at):
            why = f"value-added service {service.ServiceID} with set {service.ParameterSetID} was not offered"
            return Refusal(ResponseCode.FAILED_ServiceSelectionInvalid, why)
    after = replace(
        session,
        state=State.CHARGE_PARAMETER_DISCOVERY,
        choice=choice,
        added_services=tuple((s.ServiceID, s.ParameterSetID) for s in added),
    )
    return Answer(ServiceSelectionRes(Header=session.header(at.now), ResponseCode=ResponseCode.OK), after)


def refuse(_: ServiceSelectionReq, code: ResponseCode, session: Session, at: Situation) -> ServiceSelectionRes:
    """The response with this code."""
    return ServiceSelectionRes(**head(code, session, at))


def learned(_: ServiceSelectionReq, __: Session, after: Session, at: Situation) -> tuple[CarEvent, ...]:
    """Energy service and control mode are agreed."""
    assert after.choice is not None
    return (ServiceSelected(EvseId(at.settings.evse_id), after.choice.service, after.choice.control_mode),)


def _offered_beside(service: SelectedService, at: Situation) -> bool:
    """A value-added service with a parameter set of its own."""
    if service.ServiceID not in added_services(at.settings):
        return False
    return any(s.ParameterSetID == service.ParameterSetID for s in parameter_sets(at.settings, service.ServiceID))
