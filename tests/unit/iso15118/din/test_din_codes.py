"""Each failure code of DIN 70121 (docs/sources/iso15118-2-din.md 1.3) by the message of a car that earns it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages import din70121 as din
from chargepoint.iso15118.messages.din70121 import ResponseCode
from chargepoint.model.car import SessionEnd
from chargepoint.model.image import Stage
from tests.unit.iso15118.din.conftest import physical

if TYPE_CHECKING:
    from tests.unit.iso15118.din.conftest import DinCar

NewCar = Callable[..., "DinCar"]


def ended(car: DinCar, answer: Any, code: ResponseCode, end: SessionEnd, said: str) -> None:
    """The answer has this code, and the session is over with a reason."""
    assert answer.ResponseCode is code
    assert car.secc.ended
    assert car.events[-1].end is end
    assert said in car.events[-1].detail


def test_a_contract_is_no_payment(new_car: NewCar) -> None:
    car = new_car().reach(DinState.SERVICE_PAYMENT_SELECTION)
    answer = car.ask(car.selection(din.PaymentOption.Contract))
    ended(car, answer, ResponseCode.FAILED_PaymentSelectionInvalid, SessionEnd.PROTOCOL_ERROR, "Contract")


@pytest.mark.parametrize("services", [(2,), (1, 1), (1, 2), (0,)])
def test_exactly_the_one_service(new_car: NewCar, services: tuple[int, ...]) -> None:
    car = new_car().reach(DinState.SERVICE_PAYMENT_SELECTION)
    answer = car.ask(car.selection(services=services))
    ended(car, answer, ResponseCode.FAILED_ServiceSelectionInvalid, SessionEnd.PROTOCOL_ERROR, str(list(services)))


def test_a_refused_driver(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CONTRACT_AUTHENTICATION)
    car.see(authorized=False)
    answer = car.ask(din.ContractAuthenticationReq())
    ended(car, answer, ResponseCode.FAILED, SessionEnd.STOPPED_BY_STATION, "refused")


def test_a_driver_who_never_comes(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CONTRACT_AUTHENTICATION)
    car.see(authorized=None)
    car.ask(din.ContractAuthenticationReq())
    car.t += 300.0
    answer = car.ask(din.ContractAuthenticationReq())
    ended(car, answer, ResponseCode.FAILED, SessionEnd.STOPPED_BY_STATION, "300 s")


@pytest.mark.parametrize("kind", ["AC_single_phase_core", "AC_three_phase_core", "DC_unique"])
def test_another_kind_of_energy(new_car: NewCar, kind: str) -> None:
    car = new_car().reach(DinState.CHARGE_PARAMETER_DISCOVERY)
    answer = car.ask(car.charge_parameters(din.EVRequestedEnergyTransfer(kind)))
    ended(car, answer, ResponseCode.FAILED_WrongEnergyTransferType, SessionEnd.PROTOCOL_ERROR, kind)


def ac_parameters() -> din.AC_EVChargeParameter:
    zero = physical(0)
    return din.AC_EVChargeParameter(
        DepartureTime=0, EAmount=zero, EVMaxVoltage=zero, EVMaxCurrent=zero, EVMinCurrent=zero
    )


def test_parameters_of_alternating_current(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CHARGE_PARAMETER_DISCOVERY)
    answer = car.ask(replace(car.charge_parameters(), EVChargeParameter=ac_parameters()))
    ended(car, answer, ResponseCode.FAILED_WrongChargeParameter, SessionEnd.PROTOCOL_ERROR, "AC_EVChargeParameter")


@pytest.mark.parametrize(
    "changes",
    [
        {"EVMaximumCurrentLimit": physical(-1)},
        {"EVMaximumPowerLimit": physical(-1)},
        {"EVMaximumVoltageLimit": physical(150)},
        {"EVMaximumVoltageLimit": physical(-400)},
    ],
)
def test_parameters_that_make_no_sense(new_car: NewCar, changes: dict[str, Any]) -> None:
    car = new_car().reach(DinState.CHARGE_PARAMETER_DISCOVERY)
    answer = car.ask(car.charge_parameters(**changes))
    ended(car, answer, ResponseCode.FAILED_WrongChargeParameter, SessionEnd.PROTOCOL_ERROR, "its ")


def test_a_station_without_a_power_module(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CHARGE_PARAMETER_DISCOVERY)
    car.see(capabilities=None)
    answer = car.ask(car.charge_parameters())
    ended(car, answer, ResponseCode.FAILED, SessionEnd.STOPPED_BY_STATION, "power module")
    assert answer.EVSEChargeParameter.DC_EVSEStatus.EVSEStatusCode is din.DC_EVSEStatusCode.EVSE_Malfunction


def test_a_station_that_makes_no_schedule(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CHARGE_PARAMETER_DISCOVERY)
    car.answers_questions = False
    car.ask(car.charge_parameters())
    car.t += 56.0
    answer = car.ask(car.charge_parameters())
    ended(car, answer, ResponseCode.FAILED, SessionEnd.STOPPED_BY_STATION, "no schedule")


def test_an_isolation_fault(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CABLE_CHECK)
    car.ask(car.request(din.CableCheckReq))
    car.see(cable_check_failed=True)
    answer = car.ask(car.request(din.CableCheckReq))
    ended(car, answer, ResponseCode.FAILED, SessionEnd.STOPPED_BY_STATION, "cable check")
    assert answer.DC_EVSEStatus.EVSEIsolationStatus is din.IsolationLevel.Fault


def test_a_voltage_that_is_not_known(new_car: NewCar) -> None:
    car = new_car().reach(DinState.PRE_CHARGE)
    car.see(voltage_V=None)
    answer = car.ask(car.pre_charge())
    ended(car, answer, ResponseCode.FAILED, SessionEnd.STOPPED_BY_STATION, "voltage")


def test_a_welding_detection_without_a_voltage(new_car: NewCar) -> None:
    car = new_car().reach(DinState.WELDING_DETECTION)
    car.see(voltage_V=None)
    answer = car.ask(car.request(din.WeldingDetectionReq))
    ended(car, answer, ResponseCode.FAILED, SessionEnd.STOPPED_BY_STATION, "voltage")


def test_another_schedule_than_the_offered_one(new_car: NewCar) -> None:
    car = new_car().reach(DinState.PRE_CHARGE)
    car.ask(car.pre_charge())
    answer = car.ask(car.power_delivery(start=True, profile=((0, 10_000),), tuple_id=2))
    ended(car, answer, ResponseCode.FAILED_TariffSelectionInvalid, SessionEnd.PROTOCOL_ERROR, "tuple 2")


def test_power_that_is_not_permitted(new_car: NewCar) -> None:
    car = new_car().reach(DinState.PRE_CHARGE)
    car.ask(car.pre_charge())
    car.see(permitted=False)
    answer = car.ask(car.power_delivery(start=True))
    ended(car, answer, ResponseCode.FAILED_PowerDeliveryNotApplied, SessionEnd.STOPPED_BY_STATION, "not permitted")


def late_start(car: DinCar, voltage_V: float) -> Any:
    """The car starts, and the contactor does not close; how long that took is held against the car's own 2 s."""
    car.ask(car.pre_charge(400))
    car.see(voltage_V=voltage_V)
    began_s = car.t
    answer = car.ask(car.power_delivery(start=True))
    assert car.t - began_s < 1.5
    return answer


def test_a_contactor_that_does_not_close(new_car: NewCar) -> None:
    car = new_car().reach(DinState.PRE_CHARGE)
    answer = late_start(car, 399.0)
    ended(car, answer, ResponseCode.FAILED_PowerDeliveryNotApplied, SessionEnd.STOPPED_BY_STATION, "1.4 s")


def test_a_voltage_that_does_not_come_up(new_car: NewCar) -> None:
    car = new_car().reach(DinState.PRE_CHARGE)
    answer = late_start(car, 300.0)
    ended(car, answer, ResponseCode.FAILED_EVSEPresentVoltageToLow, SessionEnd.STOPPED_BY_STATION, "1.4 s")


def test_a_second_start(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    car.ask(car.current_demand())
    answer = car.ask(car.power_delivery(start=True))
    ended(car, answer, ResponseCode.FAILED, SessionEnd.PROTOCOL_ERROR, "again")


@pytest.mark.parametrize(
    ("request_of", "code"),
    [
        (lambda car: car.power_delivery(start=False), ResponseCode.FAILED_PowerDeliveryNotApplied),
        (lambda _: din.SessionStopReq(), ResponseCode.FAILED),
    ],
    ids=["PowerDelivery", "SessionStop"],
)
def test_a_current_that_does_not_end(new_car: NewCar, request_of: Callable[[DinCar], Any], code: ResponseCode) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    car.ask(car.current_demand())
    car.see(current_A=20.0)
    answer = car.ask(request_of(car))
    ended(car, answer, code, SessionEnd.STOPPED_BY_STATION, "20 A")


def test_a_stage_that_is_silent(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    car.see(current_A=None)
    answer = car.ask(car.current_demand())
    ended(car, answer, ResponseCode.FAILED, SessionEnd.STOPPED_BY_STATION, "does not answer")


def test_a_car_without_an_end_to_its_pre_charge(new_car: NewCar) -> None:
    car = new_car().reach(DinState.PRE_CHARGE)
    for _ in range(210):
        car.t += 0.1
        answer = car.ask(car.pre_charge())
        if car.secc.ended:
            break
    ended(car, answer, ResponseCode.FAILED, SessionEnd.PROTOCOL_ERROR, "20 s")
    assert car.see(stage=Stage.OFF) == []
