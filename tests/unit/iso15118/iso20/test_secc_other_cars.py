"""Cars of other tempers: that send everything or nothing optional, that ask for what is not offered, that do not wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.iso15118.conversation.conversation import FRAMES_AT_ONCE_MAX
from chargepoint.iso15118.exi.codec import encode
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.common_types import DisplayParameters, ListOfRootCertificateIDs, ResponseCode
from chargepoint.iso15118.messages.xmldsig import X509IssuerSerial
from chargepoint.iso15118.rational import rational
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import CarSessionEnded, ControlMode, SessionEnd
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage

if TYPE_CHECKING:
    from tests.unit.iso15118.iso20.conftest import ScriptedCar


NewCar = Callable[..., "ScriptedCar"]
DYNAMIC, SCHEDULED = ControlMode.DYNAMIC, ControlMode.SCHEDULED
ALL_WAYS = pytest.mark.parametrize(
    ("mode", "bidirectional"), [(DYNAMIC, True), (SCHEDULED, True), (DYNAMIC, False), (SCHEDULED, False)]
)
STATES = [state for state in State if state is not State.ENDED]


@ALL_WAYS
def test_a_car_that_says_nothing_optional_is_charged(new_car: NewCar, mode: ControlMode, bidirectional: bool) -> None:
    car = new_car(mode, bidirectional).reach(State.CHARGE_PARAMETER_DISCOVERY)
    answers = [car.ask(car.charge_parameters(TargetSOC=None))]
    nothing: dict[str, Any] = {"DepartureTime": None, "EVTargetEnergyRequest": None}
    if mode is DYNAMIC:  # departure and the three energy requests are mandatory there
        nothing = {"MinimumSOC": None, "TargetSOC": None}
        nothing |= {"EVMaximumV2XEnergyRequest": None, "EVMinimumV2XEnergyRequest": None}
    answers.append(car.ask(car.schedule_exchange(**nothing)))
    answers += car.step(State.CABLE_CHECK) + car.step(State.PRE_CHARGE)
    answers += car.send(car.power_delivery(profile_W=None)) + car.see(stage=Stage.TRANSFER)
    v2x: dict[str, Any] = {"EVMaximumV2XEnergyRequest": None, "EVMinimumV2XEnergyRequest": None}
    for _ in range(3):
        answers.append(car.ask(car.charge_loop(soc=None, **(v2x if mode is DYNAMIC and bidirectional else {}))))
    answers += car.send(car.power_delivery(cm.ChargeProgress.Stop)) + car.see(stage=Stage.OFF)
    answers.append(car.ask(car.request(cm.SessionStopReq)))  # and no welding detection
    assert [a.ResponseCode for a in answers] == [ResponseCode.OK] * len(answers)
    energy = car.demands()[-1].energy
    assert (energy.soc_percent, energy.minimum_soc_percent, energy.target_soc_percent) == (None, None, None)
    assert car.events[-1].end is SessionEnd.TERMINATED


@ALL_WAYS
def test_a_car_that_says_everything_is_charged(new_car: NewCar, mode: ControlMode, bidirectional: bool) -> None:
    car = new_car(mode, bidirectional).reach(State.CHARGE_LOOP)
    extra: dict[str, Any] = {}
    if mode is SCHEDULED:
        names = ["EVTargetEnergyRequest", "EVMaximumEnergyRequest", "EVMinimumEnergyRequest", "EVMaximumChargePower"]
        names += ["EVMinimumChargePower", "EVMaximumChargeCurrent"]
        names += ["EVMaximumDischargePower", "EVMinimumDischargePower", "EVMaximumDischargeCurrent"] * bidirectional
        extra = {name: rational(0) for name in names}
        extra |= {"EVMaximumVoltage": rational(440), "EVMinimumVoltage": rational(300)}
    request = dc.DC_ChargeLoopReq(
        Header=car.header(),
        DisplayParameters=DisplayParameters(
            PresentSOC=100,
            MinimumSOC=0,
            TargetSOC=100,
            MaximumSOC=100,
            RemainingTimeToMinimumSOC=0,
            RemainingTimeToTargetSOC=(1 << 32) - 1,
            RemainingTimeToMaximumSOC=1,
            ChargingComplete=True,
            BatteryEnergyCapacity=rational(77_000),
            InletHot=False,
        ),
        MeterInfoRequested=True,
        EVPresentVoltage=rational(400),
        CLReqControlMode=car.control_mode(mode, bidirectional, **extra),
    )
    answer = car.ask(request)
    assert answer.ResponseCode is ResponseCode.OK
    exported_Wh = 700 if bidirectional else None
    assert (answer.MeterInfo.ChargedEnergyReadingWh, answer.MeterInfo.BPT_DischargedEnergyReadingWh) == (
        5000,
        exported_Wh,
    )
    assert car.demands()[-1].energy.soc_percent == 100
    if mode is SCHEDULED:
        assert car.demands()[-1].limits.charge_power_max_W == 0


@ALL_WAYS
@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("EVMinimumChargePower", "EVMaximumChargePower"),
        ("EVMinimumChargeCurrent", "EVMaximumChargeCurrent"),
        ("EVMinimumVoltage", "EVMaximumVoltage"),
    ],
)
@pytest.mark.parametrize(("least", "most"), [(401, 400), (-1, 400), (-401, -400)])
def test_limits_that_contradict_themselves_are_refused(
    new_car: NewCar, mode: ControlMode, bidirectional: bool, low: str, high: str, least: float, most: float
) -> None:
    car = new_car(mode, bidirectional).reach(State.CHARGE_PARAMETER_DISCOVERY)
    answer = car.ask(car.charge_parameters(**{low: rational(least), high: rational(most)}))
    assert answer.ResponseCode is ResponseCode.FAILED_WrongChargeParameter
    assert car.demands() == []
    assert car.secc.ended


@pytest.mark.parametrize("mode", [DYNAMIC, SCHEDULED])
@pytest.mark.parametrize("what", ["Power", "Current"])
@pytest.mark.parametrize(("least", "most", "taken"), [(401, 400, False), (-401, 400, False), (-400, 400, True)])
def test_discharge_limits_are_held_against_each_other_whatever_their_sign(
    new_car: NewCar, mode: ControlMode, what: str, least: float, most: float, taken: bool
) -> None:
    car = new_car(mode).reach(State.CHARGE_PARAMETER_DISCOVERY)
    limits = {f"EVMinimumDischarge{what}": rational(least), f"EVMaximumDischarge{what}": rational(most)}
    answer = car.ask(car.charge_parameters(**limits))
    assert answer.ResponseCode is (ResponseCode.OK if taken else ResponseCode.FAILED_WrongChargeParameter)
    assert car.secc.ended is not taken


def test_a_negative_charge_limit_in_the_loop_lets_nothing_flow(new_car: NewCar) -> None:
    car = new_car(DYNAMIC).reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop(EVMaximumChargePower=rational(-7000), EVMaximumChargeCurrent=rational(-20)))
    limits = car.demands()[-1].limits
    assert (limits.charge_power_max_W, limits.charge_current_max_A) == (0, 0)
    assert limits.discharge_power_max_W == 18_000


# -- what is not offered ----------------------------------------------------------------------------------------------


def installation(car: ScriptedCar) -> cm.CertificateInstallationReq:
    issuer = ListOfRootCertificateIDs(
        RootCertificateID=(X509IssuerSerial(X509IssuerName="CN=V2GRootCA", X509SerialNumber=12345),)
    )
    chain = cm.SignedCertificateChain(Id="oem", Certificate=bytes(700))
    return cm.CertificateInstallationReq(
        Header=car.header(),
        OEMProvisioningCertificateChain=chain,
        ListOfRootCertificateIDs=issuer,
        MaximumContractCertificateChains=3,
    )


def unexpected(car: ScriptedCar, kind: type) -> Any:
    match kind:
        case cm.VehicleCheckInReq:
            return cm.VehicleCheckInReq(
                Header=car.header(),
                EVCheckInStatus=cm.EvCheckInStatus.CheckIn,
                ParkingMethod=cm.ParkingMethod.Manual,
            )
        case cm.VehicleCheckOutReq:
            return cm.VehicleCheckOutReq(
                Header=car.header(), EVCheckOutStatus=cm.EvCheckOutStatus.CheckOut, CheckOutTime=(1 << 64) - 1
            )
        case _:
            return installation(car)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", [cm.VehicleCheckInReq, cm.VehicleCheckOutReq, cm.CertificateInstallationReq])
def test_what_is_never_offered_is_a_sequence_error_in_its_own_response(
    new_car: NewCar, state: State, kind: type
) -> None:
    car = new_car().reach(state)
    answer = car.ask(unexpected(car, kind))
    assert type(answer).__name__ == kind.__name__.removesuffix("Req") + "Res"
    assert answer.ResponseCode is ResponseCode.FAILED_SequenceError
    assert car.events[-1].end is SessionEnd.PROTOCOL_ERROR


def test_a_certificate_wanted_under_the_type_of_the_handshake_is_refused_too(new_car: NewCar) -> None:
    # so sends the EVCC of PyPI iso15118 0.31.2 when its configuration says isCertInstallNeeded
    car = new_car().reach(State.AUTHORIZATION)
    (answer,) = car.send(installation(car), kind=PayloadType.EXI_SAP)
    assert answer.ResponseCode is ResponseCode.FAILED_SequenceError


# -- how they come and go ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("torn", [0, 7, 8, 9])
def test_a_car_may_go_at_every_point_even_within_a_frame(new_car: NewCar, state: State, torn: int) -> None:
    car = new_car().reach(state)
    data = frame(PayloadType.MAINSTREAM, encode(car.request(cm.SessionStopReq)))
    assert car.send_bytes(data[:torn]) == []
    car.secc.peer_gone("the car closed the connection")
    car.answers()
    ends = [e for e in car.events if isinstance(e, CarSessionEnded)]
    assert [e.end for e in ends] == [SessionEnd.CONNECTION_LOST]
    assert car.send_bytes(data[torn:]) == []
    assert car.wait(100.0) == []


def test_a_car_that_goes_while_an_answer_is_held_gets_none(new_car: NewCar) -> None:
    car = new_car().reach(State.POWER_DELIVERY)
    assert car.send(car.power_delivery()) == []
    car.secc.peer_gone("reset")
    assert car.see(stage=Stage.TRANSFER) == []
    assert car.demands()[-1].phase is Phase.TRANSFER
    assert car.events[-1].end is SessionEnd.CONNECTION_LOST


def test_two_requests_in_one_segment_are_both_answered(new_car: NewCar) -> None:
    car = new_car().reach(State.SERVICE_DISCOVERY)
    pair = [car.request(cm.ServiceDiscoveryReq), car.request(cm.ServiceDetailReq)]
    answers = car.send_bytes(b"".join(frame(PayloadType.MAINSTREAM, encode(r)) for r in pair))
    assert [type(a) for a in answers] == [cm.ServiceDiscoveryRes, cm.ServiceDetailRes]
    assert {a.ResponseCode for a in answers} == {ResponseCode.OK}


def test_a_car_that_does_not_wait_for_answers_is_ended(new_car: NewCar) -> None:
    car = new_car().reach(State.AUTHORIZATION)
    again = frame(PayloadType.MAINSTREAM, encode(car.request(cm.AuthorizationSetupReq)))
    assert len(car.send_bytes(again * FRAMES_AT_ONCE_MAX)) == FRAMES_AT_ONCE_MAX
    assert not car.secc.ended
    assert len(car.send_bytes(again * 1000)) == FRAMES_AT_ONCE_MAX
    assert car.events[-1].end is SessionEnd.PROTOCOL_ERROR
    assert str(FRAMES_AT_ONCE_MAX) in car.events[-1].detail


@pytest.mark.parametrize("state", [s for s in STATES if s not in (State.AUTHORIZATION, State.CHARGE_LOOP)])
def test_a_repeated_session_setup_is_no_new_session(new_car: NewCar, state: State) -> None:
    car = new_car().reach(state)
    if state is State.SESSION_SETUP:
        car.step(state)
    own = car.session_id
    answer = car.ask(car.request(cm.SessionSetupReq))
    assert (answer.ResponseCode, answer.Header.SessionID) == (ResponseCode.FAILED_SequenceError, own)
    assert car.secc.ended
