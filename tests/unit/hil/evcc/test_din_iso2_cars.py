"""The virtual car of ISO 15118-2 and DIN 70121 at the joined station: each habit shows on the wire, and the examiner sees defects."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from chargepoint.iso15118.exi.codec import NS_DIN, NS_ISO2
from chargepoint.iso15118.messages import din70121 as din
from chargepoint.iso15118.physical_value import number
from hil.simulators.evcc.din_iso2.examiner import DinIso2Examiner
from hil.simulators.evcc.din_iso2.language import DinIso2Language
from hil.simulators.evcc.din_iso2.memory import DinIso2Memory
from hil.simulators.evcc.din_iso2.rows import ROWS
from hil.simulators.evcc.habits import Habits
from hil.simulators.evcc.iso20_language import Iso20Language
from hil.simulators.evcc.languages import language_of
from hil.simulators.evcc.plan import CarPlan, CarWish, OfferedProtocol
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.steps import SessionStep
from tests.joined.outlet import AC_OUTLET, DC_OUTLET
from tests.joined.visit import VirtualSite, Visit

DIN, ISO2 = OfferedProtocol(NS_DIN, 2), OfferedProtocol(NS_ISO2, 2)


def visit(protocol: OfferedProtocol = DIN, *, ac: bool = False, spec: CarSpec | None = None, **habits: Any) -> Visit:
    """One visit of a car with these habits."""
    plan = CarPlan(energy=("AC" if ac else "DC",), protocols=(protocol,), habits=Habits(**habits))
    found = VirtualSite(outlet=AC_OUTLET if ac else DC_OUTLET).visit(plan, spec or CarSpec())
    assert found.car.progress.error is None
    assert found.car.violations == []
    return found


def first(found: Visit, name: str) -> Any:
    """The first request of this class."""
    return found.car.log.requests(name)[0]


# -- ordinary cars -----------------------------------------------------------------------------------------------------


def test_an_ordinary_session_of_din() -> None:
    assert visit().car.log.names() == [
        "supportedAppProtocolReq",
        "SessionSetupReq",
        "ServiceDiscoveryReq",
        "ServicePaymentSelectionReq",
        "ContractAuthenticationReq",
        "ChargeParameterDiscoveryReq",
        "CableCheckReq",
        "PreChargeReq",
        "PowerDeliveryReq",
        "CurrentDemandReq",
        "PowerDeliveryReq",
        "WeldingDetectionReq",
        "SessionStopReq",
    ]


def test_an_ordinary_session_of_iso2_at_ac() -> None:
    assert visit(ISO2, ac=True).car.log.names() == [
        "supportedAppProtocolReq",
        "SessionSetupReq",
        "ServiceDiscoveryReq",
        "PaymentServiceSelectionReq",
        "AuthorizationReq",
        "ChargeParameterDiscoveryReq",
        "PowerDeliveryReq",
        "ChargingStatusReq",
        "PowerDeliveryReq",
        "SessionStopReq",
    ]


def test_the_car_speaks_what_the_station_chose() -> None:
    both = CarPlan(protocols=(replace(DIN, priority=2), replace(ISO2, priority=1)))
    names = VirtualSite().visit(both).car.log.names()
    assert "PaymentServiceSelectionReq" in names
    names = VirtualSite().visit(replace(both, protocols=(DIN, replace(ISO2, priority=2)))).car.log.names()
    assert "ServicePaymentSelectionReq" in names


def test_the_first_choice_of_the_plan_decides_the_language() -> None:
    newer = OfferedProtocol("urn:iso:std:iso:15118:-20:DC", priority=2)
    own = OfferedProtocol("urn:tesla:din:2018:MsgDef", priority=1)
    assert isinstance(language_of(CarPlan()), Iso20Language)
    assert isinstance(language_of(CarPlan(protocols=(DIN, newer))), DinIso2Language)
    assert isinstance(language_of(CarPlan(protocols=(own, newer, replace(DIN, priority=3)))), Iso20Language)
    assert isinstance(language_of(CarPlan(protocols=(own, replace(DIN, priority=3)))), DinIso2Language)


def test_the_cars_own_wishes() -> None:
    plan = CarPlan(
        protocols=(DIN,), wishes=(CarWish("change", 2, change={"scheduled_power_W": 4000.0}), CarWish("stop", 6))
    )
    found = VirtualSite().visit(plan, loops=1000)
    assert found.car.progress.loops == 6
    demands = found.car.log.requests("CurrentDemandReq")
    assert number(demands[-1].EVTargetCurrent) == pytest.approx(4000.0 / 400.0, rel=0.1)


# -- habits ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [DIN, ISO2], ids=["DIN", "-2"])
@pytest.mark.parametrize(
    ("habits", "request_name", "shown"),
    [
        ({"ready_in_parameters": False}, "ChargeParameterDiscoveryReq", lambda r: not _of(r).DC_EVStatus.EVReady),
        ({"names_power_limit": False}, "ChargeParameterDiscoveryReq", lambda r: _of(r).EVMaximumPowerLimit is None),
        ({"names_energy": False}, "ChargeParameterDiscoveryReq", lambda r: _of(r).EVEnergyCapacity is None),
        ({"pre_charge_current_A": 2.0}, "PreChargeReq", lambda r: number(r.EVTargetCurrent) == 2.0),
        ({"first_pre_charge_V": -10.0}, "PreChargeReq", lambda r: number(r.EVTargetVoltage) == -10.0),
        ({"target_steps_V": (-9.0, -4.0)}, "PreChargeReq", lambda r: number(r.EVTargetVoltage) == 391.0),
        ({"loops_without_current": 2}, "CurrentDemandReq", lambda r: number(r.EVTargetCurrent) == 0.0),
        ({"whole_amperes": True}, "CurrentDemandReq", lambda r: number(r.EVTargetCurrent) % 1 == 0.0),
        ({"names_power_limit": False}, "CurrentDemandReq", lambda r: r.EVMaximumPowerLimit is None),
    ],
)
def test_a_habit_shows_in_the_request(
    protocol: OfferedProtocol, habits: dict[str, Any], request_name: str, shown: Any
) -> None:
    assert shown(first(visit(protocol, **habits), request_name))
    assert not shown(first(visit(protocol), request_name))


def _of(request: Any) -> Any:
    return request.EVChargeParameter


def test_limits_wander_from_loop_to_loop() -> None:
    demands = visit(limits_wander=True).car.log.requests("CurrentDemandReq")
    assert len({number(d.EVMaximumCurrentLimit) for d in demands}) > 2


@pytest.mark.parametrize(("from_answer", "least_s"), [(False, 0.02), (True, 0.032)])
def test_a_car_that_asks_again_at_once_is_paced_by_the_station(from_answer: bool, least_s: float) -> None:
    """12 ms after its request, or after the answer; the answer leaves 20 ms after the request."""
    found = visit(paces_from_answer=from_answer, spec=CarSpec(loop_period_s=0.012))
    at_s = [e.at_s for e in found.car.log.entries if e.direction == ">" and e.name == "CurrentDemandReq"]
    periods_s = [later - earlier for earlier, later in pairwise(at_s)]
    assert min(periods_s) == pytest.approx(least_s, abs=1e-6)


def test_a_hasty_car_starts_before_the_voltage_matches() -> None:
    ordinary, hasty = visit(), visit(starts_after_polls=1)
    assert len(hasty.car.log.requests("PreChargeReq")) == 1 < len(ordinary.car.log.requests("PreChargeReq"))


@pytest.mark.parametrize(
    ("habits", "left_out"),
    [({"checks_welding": False}, ["WeldingDetectionReq"]), ({"stops_from_loop": True}, ["WeldingDetectionReq"])],
)
def test_what_a_car_leaves_out(habits: dict[str, Any], left_out: list[str]) -> None:
    found = visit(**habits)
    assert not set(left_out) & set(found.car.log.names())
    assert len(found.car.log.requests("PowerDeliveryReq")) == (1 if "stops_from_loop" in habits else 2)


def test_a_slow_car_and_its_profile() -> None:
    plan = CarPlan(
        energy=("AC",),
        protocols=(ISO2,),
        habits=Habits(start_pause_s=1.5, first_loop_pause_s=2.3, profile_ends_at_zero=True, profile_with_stop=True),
    )
    log = VirtualSite(outlet=AC_OUTLET).visit(plan).car.log
    at_s = {
        name: next(e.at_s for e in log.entries if e.name == name) for name in ("PowerDeliveryReq", "ChargingStatusReq")
    }
    parameters_s = next(e.at_s for e in log.entries if e.name == "ChargeParameterDiscoveryRes")
    assert at_s["PowerDeliveryReq"] - parameters_s >= 1.5
    assert at_s["ChargingStatusReq"] - at_s["PowerDeliveryReq"] >= 2.3
    start, stop = log.requests("PowerDeliveryReq")
    assert number(start.ChargingProfile.ProfileEntry[-1].ChargingProfileEntryMaxPower) == 0.0
    assert stop.ChargingProfile is not None


def test_a_minimum_current_at_ac() -> None:
    request = first(visit(ISO2, ac=True, minimum_current_A=0.0), "ChargeParameterDiscoveryReq")
    assert number(request.EVChargeParameter.EVMinCurrent) == 0.0


def test_an_ac_car_follows_the_stations_current() -> None:
    found = VirtualSite(outlet=AC_OUTLET).visit(CarPlan(energy=("AC",), protocols=(ISO2,)), power_W=4140.0, loops=20)
    assert found.car.progress.error is None
    assert number(found.car.log.answers("ChargingStatusRes")[-1].EVSEMaxCurrent) == pytest.approx(6.0, abs=0.5)


def test_session_ids_of_any_length() -> None:
    for count in (0, 1, 8):
        assert visit(session_id_bytes=count).car.progress.loops >= 5


def test_a_car_that_ignores_the_end_is_ended_by_the_station() -> None:
    plan = CarPlan(protocols=(DIN,), habits=Habits(obeys_the_end=False))
    found = VirtualSite().visit(plan, loops=1000, stopped_at_loop=10)
    assert found.car.progress.asked_to_stop
    assert found.stop_reason() == "Remote"


def test_a_car_that_loses_its_connection_is_not_called_back() -> None:
    """DIN knows no resumption: the transaction ends, and no 5 % PWM calls the car again in this plug-in."""
    plan = CarPlan(protocols=(DIN,), wishes=(CarWish("lose_tcp", 3, for_s=2.0),))
    found = VirtualSite().visit(plan, loops=8)
    assert found.car.progress.loops == 3
    assert found.car.progress.error == "no 5 % PWM on the pilot"
    assert found.stop_reason() == "Other"


# -- the examiner --------------------------------------------------------------------------------------------------------------


def answered(body: Any, session_id: bytes = b"\1" * 8) -> Any:
    return din.V2G_Message(Header=din.MessageHeader(SessionID=session_id), Body=din.Body(BodyElement=body))


def status(**changes: Any) -> din.DC_EVSEStatus:
    values: dict[str, Any] = {
        "EVSEIsolationStatus": din.IsolationLevel.Valid,
        "EVSEStatusCode": din.DC_EVSEStatusCode.EVSE_Ready,
        "NotificationMaxDelay": 0,
        "EVSENotification": din.EVSENotification.None_,
        **changes,
    }
    return din.DC_EVSEStatus(**values)


def pre_charge(**changes: Any) -> din.PreChargeRes:
    voltage = din.PhysicalValue(Multiplier=0, Value=1)
    return din.PreChargeRes(
        ResponseCode=din.ResponseCode.OK, DC_EVSEStatus=status(**changes), EVSEPresentVoltage=voltage
    )


@pytest.mark.parametrize(
    ("answer", "took_s", "payload_type", "said"),
    [
        (answered(pre_charge()), 0.1, 0x8001, ""),
        (answered(pre_charge()), 1.6, 0x8001, "later than"),
        (answered(pre_charge()), 0.1, 0x8002, "payload type"),
        (answered(pre_charge(), b"\2"), 0.1, 0x8001, "session id"),
        (answered(pre_charge(EVSENotification=din.EVSENotification.StopCharging)), 0.1, 0x8001, "no notification"),
        (answered(pre_charge(EVSEIsolationStatus=din.IsolationLevel.Invalid)), 0.1, 0x8001, "isolation"),
        (answered(din.SessionStopRes(ResponseCode=din.ResponseCode.OK)), 0.1, 0x8001, "answered with SessionStopRes"),
    ],
)
def test_the_examiner_sees_what_is_wrong(answer: Any, took_s: float, payload_type: int, said: str) -> None:
    memory = DinIso2Memory(CarSpec(), CarPlan(protocols=(DIN,)), namespace=NS_DIN, session_id=b"\1" * 8)
    examiner = DinIso2Examiner()
    examiner.answer(None, answer, took_s, payload_type, memory, ROWS[NS_DIN][SessionStep.PRE_CHARGE])
    assert [said in found for found in examiner.violations] == ([True] if said else [])
