"""Cases of OCPP 2.0.1 Part 6 against the station core, step by step where nothing else here does it. Named by case."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.commands import StopTransaction
from chargepoint.model.ids import EvseId, TransactionId
from chargepoint.model.limits import ZERO, Interval
from chargepoint.model.status import AuthorizationStatus
from chargepoint.model.transactions import StopReason, TriggerReason
from chargepoint.ocpp.back_off import BackOff
from chargepoint.ocpp.blocks.authorization import token_from_wire
from chargepoint.ocpp.link import back_off_settings
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.token_cache import status_at

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


UTC0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def at(seconds: float) -> str:
    return (UTC0 + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def profile(number: int, purpose: str, periods: dict[int, float], **more: Any) -> dict[str, Any]:
    schedule: dict[str, Any] = {
        "id": number,
        "chargingRateUnit": "W",
        "startSchedule": at(0),
        "chargingSchedulePeriod": [
            {"startPeriod": s, "limit": 1000.0 * limit, "numberPhases": 3} for s, limit in periods.items()
        ],
    }
    for name in ("duration", "startSchedule"):
        if name in more:
            schedule[name] = more.pop(name)
    if more.get("chargingProfileKind") == "Relative":
        del schedule["startSchedule"]
    return {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule],
        **more,
    }


def install(desk: Desk, evse_id: int, raw: dict[str, Any]) -> str:
    status: str = desk.ask("SetChargingProfile", {"evseId": evse_id, "chargingProfile": raw})["status"]
    return status


def composite(desk: Desk, evse_id: int, duration: int) -> list[tuple[int, float]]:
    schedule = desk.ask("GetCompositeSchedule", {"evseId": evse_id, "duration": duration, "chargingRateUnit": "W"})[
        "schedule"
    ]
    assert (schedule["evseId"], schedule["duration"]) == (evse_id, duration)
    return [(p["startPeriod"], p["limit"] / 1000) for p in schedule["chargingSchedulePeriod"]]


# -- B: reset ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "charging", "status", "reason"),
    [
        ("OnIdle", False, "Accepted", "RemoteReset"),  # TC_B_20, TC_B_23
        ("OnIdle", True, "Scheduled", "ScheduledReset"),  # TC_B_21
        ("Immediate", False, "Accepted", "RemoteReset"),
        ("Immediate", True, "Accepted", "RemoteReset"),  # TC_B_22
    ],
)
def test_b_20_to_23_the_next_boot_says_why(desk: Desk, kind: str, charging: bool, status: str, reason: str) -> None:
    if charging:
        desk.port.begin()
    assert desk.ask("Reset", {"type": kind})["status"] == status
    desk.port.end()
    desk.restart()
    desk.due()
    assert desk.boot_reason == reason


def test_b_25_to_27_an_evse_reset_is_no_boot(desk: Desk) -> None:
    desk.port.begin()
    assert desk.ask("Reset", {"type": "OnIdle", "evseId": 1})["status"] == "Scheduled"
    desk.restart()
    desk.due()
    assert desk.boot_reason == "PowerUp"


@pytest.mark.parametrize(
    "value", ["300.1", "true", "2026-03-01T12:00:00Z", "abc", "1_0", " 5", "0x10", "٣", "1e2", "--1"]
)
def test_b_11_a_whole_number_is_written_as_one(desk: Desk, value: str) -> None:
    assert desk.set("OCPPCommCtrlr", "OfflineThreshold", value) == "Rejected"
    assert desk.variables == {}


def test_b_43_a_network_profile_is_refused(desk: Desk) -> None:
    data = {
        "messageTimeout": 30,
        "ocppCsmsUrl": "wss://csms.example",
        "ocppInterface": "Wired0",
        "ocppTransport": "JSON",
        "ocppVersion": "OCPP20",
        "securityProfile": 2,
    }
    answer = desk.ask("SetNetworkProfile", {"configurationSlot": 999, "connectionData": data})
    assert answer["status"] == "Rejected"


def test_b_53_required_variables_are_reported(desk: Desk) -> None:
    """Part 2, Referenced Components and Variables, «required», for the blocks that are built."""
    required = """
    OCPPCommCtrlr/MessageTimeout OCPPCommCtrlr/FileTransferProtocols OCPPCommCtrlr/NetworkConfigurationPriority
    OCPPCommCtrlr/NetworkProfileConnectionAttempts OCPPCommCtrlr/OfflineThreshold OCPPCommCtrlr/MessageAttempts
    OCPPCommCtrlr/MessageAttemptInterval OCPPCommCtrlr/UnlockOnEVSideDisconnect OCPPCommCtrlr/ResetRetries
    OCPPCommCtrlr/RetryBackOffRepeatTimes OCPPCommCtrlr/RetryBackOffRandomRange OCPPCommCtrlr/RetryBackOffWaitMinimum
    OCPPCommCtrlr/WebSocketPingInterval DeviceDataCtrlr/ItemsPerMessage DeviceDataCtrlr/BytesPerMessage ClockCtrlr/DateTime
    ClockCtrlr/TimeSource SecurityCtrlr/OrganizationName SecurityCtrlr/CertificateEntries SecurityCtrlr/SecurityProfile
    AuthCtrlr/AuthorizeRemoteStart AuthCtrlr/LocalAuthorizeOffline AuthCtrlr/LocalPreAuthorize TxCtrlr/EVConnectionTimeOut
    TxCtrlr/StopTxOnEVSideDisconnect TxCtrlr/TxStartPoint TxCtrlr/TxStopPoint TxCtrlr/StopTxOnInvalidId
    SampledDataCtrlr/TxStartedMeasurands SampledDataCtrlr/TxEndedMeasurands SampledDataCtrlr/TxEndedInterval
    SampledDataCtrlr/TxUpdatedMeasurands SampledDataCtrlr/TxUpdatedInterval AlignedDataCtrlr/Measurands
    AlignedDataCtrlr/Interval AlignedDataCtrlr/TxEndedMeasurands AlignedDataCtrlr/TxEndedInterval
    SmartChargingCtrlr/ProfileStackLevel SmartChargingCtrlr/RateUnit SmartChargingCtrlr/PeriodsPerSchedule
    SmartChargingCtrlr/Entries SmartChargingCtrlr/LimitChangeSignificance ChargingStation/Available
    ChargingStation/AvailabilityState ChargingStation/SupplyPhases EVSE/Available EVSE/AvailabilityState EVSE/SupplyPhases
    EVSE/Power Connector/Available Connector/AvailabilityState Connector/ConnectorType Connector/SupplyPhases
    """
    answer = desk.answer("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    rows = [row for page in desk.sends(answer) for row in page.payload["reportData"]]
    assert set(required.split()) <= {f"{row['component']['name']}/{row['variable']['name']}" for row in rows}
    for row in rows:
        told, kind = row["variableAttribute"][0], row["variableCharacteristics"]
        if kind["dataType"] in ("OptionList", "SequenceList", "MemberList"):
            known = set(kind["valuesList"].split(","))
            assert set(filter(None, told.get("value", "").split(","))) <= known
        assert told["mutability"] != "WriteOnly" or "value" not in told


def test_b_57_the_variables_rule_the_back_off(desk: Desk) -> None:
    """The configured ceiling (120 s) does not cut what the central system ordered."""
    back_off = BackOff()
    assert back_off_settings(desk.csms, desk.station.model).most_s == 120.0
    for name, value in (("WaitMinimum", "100"), ("RandomRange", "0"), ("RepeatTimes", "2")):
        assert desk.set("OCPPCommCtrlr", f"RetryBackOff{name}", value) == "Accepted"
    settings = back_off_settings(desk.csms, desk.station.model)
    assert [back_off.next_delay_s(settings, 0.9) for _ in range(4)] == [100, 200, 400, 400]
    back_off.connected()
    assert back_off.next_delay_s(settings, 0.9) == 100


# -- C: authorisation --------------------------------------------------------------------------------------------------


def test_c_09_to_12_a_known_bad_token_is_asked_again(desk: Desk) -> None:
    """C10.FR.03, C12.FR.05: only Accepted is believed without asking, and only with LocalPreAuthorize."""
    token = token_from_wire({"idToken": "04A1B2C3", "type": "ISO14443"})
    request = {"idToken": {"idToken": "04A1B2C3", "type": "ISO14443"}}
    authorization = desk.station.authorization
    desk.set("AuthCtrlr", "LocalPreAuthorize", "true")
    for status in ("Invalid", "Blocked", "Expired", "NotAtThisTime"):
        desk.answered("Authorize", request, {"idTokenInfo": {"status": status}})
        assert authorization.before_asking(token, EvseId(1), desk.now) is None
        assert authorization.without_csms(token, EvseId(1), desk.now) is AuthorizationStatus(status)
    desk.answered("Authorize", request, {"idTokenInfo": {"status": "Accepted"}})
    assert authorization.before_asking(token, EvseId(1), desk.now) is AuthorizationStatus.ACCEPTED
    desk.set("AuthCtrlr", "LocalPreAuthorize", "false")  # TC_C_36
    assert authorization.before_asking(token, EvseId(1), desk.now) is None


def test_c_01_a_token_good_for_some_evses_charges_at_no_other(desk: Desk) -> None:
    """C01.FR.19 to FR.21: the list binds the answer, and what the cache remembers of it."""
    token = token_from_wire({"idToken": "04A1B2C3", "type": "ISO14443"})
    request = {"idToken": {"idToken": "04A1B2C3", "type": "ISO14443"}}
    authorization = desk.station.authorization
    for listed, at_1, at_2 in (
        ([2], AuthorizationStatus.NOT_ALLOWED_TYPE_EVSE, AuthorizationStatus.ACCEPTED),
        ([1, 2], AuthorizationStatus.ACCEPTED, AuthorizationStatus.ACCEPTED),
    ):
        info = {"status": "Accepted", "evseId": listed}
        assert status_at(info, EvseId(1)) is at_1
        desk.answered("Authorize", request, {"idTokenInfo": info})
        (kept,) = desk.kept("token-cache").values()
        assert kept["evseIds"] == listed
        assert authorization.without_csms(token, EvseId(1), desk.now) is at_1
        assert authorization.without_csms(token, EvseId(2), desk.now) is at_2
    blocked = {"status": "Blocked", "evseId": [1]}
    assert status_at(blocked, EvseId(1)) is AuthorizationStatus.BLOCKED


def test_c_15_to_18_a_token_refused_afterwards(desk: Desk) -> None:
    """C15.FR.04 ends the transaction; C15.FR.06 (StopTxOnInvalidId false) goes on without energy."""
    desk.port.begin()
    event = {"idToken": {"idToken": "04A1B2C3", "type": "ISO14443"}, "transactionInfo": {"transactionId": "tx-1"}}
    stop = StopTransaction(TransactionId("tx-1"), TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED)

    def answered(status: str) -> None:
        desk.port.commands.clear()
        desk.answered("TransactionEvent", event, {"idTokenInfo": {"status": status}})

    answered("Invalid")
    assert desk.port.commands == [stop]
    desk.set("TxCtrlr", "StopTxOnInvalidId", "false")
    answered("Invalid")
    assert not any(isinstance(command, StopTransaction) for command in desk.port.commands)
    (said,) = desk.contributions()
    assert (said.limits_W, said.target_W) == (ZERO, None)
    assert "not accepted" in said.reason
    answered("Accepted")
    assert desk.contributions() == []
    answered("Blocked")
    desk.port.end()
    desk.follow()
    desk.port.begin(transaction_id="tx-2")
    assert desk.contributions() == []  # the next transaction is another one


# -- G, F --------------------------------------------------------------------------------------------------------------


def test_g_09_to_16_the_state_it_is_in_already(desk: Desk) -> None:
    for state in ("Operative", "Inoperative", "Inoperative", "Operative"):
        for place in ({}, {"evse": {"id": 1}}, {"evse": {"id": 1, "connectorId": 1}}):
            assert desk.ask("ChangeAvailability", {"operationalStatus": state, **place})["status"] == "Accepted"
    desk.port.begin()
    assert desk.ask("ChangeAvailability", {"operationalStatus": "Operative"})["status"] == "Accepted"
    assert desk.ask("ChangeAvailability", {"operationalStatus": "Inoperative"})["status"] == "Scheduled"  # TC_G_14


# -- K: composite schedules, limits in kW ------------------------------------------------------------------------------


def test_k_21_to_23_valid_from_valid_to_start(two_evses: Desk) -> None:
    desk = two_evses
    default = "TxDefaultProfile"
    later = profile(1, default, {0: 6}, chargingProfileKind="Relative", validFrom=at(300))
    assert install(desk, 1, later) == "Accepted"
    assert composite(desk, 1, 400) == [(0, 22), (300, 6)]  # TC_K_21
    desk.ask("ClearChargingProfile", {"chargingProfileId": 1})
    assert install(desk, 0, profile(2, default, {0: 6}, validFrom=at(-4), validTo=at(300))) == "Accepted"
    desk.now_s = 10.0
    assert [composite(desk, number, 400) for number in (0, 1, 2)] == [  # TC_K_22: EVSE 0 is all of them
        [(0, 12), (290, 44)],
        [(0, 6), (290, 22)],
        [(0, 6), (290, 22)],
    ]
    desk.ask("ClearChargingProfile", {"chargingProfileId": 2})
    assert install(desk, 1, profile(3, default, {0: 6}, startSchedule=at(60), validTo=at(400))) == "Accepted"
    assert composite(desk, 1, 300) == [(0, 22), (50, 6)]  # TC_K_23


def test_k_40_stacked_profiles(desk: Desk) -> None:
    default = "TxDefaultProfile"
    window = {"validFrom": at(-4), "validTo": at(405)}
    assert install(desk, 1, profile(1, default, {0: 6, 100: 8, 200: 10}, duration=404, **window)) == "Accepted"
    assert install(desk, 1, profile(2, default, {0: 7, 100: 9}, duration=154, stackLevel=1, **window)) == "Accepted"
    desk.now_s = 5.0
    assert composite(desk, 1, 350) == [(0, 7), (95, 9), (149, 8), (195, 10)]


def test_k_41_the_least_of_all_purposes(desk: Desk) -> None:
    desk.port.begin()
    assert install(desk, 0, profile(1, "ChargingStationMaxProfile", {0: 10}, duration=86_400)) == "Accepted"
    default = profile(2, "TxDefaultProfile", {0: 6, 60: 10, 120: 8, 180: 15, 260: 8}, duration=300)
    assert install(desk, 1, default) == "Accepted"
    own = profile(3, "TxProfile", {0: 8, 50: 11, 140: 16, 200: 6, 240: 12}, duration=260, transactionId="tx-1")
    assert install(desk, 1, own) == "Accepted"
    assert composite(desk, 1, 400) == [(0, 8), (50, 10), (200, 6), (240, 10), (260, 8), (300, 10)]


def test_k_09_k_28_a_default_under_a_running_transaction(desk: Desk) -> None:
    desk.port.begin()
    assert install(desk, 1, profile(1, "TxDefaultProfile", {0: 6})) == "Accepted"
    assert desk.contributions()[0].limits_W == Interval(0, 6000)
    cleared = desk.ask(
        "ClearChargingProfile", {"chargingProfileCriteria": {"chargingProfilePurpose": "TxDefaultProfile"}}
    )
    assert cleared["status"] == "Accepted"
    assert desk.contributions() == []
    assert composite(desk, 1, 300) == [(0, 22)]


def test_k_29_to_36_what_was_set_is_reported_as_it_was(desk: Desk) -> None:
    custom = {"vendorId": "com.else", "limitReason": {"a": [1, None]}}
    station = profile(1, "ChargingStationMaxProfile", {0: 10}, customData=custom)  # TC_P_04
    default = profile(2, "TxDefaultProfile", {0: 6}, stackLevel=3)
    assert [install(desk, 0, station), install(desk, 1, default)] == ["Accepted", "Accepted"]

    def reported(criterion: dict[str, Any], **more: Any) -> list[Any]:
        answer = desk.answer("GetChargingProfiles", {"requestId": 9, "chargingProfile": criterion, **more})
        pages = [send.payload for send in desk.sends(answer)]
        assert answer.payload["status"] == ("Accepted" if pages else "NoProfiles")
        assert [page["tbc"] for page in pages] == [True] * (len(pages) - 1) + [False] * bool(pages)
        return [p for page in pages for p in page["chargingProfile"]]

    assert reported({}) == [station, default]
    assert reported({}, evseId=0) == [station]
    assert reported({}, evseId=1) == [default]
    assert reported({"chargingProfileId": [2, 7]}) == [default]
    assert reported({"stackLevel": 3}, evseId=1) == [default]
    assert reported({"chargingLimitSource": ["CSO"]}, evseId=1) == [default]
    assert reported({"chargingLimitSource": ["EMS"]}, evseId=1) == []
    assert reported({"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 2}, evseId=1) == []


# -- what the clock of the central system does -------------------------------------------------------------------------


@pytest.mark.parametrize("nonsense", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z"])
def test_a_clock_nobody_lives_by_is_not_taken(desk: Desk, nonsense: str) -> None:
    response = {"status": "Accepted", "interval": 10, "currentTime": nonsense}
    desk.answered("BootNotification", {}, response)
    assert desk.now.moment == desk.moment
    assert desk.registration.deadline_s == 10.0
    assert math.isfinite(desk.station.at(Moment(1e9, desk.moment.utc_s)).utc_s)
