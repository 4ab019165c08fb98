"""The virtual car's core through whole sessions: each service, both control modes, authorization, selection."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chargepoint.iso15118.exi.codec import NS_AC, NS_DC
from chargepoint.iso15118.messages import ac, dc
from chargepoint.iso15118.messages import app_protocol as sap
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.messages.xmldsig import (
    CanonicalizationMethod,
    DigestMethod,
    Reference,
    Signature,
    SignatureMethod,
    SignatureValue,
    SignedInfo,
    X509IssuerSerial,
)
from chargepoint.iso15118.rational import number
from chargepoint.iso15118.v2gtp import PayloadType
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.orders import OrderCharger, OrderContactors, OrderPilot
from hil.simulators.evcc.plan import CarPlan, OfferedProtocol
from hil.simulators.evcc.spec import CarSpec

DC_ORDER = [
    "supportedAppProtocolReq",
    "SessionSetupReq",
    "AuthorizationSetupReq",
    "AuthorizationReq",
    "ServiceDiscoveryReq",
    "ServiceDetailReq",
    "ServiceSelectionReq",
    "DC_ChargeParameterDiscoveryReq",
    "ScheduleExchangeReq",
    "DC_CableCheckReq",
    "DC_PreChargeReq",
    "PowerDeliveryReq",
    "DC_ChargeLoopReq",
    "PowerDeliveryReq",
    "DC_WeldingDetectionReq",
    "SessionStopReq",
]
AC_ORDER = [
    *DC_ORDER[:7],
    "AC_ChargeParameterDiscoveryReq",
    "ScheduleExchangeReq",
    "PowerDeliveryReq",
    "AC_ChargeLoopReq",
    "PowerDeliveryReq",
    "SessionStopReq",
]


def signed(_: Any) -> Signature:
    """A signature that signs nothing, for tests of where it goes."""
    return Signature(
        SignedInfo=SignedInfo(
            CanonicalizationMethod=CanonicalizationMethod(Algorithm="c"),
            SignatureMethod=SignatureMethod(Algorithm="s"),
            Reference=(Reference(DigestMethod=DigestMethod(Algorithm="d"), DigestValue=b"\1"),),
        ),
        SignatureValue=SignatureValue(value=b"\2"),
    )


CREDENTIALS = Credentials(
    contract_chain=(b"leaf", b"sub"),
    sign=signed,
    provisioning_chain=(b"oem", b"oemsub"),
    sign_provisioning=signed,
    root_ids=(X509IssuerSerial(X509IssuerName="CN=root", X509SerialNumber=1),),
)


@pytest.mark.parametrize(
    ("kind", "mode", "bidirectional", "service", "control"),
    [
        ("DC", "dynamic", True, 6, dc.BPT_Dynamic_DC_CLReqControlMode),
        ("DC", "scheduled", True, 6, dc.BPT_Scheduled_DC_CLReqControlMode),
        ("DC", "dynamic", False, 2, dc.Dynamic_DC_CLReqControlMode),
        ("DC", "scheduled", False, 2, dc.Scheduled_DC_CLReqControlMode),
        ("MCS", "dynamic", True, 9, dc.BPT_Dynamic_DC_CLReqControlMode),
        ("MCS", "scheduled", False, 8, dc.Scheduled_DC_CLReqControlMode),
        ("AC", "dynamic", True, 5, ac.BPT_Dynamic_AC_CLReqControlMode),
        ("AC", "scheduled", True, 5, ac.BPT_Scheduled_AC_CLReqControlMode),
        ("AC", "dynamic", False, 1, ac.Dynamic_AC_CLReqControlMode),
        ("AC", "scheduled", False, 1, ac.Scheduled_AC_CLReqControlMode),
    ],
)
def test_each_service_runs_to_its_end(
    trip: Any, new_station: Any, kind: str, mode: str, bidirectional: bool, service: int, control: type
) -> None:
    station = new_station(services=(1, 2, 5, 6, 8, 9))
    spec = CarSpec(control_mode=mode, bidirectional=bidirectional)
    session = trip(CarPlan(energy=(kind,)), station, spec)
    car = session.run(loops=3)
    assert car.progress.error is None
    assert car.violations == []
    assert car.log.names() == (AC_ORDER if kind == "AC" else DC_ORDER)
    assert (car.progress.service_id, car.progress.control_mode, car.progress.loops) == (service, mode, 3)
    loops = car.log.requests("AC_ChargeLoopReq" if kind == "AC" else "DC_ChargeLoopReq")
    assert {type(loop.CLReqControlMode) for loop in loops} == {control}
    assert (session.body.inlet.pilot, session.body.contactors_closed) == ("B", False)
    kinds = {type(r).__name__: k for r, k in zip(station.seen, station.kinds, strict=True)}
    loop_kind = PayloadType.AC_MAINSTREAM if kind == "AC" else PayloadType.DC_MAINSTREAM
    assert kinds[type(loops[0]).__name__] == loop_kind
    assert kinds["PowerDeliveryReq"] == PayloadType.MAINSTREAM


def test_a_dc_car_closes_near_the_batterys_voltage_and_opens_without_current(trip: Any, new_station: Any) -> None:
    session = trip(CarPlan(), new_station())
    session.run(loops=2)
    orders = [o for o in session.body.history if isinstance(o, OrderPilot | OrderContactors)]
    assert orders == [
        OrderPilot("C"),
        OrderContactors(closed=True),
        OrderContactors(closed=False),
        OrderContactors(closed=False),
        OrderPilot("B"),
    ]


def test_a_dc_car_never_closes_while_the_voltages_differ(trip: Any, new_station: Any) -> None:
    def low(_: Any, answer: Any) -> Any:
        session.body.inlet = replace(session.body.inlet, inlet_V=300.0)
        return answer

    station = new_station(instead={("DC_PreChargeReq", n): low for n in range(1, 1000)})
    session = trip(CarPlan(), station)
    car = session.run()
    assert car.progress.error == "DC_PreChargeRes Ongoing for 10 s"
    assert OrderContactors(closed=True) not in session.body.history


@pytest.mark.parametrize(
    ("target_W", "expected_W"),
    [(7000.0, 7000.0), (20_000.0, 11_000.0), (-5000.0, -5000.0), (-9000.0, -7000.0), (500.0, 0.0)],
)
def test_the_charger_follows_the_stations_target_within_its_ratings(
    trip: Any, new_station: Any, target_W: float, expected_W: float
) -> None:
    session = trip(CarPlan(energy=("AC",)), new_station(services=(5,), target_W=target_W))
    session.run(loops=3)
    chargers = [o for o in session.body.history if isinstance(o, OrderCharger)]
    assert chargers[0] == OrderCharger(expected_W)
    assert chargers[-1] == OrderCharger(0.0)


def test_a_scheduled_ac_car_takes_its_own_wish(trip: Any, new_station: Any) -> None:
    spec = CarSpec(control_mode="scheduled", scheduled_power_W=4000.0)
    session = trip(CarPlan(energy=("AC",)), new_station(services=(1,)), spec)
    car = session.run(loops=2)
    assert OrderCharger(4000.0) in session.body.history
    last = car.log.requests("AC_ChargeLoopReq")[-1].CLReqControlMode
    assert number(last.EVPresentActivePower) == 4000.0


def test_an_ac_car_is_in_b_before_the_first_power_delivery_and_after_the_last(trip: Any, new_station: Any) -> None:
    session = trip(CarPlan(energy=("AC",)), new_station(services=(1,)))
    letters = {}

    def note(request: Any, answer: Any) -> Any:
        letters[type(request).__name__ + str(session.station.counts["PowerDeliveryReq"])] = session.body.inlet.pilot
        return answer

    keys = [("ScheduleExchangeReq", 1), ("AC_ChargeLoopReq", 1), ("SessionStopReq", 1)]
    session.station.instead = dict.fromkeys(keys, note)
    session.run(loops=1)
    assert letters == {"ScheduleExchangeReq0": "B", "AC_ChargeLoopReq1": "C", "SessionStopReq2": "B"}


@pytest.mark.parametrize("asymmetric", [False, True])
def test_limits_per_phase_are_sent_by_an_asymmetric_car_alone(trip: Any, new_station: Any, asymmetric: bool) -> None:
    spec = CarSpec(charger_asymmetric=asymmetric, charger_power_max_W=9000.0)
    car = trip(CarPlan(energy=("AC",)), new_station(services=(5,)), spec).run(loops=1)
    (request,) = car.log.requests("AC_ChargeParameterDiscoveryReq")
    mode = request.AC_CPDReqEnergyTransferMode
    assert number(mode.EVMaximumChargePower) == (3000.0 if asymmetric else 9000.0)
    assert (mode.EVMaximumChargePower_L2 is not None) is asymmetric
    assert car.violations == []


@pytest.mark.parametrize("sign", [1, -1])
def test_discharge_limits_have_the_plans_sign(trip: Any, new_station: Any, sign: int) -> None:
    car = trip(CarPlan(discharge_sign=sign), new_station()).run(loops=2)
    (parameters,) = car.log.requests("DC_ChargeParameterDiscoveryReq")
    mode = parameters.DC_CPDReqEnergyTransferMode
    assert number(mode.EVMaximumDischargePower) == sign * 20_000
    assert number(car.log.requests("DC_ChargeLoopReq")[0].CLReqControlMode.EVMaximumDischargeCurrent) == sign * 50


# -- protocol and authorization -------------------------------------------------------------------------------------


def test_the_offer_follows_the_kinds_of_energy(trip: Any, new_station: Any) -> None:
    car = trip(CarPlan(energy=("AC", "DC")), new_station(services=(1,))).run(loops=1)
    (offer,) = car.log.requests("supportedAppProtocolReq")
    assert [(p.ProtocolNamespace, p.Priority) for p in offer.AppProtocol] == [(NS_AC, 1), (NS_DC, 2)]


def test_a_protocol_the_car_offers_but_does_not_speak_ends_the_session(trip: Any, new_station: Any) -> None:
    plan = CarPlan(protocols=(OfferedProtocol("urn:iso:std:iso:15118:-20:WPT"),))
    car = trip(plan, new_station()).run()
    assert "does not speak" in (car.progress.error or "")


def test_no_common_protocol_ends_the_session(trip: Any, new_station: Any) -> None:
    def none(_: Any, __: Any) -> Any:
        return sap.supportedAppProtocolRes(ResponseCode=sap.ResponseCode.Failed_NoNegotiation)

    station = new_station(instead={("supportedAppProtocolReq", 1): none})
    assert trip(CarPlan(), station).run().progress.error == "no common protocol: Failed_NoNegotiation"


def ongoing(_: Any, answer: Any) -> Any:
    return replace(answer, EVSEProcessing=Processing.Ongoing)


def test_authorization_is_repeated_with_a_new_time_stamp_alone(trip: Any, new_station: Any) -> None:
    station = new_station(instead={("AuthorizationReq", n): ongoing for n in range(1, 30)})
    car = trip(CarPlan(), station).run(loops=1)
    requests = car.log.requests("AuthorizationReq")
    assert len(requests) == 30
    same = {replace(r, Header=replace(r.Header, TimeStamp=0)) for r in requests}
    assert len(same) == 1
    assert requests[-1].Header.TimeStamp > requests[0].Header.TimeStamp


def test_a_refused_card_ends_the_session_with_the_cars_own_words(trip: Any, new_station: Any) -> None:
    station = new_station(codes={("AuthorizationReq", 1): ResponseCode.WARNING_EIMAuthorizationFailure})
    car = trip(CarPlan(), station).run()
    assert car.progress.error == "authorisation refused"
    (stop,) = car.log.requests("SessionStopReq")
    assert (stop.EVTerminationCode, stop.ChargingSession) == ("AuthorizationRefused", cm.ChargingSession.Terminate)


BOTH = (cm.Authorization.EIM, cm.Authorization.PnC)


def test_a_contract_is_signed_over_the_stations_challenge(trip: Any, new_station: Any) -> None:
    station = new_station(services_of_authorization=BOTH)
    car = trip(CarPlan(authorization="PnC"), station, credentials=CREDENTIALS).run(loops=1)
    (request,) = car.log.requests("AuthorizationReq")
    assert request.SelectedAuthorizationService is cm.Authorization.PnC
    assert request.PnC_AReqAuthorizationMode.GenChallenge == bytes(range(16))
    assert request.PnC_AReqAuthorizationMode.ContractCertificateChain.Certificate == b"leaf"
    assert request.Header.Signature == signed(None)
    assert (car.progress.error, car.violations) == (None, [])


@pytest.mark.parametrize("falls_back", [True, False])
def test_a_refused_contract_may_be_followed_by_eim(trip: Any, new_station: Any, falls_back: bool) -> None:
    code = ResponseCode.WARNING_CertificateExpired
    station = new_station(services_of_authorization=BOTH, codes={("AuthorizationReq", 1): code})
    plan = CarPlan(authorization="PnC", falls_back_to_eim=falls_back)
    car = trip(plan, station, credentials=CREDENTIALS).run(loops=1)
    services = [r.SelectedAuthorizationService.value for r in car.log.requests("AuthorizationReq")]
    assert services == (["PnC", "EIM"] if falls_back else ["PnC"])
    assert (car.progress.error is None) is falls_back


@pytest.mark.parametrize("offered", [(cm.Authorization.EIM,), BOTH])
def test_without_a_contract_the_car_takes_eim(trip: Any, new_station: Any, offered: Any) -> None:
    car = trip(CarPlan(authorization="PnC"), new_station(services_of_authorization=offered)).run(loops=1)
    (request,) = car.log.requests("AuthorizationReq")
    assert request.SelectedAuthorizationService is cm.Authorization.EIM


@pytest.mark.parametrize("kind", [0x8002, 0x8001])
def test_a_certificate_is_installed_before_the_authorization(trip: Any, new_station: Any, kind: int) -> None:
    plan = CarPlan(installs_certificate=True, installation_payload_type=kind, prioritized_emaids=("DE-1",))
    station = new_station(installs=True)
    car = trip(plan, station, credentials=CREDENTIALS).run(loops=1)
    names = car.log.names()
    assert names[2:5] == ["AuthorizationSetupReq", "CertificateInstallationReq", "AuthorizationReq"]
    requests = car.log.requests("CertificateInstallationReq")
    assert len(requests) == 2  # Ongoing, then Finished
    assert requests[0].Header.Signature is not None
    assert requests[0].OEMProvisioningCertificateChain.Certificate == b"oem"
    kinds = [k for r, k in zip(station.seen, station.kinds, strict=True) if isinstance(r, type(requests[0]))]
    assert kinds == [kind, kind]
    assert len(car.memory.installed) == 1
    assert (car.progress.error, car.violations) == (None, [])


@pytest.mark.parametrize(("unasked", "times"), [(False, 0), (True, 2)])
def test_a_certificate_that_is_not_offered_is_asked_for_only_on_purpose(
    trip: Any, new_station: Any, unasked: bool, times: int
) -> None:
    plan = CarPlan(installs_certificate=True, installs_unasked=unasked)
    car = trip(plan, new_station(installs=False), credentials=CREDENTIALS).run(loops=1)
    assert len(car.log.requests("CertificateInstallationReq")) == times


# -- services ---------------------------------------------------------------------------------------------------------


def test_value_added_services_are_filtered_detailed_and_selected(trip: Any, new_station: Any) -> None:
    plan = CarPlan(supported_service_ids=(6, 65), vas=(65, 66))
    car = trip(plan, new_station(vas=(65, 66))).run(loops=1)
    (discovery,) = car.log.requests("ServiceDiscoveryReq")
    assert discovery.SupportedServiceIDs.ServiceID == (6, 65)
    assert [r.ServiceID for r in car.log.requests("ServiceDetailReq")] == [6, 65]
    (selection,) = car.log.requests("ServiceSelectionReq")
    assert selection.SelectedVASList.SelectedService == (cm.SelectedService(ServiceID=65, ParameterSetID=3),)
    assert car.violations == []


def test_every_detail_may_be_asked(trip: Any, new_station: Any) -> None:
    car = trip(CarPlan(asks_every_detail=True), new_station(services=(2, 6))).run(loops=1)
    assert [r.ServiceID for r in car.log.requests("ServiceDetailReq")] == [2, 6]
    assert car.progress.service_id == 6


@pytest.mark.parametrize(("needs", "number_of_set"), [(1, 2), (2, 3)])
def test_the_set_with_the_wanted_mobility_needs_is_taken(
    trip: Any, new_station: Any, needs: int, number_of_set: int
) -> None:
    car = trip(CarPlan(mobility_needs_mode=needs), new_station()).run(loops=1)
    (selection,) = car.log.requests("ServiceSelectionReq")
    assert selection.SelectedEnergyTransferService.ParameterSetID == number_of_set


def test_a_station_without_a_service_for_this_car_ends_the_session(trip: Any, new_station: Any) -> None:
    car = trip(CarPlan(energy=("MCS",)), new_station()).run()
    assert "no service for this car" in (car.progress.error or "")


def test_a_failed_code_ends_the_session_and_opens_everything(trip: Any, new_station: Any) -> None:
    session = trip(CarPlan(), new_station(codes={("DC_ChargeLoopReq", 3): ResponseCode.FAILED_ContactorError}))
    car = session.run()
    assert car.progress.error == "DC_ChargeLoopRes: FAILED_ContactorError"
    assert session.body.history[-3:-1] == [OrderContactors(closed=False), OrderPilot("B")]
    assert car.log.codes()["DC_ChargeLoopRes", "FAILED_ContactorError"] == 1
