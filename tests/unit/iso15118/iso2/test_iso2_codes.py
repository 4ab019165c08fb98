"""Every response code of a session by external means, each with its cause; and whether the session goes on after it.

`Iso2Car` decodes each response, so a missing mandatory field fails here. Contracts: `test_iso2_contracts.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chargepoint.iso15118.conversation.conversation import CORRECTIONS_MAX
from chargepoint.iso15118.iso2.physical import amperes, volts, watts
from chargepoint.iso15118.iso2.protocol import CORRECTABLE
from chargepoint.iso15118.iso2.state import Iso2State as S
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import (
    ChargeProgress,
    ChargingSession,
    DC_EVErrorCode,
    DC_EVSEStatusCode,
    EnergyTransferMode,
    IsolationLevel,
    PaymentOption,
)
from chargepoint.iso15118.messages.iso15118_2 import ResponseCode as C
from chargepoint.model.car import CarRemark, CarSessionEnded, SessionEnd
from chargepoint.model.image import Stage
from tests.unit.iso15118.iso2.car import Iso2Car

Cause = Callable[[Iso2Car], Any]


def ac_parameters(car: Iso2Car) -> Any:
    parameters = Iso2Car(ac=True).charge_parameters().EVChargeParameter
    return car.ask(
        iso2.ChargeParameterDiscoveryReq(
            RequestedEnergyTransferMode=EnergyTransferMode.DC_extended, EVChargeParameter=parameters
        )
    )


def dc_parameters(car: Iso2Car) -> Any:
    parameters = Iso2Car().charge_parameters().EVChargeParameter
    return car.ask(
        iso2.ChargeParameterDiscoveryReq(
            RequestedEnergyTransferMode=EnergyTransferMode.AC_three_phase_core, EVChargeParameter=parameters
        )
    )


def with_view(ask: Cause, **changes: Any) -> Cause:
    def cause(car: Iso2Car) -> Any:
        car.see(**changes)
        return ask(car)

    return cause


def contactor_stays_closed(car: Iso2Car) -> Any:
    return car.ask(car.power_delivery(ChargeProgress.Stop))


DC: list[tuple[str, S, C, Cause]] = [
    ("foreign session", S.CHARGE_LOOP, C.FAILED_UnknownSession, lambda c: c.ask(c.current_demand(), b"\x09")),
    ("zero session", S.AUTHORIZATION, C.FAILED_UnknownSession, lambda c: c.ask(iso2.AuthorizationReq(), bytes(8))),
    ("no session", S.AUTHORIZATION, C.FAILED_UnknownSession, lambda c: c.ask(iso2.AuthorizationReq(), b"")),
    ("out of order", S.CABLE_CHECK, C.FAILED_SequenceError, lambda c: c.ask(c.pre_charge())),
    (
        "unknown service",
        S.PAYMENT_SERVICE_SELECTION,
        C.FAILED_ServiceIDInvalid,
        lambda c: c.ask(iso2.ServiceDetailReq(ServiceID=2)),
    ),
    (
        "contract",
        S.PAYMENT_SERVICE_SELECTION,
        C.FAILED_PaymentSelectionInvalid,
        lambda c: c.ask(c.payment_selection(payment=PaymentOption.Contract)),
    ),
    (
        "service beside charging",
        S.PAYMENT_SERVICE_SELECTION,
        C.FAILED_ServiceSelectionInvalid,
        lambda c: c.ask(c.payment_selection(1, 3)),
    ),
    (
        "no charge service",
        S.PAYMENT_SERVICE_SELECTION,
        C.FAILED_NoChargeServiceSelected,
        lambda c: c.ask(c.payment_selection(3)),
    ),
    (
        "AC mode",
        S.CHARGE_PARAMETER_DISCOVERY,
        C.FAILED_WrongEnergyTransferMode,
        lambda c: c.ask(c.charge_parameters(EnergyTransferMode.AC_single_phase_core)),
    ),
    ("AC parameters", S.CHARGE_PARAMETER_DISCOVERY, C.FAILED_WrongChargeParameter, ac_parameters),
    (
        "negative current",
        S.CHARGE_PARAMETER_DISCOVERY,
        C.FAILED_WrongChargeParameter,
        lambda c: c.ask(c.charge_parameters(EVMaximumCurrentLimit=amperes(-1))),
    ),
    (
        "negative power",
        S.CHARGE_PARAMETER_DISCOVERY,
        C.FAILED_WrongChargeParameter,
        lambda c: c.ask(c.charge_parameters(EVMaximumPowerLimit=watts(-1))),
    ),
    (
        "voltage below ours",
        S.CHARGE_PARAMETER_DISCOVERY,
        C.FAILED_WrongChargeParameter,
        lambda c: c.ask(c.charge_parameters(EVMaximumVoltageLimit=volts(150))),
    ),
    (
        "no power module",
        S.CHARGE_PARAMETER_DISCOVERY,
        C.FAILED,
        with_view(lambda c: c.ask(c.charge_parameters()), capabilities=None),
    ),
    ("isolation fault", S.CABLE_CHECK, C.FAILED, with_view(lambda c: c.ask(c.cable_check()), cable_check_failed=True)),
    (
        "error of the car",
        S.CABLE_CHECK,
        C.FAILED,
        lambda c: c.ask(c.cable_check(error=DC_EVErrorCode.FAILED_EVRESSMalfunction)),
    ),
    ("no transaction", S.PRE_CHARGE, C.FAILED, with_view(lambda c: c.ask(c.pre_charge()), may_energise=False)),
    ("voltage unknown", S.PRE_CHARGE, C.FAILED, with_view(lambda c: c.ask(c.pre_charge()), voltage_V=None)),
    (
        "other tuple",
        S.POWER_DELIVERY,
        C.FAILED_TariffSelectionInvalid,
        lambda c: c.ask(c.power_delivery(tuple_id=2)),
    ),
    (
        "profile above the schedule",
        S.POWER_DELIVERY,
        C.FAILED_ChargingProfileInvalid,
        lambda c: c.ask(c.power_delivery(profile=((0, watts(30_000)),))),
    ),
    (
        "no permission",
        S.POWER_DELIVERY,
        C.FAILED_PowerDeliveryNotApplied,
        with_view(lambda c: c.ask(c.power_delivery()), permitted=False),
    ),
    ("contactor does not close", S.POWER_DELIVERY, C.FAILED_ContactorError, lambda c: c.ask(c.power_delivery())),
    (
        "renegotiation before the start",
        S.POWER_DELIVERY,
        C.FAILED,
        lambda c: c.ask(c.power_delivery(ChargeProgress.Renegotiate)),
    ),
    ("start inside the loop", S.CHARGE_LOOP, C.FAILED, lambda c: c.ask(c.power_delivery())),
    (
        "current does not end",
        S.CHARGE_LOOP,
        C.FAILED_PowerDeliveryNotApplied,
        with_view(contactor_stays_closed, current_A=30.0),
    ),
    ("emergency", S.CHARGE_LOOP, C.FAILED, with_view(lambda c: c.loop(), emergency=True)),
    ("stage silent", S.CHARGE_LOOP, C.FAILED, with_view(lambda c: c.loop(), current_A=None)),
    (
        "voltage not known",
        S.WELDING_DETECTION,
        C.FAILED,
        with_view(lambda c: c.ask(c.request(S.WELDING_DETECTION)), voltage_V=None),
    ),
    ("pause without a stop", S.CHARGE_LOOP, C.FAILED, lambda c: c.ask(c.session_stop(ChargingSession.Pause))),
]
AC: list[tuple[str, S, C, Cause]] = [
    (
        "DC mode",
        S.CHARGE_PARAMETER_DISCOVERY,
        C.FAILED_WrongEnergyTransferMode,
        lambda c: c.ask(c.charge_parameters(EnergyTransferMode.DC_extended)),
    ),
    ("DC parameters", S.CHARGE_PARAMETER_DISCOVERY, C.FAILED_WrongChargeParameter, dc_parameters),
    (
        "negative current",
        S.CHARGE_PARAMETER_DISCOVERY,
        C.FAILED_WrongChargeParameter,
        lambda c: c.ask(c.charge_parameters(EVMinCurrent=amperes(-6))),
    ),
    (
        "least above greatest",
        S.CHARGE_PARAMETER_DISCOVERY,
        C.FAILED_WrongChargeParameter,
        lambda c: c.ask(c.charge_parameters(EVMinCurrent=amperes(20))),
    ),
    ("contactor does not close", S.POWER_DELIVERY, C.FAILED_ContactorError, lambda c: c.ask(c.power_delivery())),
    ("contactor does not open", S.CHARGE_LOOP, C.FAILED_ContactorError, contactor_stays_closed),
    (
        "no permission",
        S.POWER_DELIVERY,
        C.FAILED_PowerDeliveryNotApplied,
        with_view(lambda c: c.ask(c.power_delivery()), permitted=False),
    ),
    ("DC message", S.CHARGE_LOOP, C.FAILED_SequenceError, lambda c: c.ask(c.current_demand())),
]


@pytest.mark.parametrize(
    ("ac", "state", "code", "cause"),
    [(ac, *case[1:]) for ac, cases in ((False, DC), (True, AC)) for case in cases],
    ids=[f"{'ac' if ac else 'dc'}: {case[0]}" for ac, cases in ((False, DC), (True, AC)) for case in cases],
)
def test_a_code_and_whether_the_session_goes_on(ac: bool, state: S, code: C, cause: Cause) -> None:
    car = Iso2Car(ac=ac).reach(state)
    assert cause(car).ResponseCode is code
    if code in CORRECTABLE:
        assert not car.secc.ended
        assert car.state is state
        assert code.value in car.learned(CarRemark)[-1].text
    else:
        assert car.secc.ended
        assert code.value in car.learned(CarSessionEnded)[-1].detail


def test_after_a_correctable_code_the_car_may_do_better() -> None:
    car = Iso2Car().reach(S.PAYMENT_SERVICE_SELECTION)
    car.ask(car.payment_selection(3))
    assert car.ask(car.payment_selection()).ResponseCode is C.OK
    car.step(S.AUTHORIZATION)
    car.ask(car.charge_parameters(EnergyTransferMode.DC_unique))
    for state in (S.CHARGE_PARAMETER_DISCOVERY, S.CABLE_CHECK, S.PRE_CHARGE):
        car.step(state)
    car.ask(car.power_delivery(tuple_id=9))
    car.step(S.POWER_DELIVERY)
    assert car.loop().ResponseCode is C.OK


def test_a_car_that_never_does_better_is_sent_away() -> None:
    car = Iso2Car().reach(S.PAYMENT_SERVICE_SELECTION)
    for _ in range(CORRECTIONS_MAX):
        car.ask(car.payment_selection(3))
        assert not car.secc.ended
    car.ask(car.payment_selection(3))
    assert car.secc.ended
    assert len(car.learned(CarRemark)) == CORRECTIONS_MAX
    assert f"more than {CORRECTIONS_MAX} requests" in car.learned(CarSessionEnded)[-1].detail


def test_the_stage_that_makes_no_schedule_in_time_fails() -> None:
    car = Iso2Car()
    car.answers_questions = False
    car.reach(S.CHARGE_PARAMETER_DISCOVERY)
    answer, asked = car.ask(car.charge_parameters()), 1
    while answer.ResponseCode is C.OK:
        assert answer.EVSEProcessing is iso2.EVSEProcessing.Ongoing
        assert answer.SASchedules is None
        car.wait(1.0)
        answer, asked = car.ask(car.charge_parameters()), asked + 1
    assert answer.ResponseCode is C.FAILED
    assert 40 < asked < 60
    assert car.learned(CarSessionEnded)[-1].end is SessionEnd.STOPPED_BY_STATION


def test_a_cable_check_that_takes_too_long_fails_before_the_car_leaves() -> None:
    car = Iso2Car().reach(S.CABLE_CHECK)
    began_s, answer = car.t, car.ask(car.cable_check())
    while answer.ResponseCode is C.OK:
        car.wait(0.5)
        answer = car.ask(car.cable_check())
    assert answer.ResponseCode is C.FAILED
    assert 38 <= car.t - began_s < 40


def test_an_isolation_fault_is_in_the_status() -> None:
    car = Iso2Car().reach(S.CABLE_CHECK)
    car.see(cable_check_failed=True)
    status = car.ask(car.cable_check()).DC_EVSEStatus
    assert status.EVSEIsolationStatus is IsolationLevel.Fault
    assert status.EVSEStatusCode is DC_EVSEStatusCode.EVSE_Shutdown


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"emergency": True}, DC_EVSEStatusCode.EVSE_EmergencyShutdown),
        ({"capabilities": None}, DC_EVSEStatusCode.EVSE_Malfunction),
    ],
)
def test_the_status_of_a_failed_loop_says_why(changes: dict[str, Any], code: DC_EVSEStatusCode) -> None:
    car = Iso2Car().reach(S.CHARGE_LOOP)
    car.see(**changes)
    assert car.loop().DC_EVSEStatus.EVSEStatusCode is code


def test_a_pre_charge_that_never_ends_is_refused() -> None:
    car = Iso2Car().reach(S.PRE_CHARGE)
    answer = car.ask(car.pre_charge())
    while answer.ResponseCode is C.OK:
        car.wait(1.0)
        answer = car.ask(car.pre_charge())
    assert answer.ResponseCode is C.FAILED
    assert "PreChargeReq" in car.learned(CarSessionEnded)[-1].detail
    assert car.learned(CarSessionEnded)[-1].end is SessionEnd.PROTOCOL_ERROR


def test_a_session_stop_whose_current_does_not_end_is_no_ok() -> None:
    car = Iso2Car().reach(S.CHARGE_LOOP)
    car.see(current_A=30.0, stage=Stage.TRANSFER)
    assert car.ask(car.session_stop()).ResponseCode is C.FAILED
