"""The virtual car as an examiner: each fault of a station is found in words, and a good station has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chargepoint.iso15118.messages import ac, dc
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import EvseNotification, EVSEStatus, ResponseCode
from chargepoint.iso15118.rational import rational
from chargepoint.iso15118.v2gtp import PayloadType, frame
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CarSpec

Change = Callable[[Any, Any], Any]


def fields_of(**changes: Any) -> Change:
    return lambda request, answer: replace(answer, **changes)


def in_loop(**changes: Any) -> Change:
    return lambda request, answer: replace(answer, CLResControlMode=replace(answer.CLResControlMode, **changes))


def plain_dc(_: Any, answer: Any) -> Any:
    mode = answer.CLResControlMode
    names = ("EVSEMaximumChargePower", "EVSEMinimumChargePower", "EVSEMaximumChargeCurrent", "EVSEMaximumVoltage")
    return replace(
        answer, CLResControlMode=dc.Dynamic_DC_CLResControlMode(**{name: getattr(mode, name) for name in names})
    )


def one_mode(_: Any, answer: Any) -> Any:
    sets = answer.ServiceParameterList.ParameterSet
    return replace(answer, ServiceParameterList=cm.ServiceParameterList(ParameterSet=sets[1:2]))


def parameter(name: str, value: int | None) -> Change:
    """Set 2 with this parameter, or without it."""

    def change(_: Any, answer: Any) -> Any:
        sets = list(answer.ServiceParameterList.ParameterSet)
        kept = tuple(p for p in sets[1].Parameter if p.Name != name)
        added = () if value is None else (cm.Parameter(Name=name, intValue=value),)
        sets[1] = replace(sets[1], Parameter=kept + added)
        return replace(answer, ServiceParameterList=cm.ServiceParameterList(ParameterSet=tuple(sets)))

    return change


def other_id(_: Any, answer: Any) -> Any:
    return replace(answer, Header=replace(answer.Header, SessionID=b"\7" * 8))


RENEGOTIATE = EVSEStatus(NotificationMaxDelay=0, EVSENotification=EvseNotification.ServiceRenegotiation)
CASES: list[tuple[str, str, Change, str]] = [
    ("DC", "SessionSetupReq", fields_of(ResponseCode=ResponseCode.OK), "OK alone"),
    ("DC", "SessionSetupReq", fields_of(ResponseCode=ResponseCode.WARNING_WPT), "no code of this message"),
    ("DC", "AuthorizationReq", other_id, "AuthorizationRes with session id 0707"),
    (
        "DC",
        "AuthorizationSetupReq",
        fields_of(AuthorizationServices=(cm.Authorization.EIM, cm.Authorization.PnC)),
        "PnC is offered without",
    ),
    ("DC", "ServiceDetailReq", one_mode, "both 1 and 2"),
    ("DC", "ServiceDetailReq", parameter("Pricing", None), "Pricing is missing"),
    ("DC", "ServiceDetailReq", parameter("GeneratorMode", 3), "GeneratorMode = 3"),
    ("DC", "ServiceDetailReq", parameter("GridCodeIslandingDetectionMethod", 1), "belongs to AC_BPT alone"),
    ("AC", "ServiceDetailReq", parameter("EVSENominalVoltage", None), "EVSENominalVoltage is missing"),
    ("AC", "ServiceDetailReq", parameter("GridCodeIslandingDetectionMethod", None), "islanding detection is missing"),
    (
        "DC",
        "ServiceDiscoveryReq",
        fields_of(VASList=cm.ServiceList(Service=(cm.Service(ServiceID=65, FreeService=True),))),
        "SupportedServiceIDs does not name",
    ),
    (
        "DC",
        "ScheduleExchangeReq",
        fields_of(Dynamic_SEResControlMode=cm.Dynamic_SEResControlMode(TargetSOC=50, MinimumSOC=60)),
        "MinimumSOC 60 is above TargetSOC 50",
    ),
    (
        "DC",
        "ScheduleExchangeReq",
        fields_of(Dynamic_SEResControlMode=cm.Dynamic_SEResControlMode(DepartureTime=50)),
        "DepartureTime given, though the car",
    ),
    ("DC", "DC_ChargeLoopReq", plain_dc, "Dynamic_DC_CLResControlMode answers BPT_Dynamic_DC_CLReqControlMode"),
    ("DC", "DC_ChargeLoopReq", in_loop(EVSEMaximumChargePower=rational(30_000)), "above the 22000 W announced first"),
    ("DC", "DC_ChargeLoopReq", in_loop(EVSEMinimumChargePower=rational(23_000)), "is above its maximum"),
    ("DC", "DC_ChargeLoopReq", fields_of(MeterInfo=None), "MeterInfo was requested and is missing"),
    ("DC", "DC_ChargeLoopReq", fields_of(EVSEStatus=RENEGOTIATE), "which the station said it does not support"),
    (
        "AC",
        "AC_ChargeLoopReq",
        in_loop(EVSETargetActivePower_L2=rational(100)),
        "EVSETargetActivePower_L2 sent, though the car sent no phases",
    ),
    ("AC", "AC_ChargeLoopReq", in_loop(EVSETargetActivePower=rational(12_000)), "above the car's 11000 W"),
]


@pytest.mark.parametrize(("kind", "name", "change", "words"), CASES, ids=[f"{c[1]}: {c[3]}" for c in CASES])
def test_a_fault_of_the_station_is_found(
    trip: Any, new_station: Any, kind: str, name: str, change: Change, words: str
) -> None:
    plan = CarPlan(energy=(kind,), meter_info_every_loops=1, supported_service_ids=(5, 6))
    station = new_station(services=(5, 6), renegotiation=False, instead={(name, 1): change})
    car = trip(plan, station).run(until_s=200.0, loops=2)
    assert [sentence for sentence in car.violations if words in sentence], car.violations
    clean = trip(plan, new_station(services=(5, 6), renegotiation=False)).run(until_s=200.0, loops=2)
    assert clean.violations == []


def schedules(*items: cm.ScheduleTuple) -> Change:
    return fields_of(Scheduled_SEResControlMode=cm.Scheduled_SEResControlMode(ScheduleTuple=items))


def test_faults_of_schedules_are_found(trip: Any, new_station: Any, schedule: Any) -> None:
    day, short = (86_400, 5000.0), (3600, 5000.0)

    def violations(item: cm.ScheduleTuple, **plan: Any) -> str:
        station = new_station(instead={("ScheduleExchangeReq", 1): schedules(item)})
        spec = CarSpec(control_mode="scheduled")
        return " ".join(trip(CarPlan(gives_departure_time=False, **plan), station, spec).run(loops=1).violations)

    assert violations(cm.ScheduleTuple(ScheduleTupleID=1, ChargingSchedule=schedule(day))) == ""
    assert "3600 s long" in violations(cm.ScheduleTuple(ScheduleTupleID=1, ChargingSchedule=schedule(short)))
    many = cm.ScheduleTuple(ScheduleTupleID=1, ChargingSchedule=schedule(*[day] * 13))
    assert "13 entries: at most 12" in violations(many, supporting_points_max=12)
    giving = cm.ScheduleTuple(
        ScheduleTupleID=1, ChargingSchedule=schedule(day), DischargingSchedule=schedule((86_400, 4000.0))
    )
    assert "not above 0 (V2G20-1035)" in violations(giving)


def test_a_late_answer_is_found_and_a_missing_one(trip: Any, new_station: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import tests.unit.hil.evcc.conftest as bench

    monkeypatch.setattr(bench, "ANSWER_S", 0.3)
    car = trip(CarPlan(), new_station()).run(loops=2)
    assert car.violations == ["DC_ChargeLoopRes later than its performance time of 0.25 s"]
    monkeypatch.setattr(bench, "ANSWER_S", 0.6)
    car = trip(CarPlan(), new_station()).run(loops=2)
    assert car.violations == ["DC_ChargeLoopReq: no answer within 0.5 s"]
    assert car.progress.error == "no answer to DC_ChargeLoopReq within 0.5 s"


def test_an_answer_under_a_wrong_payload_type_is_found(trip: Any, new_station: Any) -> None:
    station = new_station()
    answers = station.take
    names = iter(range(100))

    def wrong(payload_type: int, payload: bytes) -> list[bytes]:
        given: list[bytes] = answers(payload_type, payload)
        return [frame(PayloadType.METERING_CONFIRMATION, given[0][8:])] if next(names) == 3 else given

    station.take = wrong
    car = trip(CarPlan(), station).run(loops=1)
    assert car.violations == ["AuthorizationRes under payload type 0x8102: 0x8002"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (frame(0xFFFF, b""), "payload type 0xffff"),
        (frame(PayloadType.MAINSTREAM, b"\x80\xff\xff"), "answered with what is no message"),
        (b"\x02\xfd" + bytes(6), "version bytes 02 fd"),
        (b"\x01\xfe\x80\x02\xff\xff\xff\xff", "payload of 4294967295 bytes"),
    ],
)
def test_nonsense_ends_the_session_by_name(trip: Any, new_station: Any, data: bytes, words: str) -> None:
    station = new_station()
    station.take = lambda payload_type, payload: [data]
    car = trip(CarPlan(), station).run()
    assert words in (car.progress.error or "")
    assert len(car.violations) == 1


def test_an_answer_nobody_asked_for_is_found(trip: Any, new_station: Any) -> None:
    station = new_station()
    answers = station.take

    def twice(payload_type: int, payload: bytes) -> list[bytes]:
        return list(answers(payload_type, payload)) * 2

    station.take = twice
    car = trip(CarPlan(), station).run(until_s=2.0)
    assert "supportedAppProtocolRes without a request" in car.violations


def test_what_follows_a_failed_code_is_found(trip: Any, new_station: Any) -> None:
    station = new_station(codes={("DC_ChargeLoopReq", 2): ResponseCode.FAILED}, closes_after_failed=False)
    answers = station.take

    def twice(payload_type: int, payload: bytes) -> list[bytes]:
        given: list[bytes] = answers(payload_type, payload)
        return given * 2 if station.counts["DC_ChargeLoopReq"] == 2 else given

    station.take = twice
    car = trip(CarPlan(listens_after_end_s=1.0), station).run()
    assert car.violations == ["DC_ChargeLoopRes after the session's last answer"]
    assert car.progress.error == "DC_ChargeLoopRes: FAILED"


def test_a_refusals_filler_is_not_judged(trip: Any, new_station: Any) -> None:
    def refused(request: Any, answer: Any) -> Any:
        mode = ac.Scheduled_AC_CLResControlMode()
        return replace(answer, ResponseCode=ResponseCode.FAILED, CLResControlMode=mode)

    station = new_station(services=(1,), instead={("AC_ChargeLoopReq", 2): refused})
    assert trip(CarPlan(energy=("AC",)), station).run().violations == []
