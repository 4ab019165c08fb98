"""ServiceSelection: one energy service with one parameter set, and value-added services."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.messages.common_messages import (
    SelectedService,
    SelectedServiceList,
    ServiceSelectionReq,
    ServiceSelectionRes,
)
from hil.simulators.evcc.memory import AC_SERVICES, CarMemory, SelectedSet
from hil.simulators.evcc.messages.service_discovery import preferred
from hil.simulators.evcc.messages.session_setup import charge_parameters
from hil.simulators.evcc.steps import Next

SCHEDULED, DYNAMIC = 1, 2
_CONTROL_MODE = {"scheduled": SCHEDULED, "dynamic": DYNAMIC}


def best_set(memory: CarMemory) -> SelectedSet:
    """The set with the most wishes fulfilled: control mode first, then mobility needs, then phases. Else the first set."""
    service = next((s for s in preferred(memory) if s in memory.sets), None)
    if service is None:
        return memory.selected
    wanted = _CONTROL_MODE[memory.spec.control_mode]

    def score(parameters: dict[str, Any]) -> tuple[bool, bool, bool]:
        phases = 1 if parameters.get("Connector") == 1 else 3
        return (
            parameters.get("ControlMode") == wanted,
            parameters.get("MobilityNeedsMode", 1) == memory.plan.mobility_needs_mode,
            service not in AC_SERVICES or phases == memory.spec.charger_phases,
        )

    sets = memory.sets[service]
    number = max(sets, key=lambda set_id: score(sets[set_id]))  # the first of equals
    return SelectedSet(service, number, sets[number])


def request(memory: CarMemory) -> ServiceSelectionReq:
    """What suits the car best."""
    memory.selected = best_set(memory)
    memory.selected_vas = tuple(
        SelectedService(ServiceID=service, ParameterSetID=min(memory.sets[service]))
        for service in memory.plan.vas
        if memory.sets.get(service)
    )
    return ServiceSelectionReq(
        Header=memory.header(),
        SelectedEnergyTransferService=SelectedService(
            ServiceID=memory.selected.service_id, ParameterSetID=memory.selected.parameter_set_id
        ),
        SelectedVASList=SelectedServiceList(SelectedService=memory.selected_vas) if memory.selected_vas else None,
    )


def answered(memory: CarMemory, _: ServiceSelectionRes) -> Next:
    """On to the charge parameters of that service."""
    memory.progress.service_id = memory.selected.service_id
    memory.progress.control_mode = "scheduled" if memory.selected.scheduled else "dynamic"
    return Next(charge_parameters(memory))
