"""Charging profiles: what is taken, what refused with which reason, what holds when."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.commands import Contribute
from chargepoint.model.demand import Source
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import Interval
from chargepoint.ocpp.blocks.effects import CallAnswer
from chargepoint.ocpp.rpc import CallReceived

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


UTC0 = "2026-03-01T12:00:00Z"
VENDOR = "org.openchargepoint"


def schedule(
    *periods: tuple[float, ...] | dict[str, Any], unit: str = "W", start: str | None = UTC0, **more: Any
) -> dict[str, Any]:
    rows = [p if isinstance(p, dict) else {"startPeriod": p[0], "limit": p[1]} for p in periods]
    head = {"id": 1, "chargingRateUnit": unit, "chargingSchedulePeriod": rows, **more}
    return head if start is None else {**head, "startSchedule": start}


def profile(
    *periods: Any,
    id: int = 1,
    purpose: str = "TxProfile",
    kind: str = "Absolute",
    stack: int = 0,
    tx: str | None = None,
    unit: str = "W",
    start: str | None = UTC0,
    duration: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    extra = {} if duration is None else {"duration": duration}
    return {
        "id": id,
        "stackLevel": stack,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule(*periods, unit=unit, start=start, **extra)],
        **({} if tx is None else {"transactionId": tx}),
        **more,
    }


def v2x(
    setpoint: float | None = None,
    limit: float = 0.0,
    discharge: float | None = None,
    mode: str = "CentralSetpoint",
    start: int = 0,
    **more: Any,
) -> dict[str, Any]:
    custom: dict[str, Any] = {"vendorId": VENDOR, "operationMode": mode, **more}
    if setpoint is not None:
        custom["setpoint"] = setpoint
    if discharge is not None:
        custom["dischargeLimit"] = discharge
    return {"startPeriod": start, "limit": limit, "customData": custom}


def install(desk: Desk, evse_id: int, raw: dict[str, Any]) -> str:
    answer = desk.ask("SetChargingProfile", {"evseId": evse_id, "chargingProfile": raw})
    if answer["status"] == "Accepted":
        return "Accepted"
    assert answer["statusInfo"]["additionalInfo"]
    reason: str = answer["statusInfo"]["reasonCode"]
    return reason


DEFAULT, MAX = "TxDefaultProfile", "ChargingStationMaxProfile"

REFUSED = [
    (9, profile((0, 1), purpose=DEFAULT), "UnknownEvse"),
    (0, profile((0, 1), purpose="ChargingStationExternalConstraints"), "InvalidProfile"),
    (0, profile((0, 1), tx="tx-1"), "InvalidValue"),
    (1, profile((0, 1)), "MissingParam"),
    (1, profile((0, 1), tx="tx-2"), "TxNotFound"),
    (1, profile((0, 1), purpose=MAX), "InvalidValue"),
    (0, profile((0, 1), purpose=MAX, kind="Relative", start=None), "InvalidProfile"),
    (0, profile((0, 1), purpose=DEFAULT, start=None), "InvalidSchedule"),
    (0, profile((0, 1), purpose=DEFAULT, kind="Recurring", start=None, recurrencyKind="Daily"), "InvalidSchedule"),
    (0, profile((0, 1), purpose=DEFAULT, kind="Recurring"), "InvalidProfile"),
    (0, profile((0, 1), purpose=DEFAULT, recurrencyKind="Daily"), "InvalidProfile"),
    (0, profile((0, 1), purpose=DEFAULT, kind="Relative"), "InvalidSchedule"),
    (0, profile((5, 1), purpose=DEFAULT), "InvalidSchedule"),
    (0, profile((0, 1), (9, 1), (9, 2), purpose=DEFAULT), "InvalidSchedule"),
    (0, profile((0, 1), purpose=DEFAULT, duration=0), "InvalidSchedule"),
    (0, profile((0, 1), purpose=DEFAULT, stack=99), "InvalidStackLevel"),
    (0, profile((0, 1), purpose=DEFAULT, stack=-1), "InvalidStackLevel"),
    (0, profile((0, 1), purpose=DEFAULT, validFrom=UTC0, validTo=UTC0), "InvalidProfile"),
    (0, {**profile((0, 1), purpose=DEFAULT), "chargingSchedule": [schedule((0, 1)), schedule((0, 2))]}, "InvalidSchedule"),
    (1, profile(v2x(-5000), tx="tx-1"), "Accepted"),
    (1, profile(v2x(9000, limit=8000), tx="tx-1"), "InvalidSchedule"),
    (1, profile(v2x(-9000, discharge=-8000), tx="tx-1"), "InvalidSchedule"),
    (1, profile(v2x(-9000, discharge=8000), tx="tx-1"), "InvalidSchedule"),
    (1, profile(v2x(None), tx="tx-1"), "InvalidSchedule"),
    (1, profile(v2x(-1, mode="ChargingOnly"), tx="tx-1"), "InvalidSchedule"),
    (1, profile(v2x(None, mode="LocalFrequency"), tx="tx-1"), "UnsupportedParam"),
    (1, profile(v2x(-1, v2xBaseline=5), tx="tx-1"), "UnsupportedParam"),
    (1, profile(v2x("fast"), tx="tx-1"), "InvalidValue"),  # type: ignore[arg-type]
    (1, profile(v2x(True), tx="tx-1"), "InvalidValue"),
    (0, profile(v2x(-1), purpose=MAX), "InvalidSchedule"),
]  # fmt: skip


@pytest.mark.parametrize(("evse_id", "raw", "reason"), REFUSED)
def test_reasons(desk: Desk, evse_id: int, raw: dict[str, Any], reason: str) -> None:
    """Among them K01.FR.31, FR.35, FR.38, FR.41 and K04.FR.03."""
    request = {"evseId": evse_id, "chargingProfile": raw}
    if desk.version.native_v2x and desk.schemas.check_request("SetChargingProfile", request) is not None:
        assert reason == "InvalidStackLevel"  # the schema of 2.1 refuses a negative one itself
        return
    desk.port.begin()
    assert install(desk, evse_id, raw) == reason
    assert len(desk.profiles) == (1 if reason == "Accepted" else 0)


def test_a_tx_profile_needs_a_transaction(desk: Desk) -> None:
    assert install(desk, 1, profile((0, 1), tx="tx-1")) == "TxNotFound"  # K01.FR.09


def test_same_id_replaces_and_same_place_is_a_duplicate(two_evses: Desk) -> None:
    desk = two_evses
    assert install(desk, 0, profile((0, 5000), purpose=DEFAULT)) == "Accepted"
    assert install(desk, 0, profile((0, 6000), purpose=DEFAULT)) == "Accepted"  # K01.FR.05
    assert install(desk, 0, profile((0, 5000), id=2, purpose=DEFAULT)) == "DuplicateProfile"  # K01.FR.06
    assert install(desk, 1, profile((0, 5000), id=2, purpose=DEFAULT)) == "DuplicateProfile"  # K01.FR.53
    assert install(desk, 1, profile((0, 5000), id=2, purpose=DEFAULT, stack=1)) == "Accepted"
    assert install(desk, 0, profile((0, 5000), id=3, purpose=DEFAULT, stack=1)) == "DuplicateProfile"  # K01.FR.52
    year = "2027-01-01T00:00:00Z"
    assert install(desk, 0, profile((0, 6000), purpose=DEFAULT, validTo=year)) == "Accepted"
    assert install(desk, 0, profile((0, 5000), id=4, purpose=DEFAULT, validFrom=year)) == "Accepted"  # no overlap
    desk.port.begin(1, "tx-1")
    assert install(desk, 1, profile((0, 1), id=5, tx="tx-1")) == "Accepted"
    assert install(desk, 1, profile((0, 1), id=6, tx="tx-1")) == "DuplicateProfile"  # K01.FR.39


def test_too_many_profiles_are_refused(desk: Desk) -> None:
    for number in range(64):
        window: dict[str, Any] = {
            "validFrom": f"20{number + 30}-01-01T00:00:00Z",
            "validTo": f"20{number + 30}-02-01T00:00:00Z",
        }
        assert install(desk, 0, profile((0, 1), id=number, purpose=DEFAULT, **window)) == "Accepted"
    assert install(desk, 0, profile((0, 1), id=99, purpose=DEFAULT, stack=3)) == "OutOfStorage"


def test_profiles_past_their_validity_make_way(desk: Desk) -> None:
    day: dict[str, Any] = {"validTo": "2026-03-01T18:00:00Z"}
    assert install(desk, 0, profile((0, 1), id=1, purpose=DEFAULT, **day)) == "Accepted"
    assert install(desk, 0, profile((0, 2), id=2, purpose=DEFAULT)) == "DuplicateProfile"
    desk.now_s = 6 * 3600.0
    assert install(desk, 0, profile((0, 2), id=2, purpose=DEFAULT)) == "Accepted"
    assert sorted(desk.profiles) == [2]  # also on the disk
    assert len(desk.station.smart_charging.profiles) == 1
    desk.port.begin()
    assert install(desk, 1, profile(v2x(-5000), tx="tx-1", id=3, validTo="2026-03-01T18:01:00Z")) == "Accepted"
    desk.now_s += 120.0
    assert install(desk, 1, profile((0, 9000), tx="tx-1", id=4, stack=1)) == "Accepted"
    assert sorted(desk.profiles) == [2, 3, 4]  # a set-point that ran out still says: charging only


def test_long_profiles_are_reported_page_by_page(desk: Desk) -> None:
    periods = [(i, float(i)) for i in range(1000)]
    for number in (1, 2, 3):
        assert install(desk, 0, profile(*periods, id=number, stack=number, purpose=DEFAULT)) == "Accepted"
    answer = desk.answer("GetChargingProfiles", {"requestId": 1, "chargingProfile": {}})
    assert [len(o.payload["chargingProfile"]) for o in desk.sends(answer)] == [1, 1, 1]
    assert [o.payload["tbc"] for o in desk.sends(answer)] == [True, True, False]


def test_discharge_is_refused_where_it_is_not_agreed(desk: Desk) -> None:
    desk.port.begin(discharge=False)
    assert install(desk, 1, profile(v2x(-5000), tx="tx-1")) == "UnsupportedParam"
    assert install(desk, 1, profile((0, -5000), tx="tx-1")) == "UnsupportedParam"
    assert install(desk, 1, profile(v2x(5000, limit=5000), tx="tx-1")) == "Accepted"
    desk.port.begin(discharge=True)
    desk.port.change(1, discharge_max_W=0.0)
    assert install(desk, 1, profile(v2x(-5000), tx="tx-1")) == "UnsupportedParam"
    desk.port.change(1, discharge_max_W=11_000.0)
    told = desk.ask(
        "DataTransfer",
        {
            "vendorId": VENDOR,
            "messageId": "NotifyAllowedEnergyTransfer",
            "data": json.dumps({"transactionId": "tx-1", "allowedEnergyTransfer": ["DC"]}),
        },
    )
    assert told["status"] == "Accepted"
    assert install(desk, 1, profile(v2x(-5000), tx="tx-1")) == "UnsupportedParam"
    assert desk.set("V2XChargingCtrlr", "V2XOver201", "false") == "Accepted"
    assert install(desk, 1, profile(v2x(-5000), tx="tx-1")) == "NotEnabled"
    assert install(desk, 1, profile((0, -5000), tx="tx-1")) == "InvalidSchedule"


def test_negative_limit_means_what_the_variable_says(desk: Desk) -> None:
    desk.port.begin()
    assert install(desk, 1, profile((0, -5000), tx="tx-1")) == "Accepted"
    (said,) = desk.contributions()
    assert (said.target_W, said.limits_W) == (None, Interval(-5000, 0))
    assert desk.set("V2XChargingCtrlr", "NegativeLimitMeaning", "Setpoint") == "Accepted"
    (said,) = desk.contributions()
    assert said.target_W is None  # what was accepted keeps its meaning
    assert install(desk, 1, profile((0, -5000), tx="tx-1")) == "Accepted"
    (said,) = desk.contributions()
    assert (said.target_W, said.limits_W) == (-5000, Interval(-5000, 0))
    desk.restart()
    desk.accept()
    (said,) = desk.contributions()
    assert said.target_W == -5000


def test_all_forms_give_the_same_setpoint(desk: Desk) -> None:
    desk.port.begin()
    said = []
    assert install(desk, 1, profile(v2x(-4000, discharge=-4000), tx="tx-1")) == "Accepted"
    said.append(desk.contributions()[0].target_W)
    desk.set("V2XChargingCtrlr", "NegativeLimitMeaning", "Setpoint")
    assert install(desk, 1, profile((0, -4000), tx="tx-1")) == "Accepted"
    said.append(desk.contributions()[0].target_W)
    assert install(desk, 1, profile(v2x(1000, limit=9000, discharge=-9000), tx="tx-1", duration=60)) == "Accepted"
    desk.now_s = 59.0
    update = {"chargingProfileId": 1, "scheduleUpdate": {"setpoint": -4000}}
    answer = desk.ask("DataTransfer", {"vendorId": VENDOR, "messageId": "UpdateDynamicSchedule", "data": update})
    assert answer["status"] == "Accepted"
    said.append(desk.contributions()[0].target_W)
    desk.now_s = 118.9  # 60 s from the update
    said.append(desk.contributions()[0].target_W)
    assert said == [-4000.0] * 4
    desk.now_s = 119.1
    (after,) = desk.contributions()
    assert (after.target_W, after.limits_W) == (None, Interval(0, math.inf))
    desk.restart()
    desk.accept()
    assert desk.station.smart_charging.profiles.installed[0].profile.periods[0].setpoint == -4000


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"chargingProfileId": 7, "scheduleUpdate": {"setpoint": 1}}, "NotFound"),
        ({"chargingProfileId": "1", "scheduleUpdate": {"setpoint": 1}}, "MissingParam"),
        ({"chargingProfileId": 1}, "MissingParam"),
        ({"chargingProfileId": 1, "scheduleUpdate": {"setpoint": 99_000}}, "InvalidSchedule"),
        ({"chargingProfileId": 1, "scheduleUpdate": {"limit": -1}}, "InvalidSchedule"),
        ({"chargingProfileId": 1, "scheduleUpdate": {"setpoint": 10**400}}, "InvalidValue"),
        ({"chargingProfileId": 1, "scheduleUpdate": {"limit_L2": 1}}, "UnsupportedParam"),
        ("{not json", "InvalidValue"),
        ([], "InvalidValue"),
    ],
)
def test_bad_updates(desk: Desk, request_: Any, reason: str) -> None:
    desk.port.begin()
    install(desk, 1, profile(v2x(1000, limit=9000), tx="tx-1"))
    answer = desk.station.handle(
        CallReceived("x", "DataTransfer", {"vendorId": VENDOR, "messageId": "UpdateDynamicSchedule", "data": request_}),
        desk.moment,
    )
    assert isinstance(answer, CallAnswer)
    assert (answer.payload["status"], answer.payload["statusInfo"]["reasonCode"]) == ("Rejected", reason)


def test_other_vendors_and_messages(desk: Desk) -> None:
    """P01.FR.05, FR.06."""
    assert desk.ask("DataTransfer", {"vendorId": "com.else"})["status"] == "UnknownVendorId"
    assert desk.ask("DataTransfer", {"vendorId": VENDOR, "messageId": "AFRRSignal"})["status"] == "UnknownMessageId"


def test_setpoint_without_refresh_falls_back_to_charging_only(desk: Desk) -> None:
    desk.port.begin()
    install(desk, 1, profile(v2x(-5000, discharge=-5000), tx="tx-1", duration=30))
    (said,) = desk.contributions()
    assert (said.source, said.target_W, said.valid_until_s) == (Source.CSMS, -5000, 31.0)
    assert "sets -5000 W" in said.reason
    desk.now_s = 30.0
    (said,) = desk.contributions()
    assert (said.target_W, said.limits_W) == (None, Interval(0, math.inf))
    assert "charging only" in said.reason
    install(desk, 0, profile((0, 3000), id=9, purpose=DEFAULT))
    (said,) = desk.contributions()
    assert (said.target_W, said.limits_W) == (None, Interval(0, 3000))


def test_renegotiation_to_charging_only_never_discharges(desk: Desk) -> None:
    desk.port.begin()
    install(desk, 1, profile(v2x(-5000, discharge=-5000), tx="tx-1"))
    desk.port.change(1, discharge_negotiated=False)
    (said,) = desk.contributions()
    assert said.target_W == 0
    assert said.limits_W.low == 0
    assert "not agreed to discharge" in said.reason


def test_setpoint_is_cut_to_ratings_and_to_the_station(two_evses: Desk) -> None:
    desk = two_evses
    desk.port.begin(1, "tx-1")
    install(desk, 1, profile(v2x(90_000, limit=90_000), tx="tx-1"))
    (said,) = desk.contributions()
    assert said.target_W == 22_000
    install(desk, 0, profile((0, 10_000), id=2, purpose=MAX))
    assert [k.target_W for k in desk.contributions()] == [10_000, None]
    desk.port.begin(2, "tx-2")
    first, second = desk.contributions()
    assert first.target_W == 5_000  # K04.FR.05: half each
    assert second.limits_W.high == 5_000
    install(desk, 1, profile(v2x(-9_000, discharge=-9_000), tx="tx-1"))
    assert desk.contributions()[0].target_W == -5_000  # the same fuse in the other direction


def test_amperes(desk: Desk) -> None:
    desk.port.begin()
    install(desk, 1, profile((0, 10), tx="tx-1", unit="A"))
    assert desk.contributions()[0].limits_W == Interval(0, 4000)
    desk.port.change(1, voltage_V=None)
    assert desk.contributions()[0].limits_W == Interval(0, 4000)  # nominal 400 V
    install(desk, 0, profile((0, 4), id=2, purpose=MAX, unit="A"))
    assert desk.contributions()[0].limits_W.high == pytest.approx(4 * 230 * 3)
    install(desk, 0, profile({"startPeriod": 0, "limit": 4, "numberPhases": 1}, id=2, purpose=MAX, unit="A"))
    assert desk.contributions()[0].limits_W.high == pytest.approx(920)


def high_at(desk: Desk, *seconds: float) -> list[float | None]:
    out = []
    for second in seconds:
        desk.now_s = second
        said = desk.contributions()
        out.append(said[0].limits_W.high if said else None)
    return out


def test_periods_duration_and_validity(desk: Desk) -> None:
    """K01.FR.11, FR.12."""
    raw = profile((0, 1000), (60, 2000), (999, 3000), purpose=DEFAULT, duration=120, validFrom="2026-03-01T12:00:10Z")
    install(desk, 0, raw)
    assert high_at(desk, 0, 9, 10, 59, 60, 119, 120, 1000) == [None, None, 1000, 1000, 2000, 2000, None, None]
    desk.now_s = 0
    install(desk, 0, profile((0, 500), id=1, purpose=DEFAULT, validTo="2026-03-01T12:00:10Z"))
    assert high_at(desk, 5, 10) == [500, None]
    install(desk, 0, profile((0, 700), id=1, purpose=DEFAULT, start="2026-03-01T12:01:00Z"))
    assert high_at(desk, 59, 61) == [None, 700]  # K01.FR.30


def test_stack_levels_and_fall_back(desk: Desk) -> None:
    install(desk, 0, profile((0, 1000), id=1, purpose=DEFAULT, stack=0))
    install(desk, 0, profile((0, 9000), id=2, purpose=DEFAULT, stack=1, duration=60))
    assert high_at(desk, 0, 61) == [9000, 1000]  # K01.FR.17: the higher level, even with the higher limit
    desk.now_s = 0
    desk.port.begin()
    install(desk, 1, profile((0, 7000), id=3, tx="tx-1", duration=30))
    assert high_at(desk, 0, 31, 61) == [7000, 9000, 1000]  # K02.FR.04, FR.08


def test_recurring_and_relative(desk: Desk) -> None:
    """K01.FR.13: after its duration a daily profile says nothing. K01.FR.42: Relative counts from the transaction."""
    day = 86_400
    daily = profile(
        (0, 1000),
        (3600, 2000),
        purpose=DEFAULT,
        kind="Recurring",
        recurrencyKind="Daily",
        start="2026-02-20T12:00:00Z",
        duration=7200,
    )
    install(desk, 0, daily)
    assert high_at(desk, 0, 3600, 7200, day, day + 3600) == [1000, 2000, None, 1000, 2000]
    weekly = {**daily, "recurrencyKind": "Weekly"}
    install(desk, 0, weekly)  # 20 February 2026 + 7 = 27 February
    assert high_at(desk, 0, 5 * day, 5 * day + 7200) == [None, 1000, None]
    desk.now_s = 0
    install(desk, 0, profile((0, 1000), (60, 2000), purpose=DEFAULT, kind="Relative", start=None))
    assert high_at(desk, 0, 500) == [1000, 1000]  # no transaction: as if it began now
    desk.port.begin(at_s=450.0)
    assert high_at(desk, 500, 510) == [1000, 2000]


def test_contributions_name_their_next_boundary(desk: Desk) -> None:
    """K10.FR.05: what is cleared is withdrawn at once."""
    install(desk, 0, profile((0, 1000), (45, 2000), purpose=DEFAULT))
    assert desk.contribute() == pytest.approx(45.0, abs=0.01)
    (said,) = desk.contributions()
    assert said.valid_until_s == 46.0  # a grace, so that there is no gap before its successor
    desk.now_s = 50
    assert desk.contribute() == 110.0
    (said,) = desk.contributions()
    assert said.valid_until_s == 170.0
    desk.port.commands.clear()
    assert desk.ask("ClearChargingProfile", {"chargingProfileId": 1})["status"] == "Accepted"
    assert desk.port.commands == [Contribute(EvseId(1), "ocpp", ())]  # withdrawn once
    desk.port.commands.clear()
    desk.contribute()
    assert desk.port.commands == []


def test_profiles_survive_a_restart_and_leave_with_their_transaction(desk: Desk) -> None:
    """K02.FR.05."""
    desk.port.begin()
    install(desk, 0, profile((0, 6000), id=1, purpose=DEFAULT))
    install(desk, 1, profile((0, 3000), id=2, tx="tx-1"))
    desk.restart()
    desk.accept()
    assert high_at(desk, 1) == [3000]
    desk.port.end()
    desk.follow()
    assert list(desk.profiles) == [1]
    assert high_at(desk, 2) == [6000]
    desk.stored["charging-profiles"]["5"] = {"evseId": 0, "profile": "broken"}
    desk.restart()
    assert len(desk.station.smart_charging.profiles.unreadable) == 1


def test_profile_with_remote_start_is_bound_to_that_token(desk: Desk) -> None:
    """F01.FR.09, FR.11, FR.26, K05.FR.05."""
    start = {
        "idToken": {"idToken": "04A1B2C3", "type": "ISO14443"},
        "remoteStartId": 1,
        "evseId": 1,
        "chargingProfile": profile((0, 4000), id=8, kind="Relative", start=None),
    }
    assert desk.ask("RequestStartTransaction", start)["status"] == "Accepted"
    assert desk.contributions() == []
    desk.port.begin()
    desk.follow()
    assert desk.contributions()[0].limits_W.high == 4000
    assert desk.station.smart_charging.profiles.installed[0].profile.transaction_id == "tx-1"
    desk.port.end()
    desk.follow()
    for bad in (profile((0, 1), purpose=DEFAULT), profile((0, 1), tx="tx-1"), profile((3, 1))):
        answer = desk.ask("RequestStartTransaction", {**start, "chargingProfile": bad})
        assert answer["statusInfo"]["reasonCode"] in ("InvalidProfile", "InvalidSchedule")
    assert desk.ask("RequestStartTransaction", start)["status"] == "Accepted"
    desk.now_s = 3600.0  # nobody came
    desk.follow()
    desk.port.begin()
    desk.follow()
    assert desk.contributions() == []


def test_a_newer_remote_start_drops_the_profile_of_the_one_that_waited(desk: Desk) -> None:
    start = {"evseId": 1, "remoteStartId": 1, "idToken": {"idToken": "04a1b2c3", "type": "ISO14443"}}
    with_profile = {**start, "chargingProfile": profile((0, 4000))}
    assert desk.ask("RequestStartTransaction", with_profile)["status"] == "Accepted"
    assert desk.ask("RequestStartTransaction", {**start, "remoteStartId": 2})["status"] == "Accepted"
    desk.port.begin()
    desk.follow()
    assert len(desk.station.smart_charging.profiles) == 0


def test_clear_and_report(two_evses: Desk) -> None:
    desk = two_evses
    install(desk, 0, profile((0, 1), id=1, purpose=DEFAULT))
    install(desk, 1, profile((0, 1), id=2, purpose=DEFAULT, stack=1))
    install(desk, 0, profile((0, 1), id=3, purpose=MAX))

    def reported(**criteria: Any) -> list[int]:
        answer = desk.answer("GetChargingProfiles", {"requestId": 4, **criteria})
        assert all(o.payload["requestId"] == 4 for o in desk.sends(answer))
        assert [o.payload["tbc"] for o in desk.sends(answer)] == [True] * (len(desk.sends(answer)) - 1) + [
            False
        ] * bool(answer.then)
        return sorted(p["id"] for o in desk.sends(answer) for p in o.payload["chargingProfile"])

    assert reported(chargingProfile={"chargingProfilePurpose": DEFAULT}) == [1, 2]
    assert reported(evseId=0, chargingProfile={"chargingLimitSource": ["CSO"]}) == [1, 3]
    assert reported(evseId=1, chargingProfile={"stackLevel": 1}) == [2]
    assert reported(chargingProfile={"chargingProfileId": [3, 9]}) == [3]
    assert reported(chargingProfile={"chargingLimitSource": ["EMS"]}) == []
    assert desk.ask("ClearChargingProfile", {"chargingProfileId": 9})["status"] == "Unknown"
    criteria = {"chargingProfilePurpose": DEFAULT, "evseId": 1}
    assert desk.ask("ClearChargingProfile", {"chargingProfileCriteria": criteria})["status"] == "Accepted"
    assert list(desk.profiles) == [1, 3]
    assert desk.ask("ClearChargingProfile", {"chargingProfileCriteria": {"stackLevel": 0}})["status"] == "Accepted"
    assert desk.profiles == {}
