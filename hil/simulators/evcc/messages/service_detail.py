"""ServiceDetail: the parameter sets of one service after the other."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.messages.common_messages import Parameter, ServiceDetailReq, ServiceDetailRes
from chargepoint.iso15118.messages.common_types import RationalNumber
from chargepoint.iso15118.rational import number
from hil.simulators.evcc.memory import DC, CarMemory
from hil.simulators.evcc.steps import Next, SessionStep


def request(memory: CarMemory) -> ServiceDetailReq:
    """Of the next service on the car's list."""
    service = memory.details_to_ask[0] if memory.details_to_ask else DC
    return ServiceDetailReq(Header=memory.header(), ServiceID=service)


def answered(memory: CarMemory, answer: ServiceDetailRes) -> Next:
    """Keep the sets; go on to the next service, or to the selection."""
    memory.sets[answer.ServiceID] = {
        item.ParameterSetID: {p.Name: value_of(p) for p in item.Parameter}
        for item in answer.ServiceParameterList.ParameterSet
    }
    memory.details_to_ask = memory.details_to_ask[1:]
    return Next(SessionStep.SERVICE_DETAIL if memory.details_to_ask else SessionStep.SERVICE_SELECTION)


def value_of(parameter: Parameter) -> Any:
    """The one value that is set; a RationalNumber as float."""
    p = parameter
    values = (p.boolValue, p.byteValue, p.shortValue, p.intValue, p.rationalNumber, p.finiteString)
    found = next((value for value in values if value is not None), None)
    return number(found) if isinstance(found, RationalNumber) else found
