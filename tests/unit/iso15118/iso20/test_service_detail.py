"""ServiceDetail: complete parameter sets of each service, and no sets of any other."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.iso20 import service_detail
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import Parameter, ServiceDetailReq
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.model.car import ControlMode, EnergyService
from tests.unit.iso15118.iso20.dc_situation import HEADER, SESSION_ID, answered, refused, situation

SESSION = Session(state=State.SERVICE_DETAIL, session_id=SESSION_ID)
ALL = tuple(EnergyService)


def value(parameter: Parameter) -> Any:
    return parameter.finiteString if parameter.intValue is None else parameter.intValue


def sets(service_id: int, **settings: Any) -> dict[int, dict[str, Any]]:
    chosen = {"services": ALL, **settings}
    response, after = answered(
        service_detail.respond(ServiceDetailReq(Header=HEADER, ServiceID=service_id), SESSION, situation(chosen))
    )
    assert response.ServiceID == service_id
    assert after.state is State.SERVICE_SELECTION
    return {
        s.ParameterSetID: {p.Name: value(p) for p in s.Parameter} for s in response.ServiceParameterList.ParameterSet
    }


BASE = {"Connector", "ControlMode", "MobilityNeedsMode", "Pricing"}
BPT = {"BPTChannel", "GeneratorMode"}


@pytest.mark.parametrize(
    ("service_id", "names"),
    [
        (1, BASE | {"EVSENominalVoltage"}),
        (2, BASE),
        (5, BASE | BPT | {"EVSENominalVoltage", "GridCodeIslandingDetectionMethod"}),
        (6, BASE | BPT),
        (8, BASE),
        (9, BASE | BPT),
    ],
)
def test_each_set_of_a_service_has_the_parameters_of_the_standard(service_id: int, names: set[str]) -> None:
    found = sets(service_id)
    assert all(set(parameters) == names for parameters in found.values())


@pytest.mark.parametrize("service_id", [1, 2, 5, 6, 8, 9])
@pytest.mark.parametrize(
    "modes", [(ControlMode.DYNAMIC, ControlMode.SCHEDULED), (ControlMode.SCHEDULED, ControlMode.DYNAMIC)]
)
def test_both_control_modes_and_both_mobility_modes_are_offered(
    service_id: int, modes: tuple[ControlMode, ...]
) -> None:
    found = sets(service_id, control_modes=modes)
    pairs = {(s["ControlMode"], s["MobilityNeedsMode"]) for s in found.values()}
    assert pairs == {(1, 1), (2, 1), (2, 2)}  # the station says needs only in Dynamic (V2G20-2663)
    assert found[1]["ControlMode"] == (2 if modes[0] is ControlMode.DYNAMIC else 1)


@pytest.mark.parametrize(("service_id", "connectors"), [(1, {2, 1}), (2, {2}), (8, {1})])
def test_connectors_have_the_numbers_of_their_service(service_id: int, connectors: set[int]) -> None:
    assert {s["Connector"] for s in sets(service_id).values()} == connectors


def test_a_single_phase_outlet_offers_no_three_phases() -> None:
    assert {s["Connector"] for s in sets(1, phases=1, nominal_voltage_V=240.0).values()} == {1}
    assert {s["EVSENominalVoltage"] for s in sets(1, phases=1, nominal_voltage_V=240.0).values()} == {240}


def test_internet_and_parking_status_have_their_sets() -> None:
    internet = sets(65, internet=True)
    assert {(s["Protocol"], s["Port"]) for s in internet.values()} == {
        ("ftp", 20),
        ("ftp", 21),
        ("http", 80),
        ("https", 443),
    }
    parking = sets(66, parking_status=True)
    assert {s["IntendedService"] for s in parking.values()} == {1, 2}


@pytest.mark.parametrize("service_id", [0, 3, 4, 7, 10, 11, 64, 65, 66, 67, 65_535])
def test_a_service_that_was_not_offered_is_refused_with_its_number(service_id: int) -> None:
    request = ServiceDetailReq(Header=HEADER, ServiceID=service_id)
    found = refused(service_detail.respond(request, SESSION, situation({"services": ALL})))
    assert found.code is ResponseCode.FAILED_ServiceIDInvalid
    assert str(service_id) in found.why
    response = service_detail.refuse(request, found.code, SESSION, situation({"services": ALL}))
    assert response.ServiceID == service_id
