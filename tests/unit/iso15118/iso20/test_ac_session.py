"""Whole AC sessions over the wire: order, contactor, schedules by phase, and a car recorded with another station."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from chargepoint.iso15118.exi.codec import NS_DC, decode
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import ac, dc
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.rational import rational
from chargepoint.iso15118.steps.power_start import CLOSING_MAX_S
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import CarDemandChanged, ControlMode, EnergyService, ServiceSelected, SessionEnd
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from tests.unit.iso15118.iso20.ac_car import AC_ORDER, ScriptedAcCar
from tests.unit.iso15118.iso20.ac_situation import powers
from tests.unit.iso15118.iso20.conftest import ScriptedCar
from tests.unit.iso15118.iso20.test_secc_recorded import SESSIONS

START, STOP = cm.ChargeProgress.Start, cm.ChargeProgress.Stop


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("mode", list(ControlMode))
def test_a_session_from_start_to_end(mode: ControlMode, bidirectional: bool) -> None:
    car = ScriptedAcCar(mode, bidirectional)
    car.agree()
    codes = [answer.ResponseCode for state in AC_ORDER for answer in car.step(state)]
    assert codes[0] is ResponseCode.OK_NewSessionEstablished
    assert {code.value for code in codes[1:]} == {"OK"}
    assert car.secc.session.state is State.ENDED
    assert car.events[-1].end is SessionEnd.TERMINATED
    selected = next(e for e in car.events if isinstance(e, ServiceSelected))
    assert selected.service is (EnergyService.AC_BPT if bidirectional else EnergyService.AC)
    phases = [d.phase for d in car.demands()]
    assert set(phases) == {Phase.OFF, Phase.TRANSFER}
    assert phases[-1] is Phase.OFF


@pytest.mark.parametrize("state", [s for s in AC_ORDER if s is not State.SESSION_SETUP])
def test_an_ac_outlet_does_not_answer_what_comes_under_the_payload_type_of_dc(state: State) -> None:
    car = ScriptedAcCar().reach(state)
    request = ScriptedCar.charge_parameters(car)
    assert isinstance(request, dc.DC_ChargeParameterDiscoveryReq)
    assert car.send(request) == []
    assert car.secc.session.state is state


@pytest.mark.parametrize("kind", [ac.AC_ChargeParameterDiscoveryReq, ac.AC_ChargeLoopReq])
@pytest.mark.parametrize("state", AC_ORDER)
def test_an_ac_message_out_of_its_place_is_a_sequence_error(state: State, kind: type) -> None:
    own = {ac.AC_ChargeParameterDiscoveryReq: State.CHARGE_PARAMETER_DISCOVERY, ac.AC_ChargeLoopReq: State.CHARGE_LOOP}
    car = ScriptedAcCar().reach(state)
    answer = car.ask(car.request(kind))
    assert type(answer).__name__ == kind.__name__.removesuffix("Req") + "Res"
    if own[kind] is state:
        assert answer.ResponseCode is ResponseCode.OK
    else:
        assert answer.ResponseCode is ResponseCode.FAILED_SequenceError
        assert car.secc.ended


def test_an_ac_outlet_speaks_no_dc() -> None:
    car = ScriptedAcCar()
    (answer,) = car.send(car.app_protocol(NS_DC))
    assert answer.ResponseCode.value == "Failed_NoNegotiation"


# -- the contactor ------------------------------------------------------------------------------------------------------


def test_a_car_may_poll_power_delivery_before_it_is_ready() -> None:
    car = ScriptedAcCar().reach(State.POWER_DELIVERY)
    for _ in range(5):
        assert car.ask(car.power_delivery(processing=Processing.Ongoing)).ResponseCode is ResponseCode.OK
        assert car.secc.session.state is State.POWER_DELIVERY
    assert Phase.TRANSFER not in {d.phase for d in car.demands()}


def test_start_is_answered_once_the_contactor_is_closed() -> None:
    car = ScriptedAcCar().reach(State.POWER_DELIVERY)
    assert car.send(car.power_delivery()) == []
    assert car.demands()[-1].phase is Phase.TRANSFER
    assert car.wait(CLOSING_MAX_S - 0.1) == []
    (answer,) = car.see(stage=Stage.TRANSFER)
    assert answer.ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.CHARGE_LOOP


def test_a_contactor_that_is_closed_already_is_good() -> None:
    car = ScriptedAcCar().reach(State.POWER_DELIVERY)
    car.see(stage=Stage.TRANSFER)
    assert [a.ResponseCode for a in car.send(car.power_delivery())] == [ResponseCode.OK]


def test_a_contactor_that_does_not_close_is_a_contactor_error() -> None:
    car = ScriptedAcCar().reach(State.POWER_DELIVERY)
    assert car.send(car.power_delivery()) == []
    assert car.wait(CLOSING_MAX_S - 0.05) == []
    (answer,) = car.wait(0.1)
    assert answer.ResponseCode is ResponseCode.FAILED_ContactorError
    assert car.secc.ended


def test_stop_is_answered_once_the_contactor_is_open() -> None:
    car = ScriptedAcCar().reach(State.CHARGE_LOOP)
    assert car.send(car.power_delivery(STOP)) == []
    assert car.see(stage=Stage.OPENING) == []
    (answer,) = car.see(stage=Stage.OFF)
    assert answer.ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.SESSION_STOP


def test_a_contactor_that_does_not_open_is_a_contactor_error() -> None:
    car = ScriptedAcCar().reach(State.CHARGE_LOOP)
    assert car.send(car.power_delivery(STOP)) == []
    assert car.wait(1.4) == []
    (answer,) = car.wait(0.2)
    assert answer.ResponseCode is ResponseCode.FAILED_ContactorError


def test_stop_before_the_transfer_is_answered_at_once() -> None:
    car = ScriptedAcCar().reach(State.POWER_DELIVERY)
    assert car.ask(car.power_delivery(STOP)).ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.SESSION_STOP


# -- schedules ----------------------------------------------------------------------------------------------------------


def scheduled_to(car: ScriptedAcCar) -> Any:
    answer = car.ask(car.schedule_exchange())
    (offered,) = answer.Scheduled_SEResControlMode.ScheduleTuple
    return offered


def test_schedules_of_a_symmetric_car_are_sums() -> None:
    car = ScriptedAcCar(ControlMode.SCHEDULED).reach(State.SCHEDULE_EXCHANGE)
    offered = scheduled_to(car)
    (entry,) = offered.ChargingSchedule.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry
    assert powers(entry, "Power") == (11_000, None, None)
    (entry,) = offered.DischargingSchedule.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry
    assert powers(entry, "Power") == (-10_000, None, None)


def test_schedules_of_an_asymmetric_car_are_by_phase() -> None:
    car = ScriptedAcCar(ControlMode.SCHEDULED).reach(State.CHARGE_PARAMETER_DISCOVERY)
    charge = {f"EVMaximumChargePower{phase}": rational(3_000) for phase in ("", "_L2", "_L3")}
    discharge = {f"EVMaximumDischargePower{phase}": rational(-2_000) for phase in ("", "_L2", "_L3")}
    car.ask(car.charge_parameters(**charge, **discharge))
    offered = scheduled_to(car)
    (entry,) = offered.ChargingSchedule.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry
    assert powers(entry, "Power") == (3_000, 3_000, 3_000)
    (entry,) = offered.DischargingSchedule.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry
    assert powers(entry, "Power") == (-2_000, -2_000, -2_000)


@pytest.mark.parametrize(
    ("parts_W", "code"), [((3_000, 4_000, 4_000), "OK"), ((4_000, 4_000, 4_000), "FAILED_EVPowerProfileInvalid")]
)
def test_a_profile_by_phase_counts_as_its_sum(parts_W: tuple[float, float, float], code: str) -> None:
    car = ScriptedAcCar(ControlMode.SCHEDULED).reach(State.POWER_DELIVERY)
    car.see(stage=Stage.TRANSFER)
    request = car.power_delivery()
    first, second, third = (rational(part) for part in parts_W)
    entry = cm.PowerScheduleEntry(Duration=600, Power=first, Power_L2=second, Power_L3=third)
    profile = cm.EVPowerProfile(
        TimeAnchor=car.now.utc_s,
        EVPowerProfileEntries=cm.EVPowerProfileEntryList(EVPowerProfileEntry=(entry,)),
        Scheduled_EVPPTControlMode=cm.Scheduled_EVPPTControlMode(SelectedScheduleTupleID=1),
    )
    request = cm.PowerDeliveryReq(
        Header=request.Header, EVProcessing=request.EVProcessing, ChargeProgress=START, EVPowerProfile=profile
    )
    assert car.ask(request).ResponseCode.value == code
    if code == "OK":
        car.ask(car.charge_loop())
        assert car.demands()[-1].planned_power_W == 11_000


def test_a_dynamic_car_plans_nothing() -> None:
    car = ScriptedAcCar().reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop())
    assert car.demands()[-1].planned_power_W is None


# -- recorded -----------------------------------------------------------------------------------------------------------


def recorded_requests() -> list[tuple[str, Any, bytes]]:
    """Name, message and frame of each request of the recorded AC session, in order."""
    types = {
        "urn:iso:std:iso:15118:-20:CommonMessages": PayloadType.MAINSTREAM,
        "urn:iso:std:iso:15118:-20:AC": PayloadType.AC_MAINSTREAM,
    }
    found = []
    with gzip.open(SESSIONS, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if row["variant"] == "ac_notls" and row["schema"] in types and row["message"].endswith("Req"):
                exi = bytes.fromhex(row["exi"])
                found.append((row["message"], decode(row["schema"], exi), frame(types[row["schema"]], exi)))
    return found


def test_a_recorded_ac_car_is_served_to_its_end() -> None:
    recorded = recorded_requests()
    session_id = next(m.Header.SessionID for name, m, _ in recorded if name == "AuthorizationSetupReq")
    car = ScriptedAcCar(session_id=session_id, modes=(ControlMode.SCHEDULED, ControlMode.DYNAMIC))
    car.agree()
    car.session_id = session_id
    served = []
    for name, message, data in recorded:
        if name == "AuthorizationReq":  # recorded with Plug and Charge
            answers = car.send(car.request(cm.AuthorizationReq))
        else:
            answers = car.send_bytes(data) or car.answers()
        match message:
            case cm.PowerDeliveryReq(ChargeProgress=cm.ChargeProgress.Start, EVProcessing=Processing.Finished):
                answers += car.see(stage=Stage.TRANSFER)
            case cm.PowerDeliveryReq(ChargeProgress=cm.ChargeProgress.Stop):
                answers += car.see(stage=Stage.OFF)
        assert answers, f"{name} was not answered"
        for answer in answers:
            assert type(answer).__name__ == name.removesuffix("Req") + "Res"
            assert answer.ResponseCode.value.startswith("OK"), answer
        served.append(name)
    assert served.count("AC_ChargeLoopReq") >= 9
    assert served[-1] == "SessionStopReq"
    assert car.secc.session.state is State.ENDED
    assert car.events[-1].end is SessionEnd.TERMINATED
    transfer = [e.demand for e in car.events if isinstance(e, CarDemandChanged) and e.demand.phase is Phase.TRANSFER]
    assert {d.energy.soc_percent for d in transfer} >= {10, 50, 100}


# -- MCS: DC messages with another connector ----------------------------------------------------------------------------


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("mode", list(ControlMode))
def test_an_mcs_session_is_a_dc_session_under_its_own_service(mode: ControlMode, bidirectional: bool) -> None:
    class McsCar(ScriptedCar):
        @property
        def service_id(self) -> int:
            return 9 if self.bidirectional else 8

    car = McsCar(mode, bidirectional, services=(EnergyService.MCS_BPT, EnergyService.MCS))
    car.agree()
    answers = [answer for state in State if state is not State.ENDED for answer in car.step(state)]
    assert {a.ResponseCode.value for a in answers} == {"OK", "OK_NewSessionEstablished"}
    assert car.secc.session.state is State.ENDED
    detail = next(a for a in answers if isinstance(a, cm.ServiceDetailRes))
    connectors = {
        p.intValue for s in detail.ServiceParameterList.ParameterSet for p in s.Parameter if p.Name == "Connector"
    }
    assert connectors == {1}
    selected = next(e for e in car.events if isinstance(e, ServiceSelected))
    assert selected.service is (EnergyService.MCS_BPT if bidirectional else EnergyService.MCS)


# -- pause, renegotiation -----------------------------------------------------------------------------------------------


def test_a_car_that_comes_back_goes_on_with_ac_charge_parameter_discovery() -> None:
    kept = ScriptedAcCar(leaf=b"certificate").reach(State.CHARGE_LOOP).secc.kept
    assert kept is not None
    car = ScriptedAcCar(kept=kept, leaf=b"certificate")
    car.agree()
    car.session_id = kept.session_id
    assert car.ask(car.request(cm.SessionSetupReq)).ResponseCode is ResponseCode.OK_OldSessionJoined
    assert car.ask(car.charge_parameters()).ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.SCHEDULE_EXCHANGE


def test_power_flows_on_while_a_schedule_is_renegotiated() -> None:
    car = ScriptedAcCar(ControlMode.SCHEDULED).reach(State.CHARGE_LOOP)
    car.ask(car.power_delivery(cm.ChargeProgress.ScheduleRenegotiation))
    car.ask(car.schedule_exchange())
    assert car.secc.session.state is State.POWER_DELIVERY
    assert car.ask(car.power_delivery()).ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.CHARGE_LOOP
    transfer = [d.phase for d in car.demands()]
    assert set(transfer[transfer.index(Phase.TRANSFER) :]) == {Phase.TRANSFER}


def test_a_service_renegotiation_takes_a_car_from_three_phases_to_one() -> None:
    car = ScriptedAcCar().reach(State.CHARGE_LOOP)
    assert car.secc.session.offered.ac.phases == 3
    car.send(car.power_delivery(STOP))
    car.see(stage=Stage.OFF)
    stop = cm.SessionStopReq(Header=car.header(), ChargingSession=cm.ChargingSession.ServiceRenegotiation)
    assert car.ask(stop).ResponseCode is ResponseCode.OK
    car.ask(car.request(cm.ServiceDiscoveryReq))
    detail = car.ask(car.request(cm.ServiceDetailReq))
    of_one_phase = [
        offered.ParameterSetID
        for offered in detail.ServiceParameterList.ParameterSet
        if {p.Name: p.intValue for p in offered.Parameter}.items() >= {("Connector", 1), ("ControlMode", 2)}
    ]
    car.parameter_set = of_one_phase[0]
    car.ask(car.request(cm.ServiceSelectionReq))
    answer = car.ask(car.charge_parameters())
    assert powers(answer.AC_CPDResEnergyTransferMode, "EVSEMaximumChargePower") == (7_360, None, None)
    assert car.secc.session.offered.ac.phases == 1
    assert car.secc.session.limits.charge_power_max_W == 7_360
