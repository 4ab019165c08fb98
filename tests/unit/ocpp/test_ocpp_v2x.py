"""Set-points over 2.0.1 in unusual but legal combinations: units, several periods across zero, several purposes, permission
given and taken away, and what is said about each."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.energy.arbiter import decide
from chargepoint.model.demand import Contribution, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import Interval

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


UTC0 = "2026-03-01T12:00:00Z"
VENDOR = "org.openchargepoint"


def period(start: int = 0, limit: float = 0.0, **more: Any) -> dict[str, Any]:
    custom: dict[str, Any] = {
        name: more.pop(name) for name in ("operationMode", "setpoint", "dischargeLimit") if name in more
    }
    if "setpoint" in custom:
        custom.setdefault("operationMode", "CentralSetpoint")
    extra = {"customData": {"vendorId": VENDOR, **custom}} if custom else {}
    return {"startPeriod": start, "limit": limit, **extra, **more}


def profile(*periods: dict[str, Any], number: int = 1, purpose: str = "TxProfile", **more: Any) -> dict[str, Any]:
    inner: dict[str, Any] = {name: more.pop(name) for name in ("duration", "minChargingRate") if name in more}
    schedule = {
        "id": number,
        "chargingRateUnit": more.pop("unit", "W"),
        "startSchedule": UTC0,
        "chargingSchedulePeriod": list(periods),
        **inner,
    }
    own = {"transactionId": "tx-1"} if purpose == "TxProfile" else {}
    return {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule],
        **own,
        **more,
    }


def install(desk: Desk, raw: dict[str, Any], evse_id: int = 1) -> str:
    answer = desk.ask("SetChargingProfile", {"evseId": evse_id, "chargingProfile": raw})
    if answer["status"] == "Accepted":
        return "Accepted"
    reason: str = answer["statusInfo"]["reasonCode"]
    assert answer["statusInfo"]["additionalInfo"]  # never refused without a sentence
    return reason


def allow(desk: Desk, *modes: str, transaction: str = "tx-1") -> str:
    data = json.dumps({"transactionId": transaction, "allowedEnergyTransfer": list(modes)})
    answer = desk.ask("DataTransfer", {"vendorId": VENDOR, "messageId": "NotifyAllowedEnergyTransfer", "data": data})
    status: str = answer["status"]
    return status


def explanation(desk: Desk) -> tuple[float, str]:
    """What the driver's screen would show: the arbiter's sentence, with car and hardware that could do everything."""
    able = [
        Contribution(source, EvseId(1), math.inf, "rating", Interval(-11_000, 22_000))
        for source in (Source.HARDWARE, Source.CAR)
    ]
    default = Contribution(Source.DEFAULT, EvseId(1), math.inf, "nobody else asks", target_W=22_000.0)
    said = sorted([*able, *desk.contributions(), default], key=lambda c: c.source.rank)
    setpoint = decide(EvseId(1), said, desk.now_s)
    return setpoint.power_W, setpoint.explanation


def test_amperes_of_the_car_side_discharge_at_its_voltage(desk: Desk) -> None:
    desk.port.begin()
    assert install(desk, profile(period(0, 20, setpoint=-10, dischargeLimit=-20), unit="A")) == "Accepted"
    desk.port.change(1, voltage_V=350.0)
    (said,) = desk.contributions()
    assert (said.target_W, said.limits_W) == (-3500, Interval(-7000, 7000))
    desk.port.change(1, voltage_V=0.0)  # an output that is off has no voltage to count with
    assert desk.contributions()[0].target_W == -4000
    assert install(desk, profile(period(0, -10), unit="A")) == "Accepted"
    assert desk.contributions()[0].limits_W == Interval(-4000, 0)


def test_phases_and_minimum_rate_say_nothing_of_dc(desk: Desk) -> None:
    """K01.FR.44: accepted and ignored on a DC EVSE; K01.FR.21: may be used."""
    desk.port.begin()
    raw = profile(period(0, 5000, numberPhases=1, phaseToUse=2, setpoint=-3000), minChargingRate=1000)
    assert install(desk, raw) == "Accepted"
    assert desk.contributions()[0].target_W == -3000


def test_periods_across_zero(desk: Desk) -> None:
    desk.port.begin()
    raw = profile(
        period(0, 11_000, setpoint=8000),
        period(60, 0, setpoint=-8000, dischargeLimit=-9000),
        period(120, 0, operationMode="Idle"),
        period(180, 7000),
        period(240, -2500),
        duration=300,
    )
    assert install(desk, raw) == "Accepted"
    seen = []
    for second in (0, 59, 60, 119, 120, 180, 240, 299, 300):
        desk.now_s = float(second)
        (said,) = desk.contributions()
        seen.append((said.target_W, said.limits_W.low, said.limits_W.high))
    assert seen == [
        (8000, -math.inf, 11_000),
        (8000, -math.inf, 11_000),
        (-8000, -9000, 0),
        (-8000, -9000, 0),
        (None, 0, 0),
        (None, 0, 7000),
        (None, -2500, 0),
        (None, -2500, 0),
        (None, 0, math.inf),
    ]
    desk.now_s = 0.0
    schedule = desk.ask("GetCompositeSchedule", {"evseId": 1, "duration": 300})["schedule"]["chargingSchedulePeriod"]
    assert [p["startPeriod"] for p in schedule] == [0, 60, 120, 180, 240]
    assert [p["limit"] for p in schedule] == [11_000, 0, 0, 7000, 0]
    assert [p.get("customData", {}).get("setpoint") for p in schedule] == [8000, -8000, None, None, None]
    assert [p.get("customData", {}).get("dischargeLimit") for p in schedule] == [-11_000, -9000, None, None, -2500]


def test_station_limit_with_both_directions_over_a_setpoint(desk: Desk) -> None:
    desk.port.begin()
    assert install(desk, profile(period(0, 22_000, setpoint=-9000, dischargeLimit=-11_000))) == "Accepted"
    station = profile(period(0, 15_000, dischargeLimit=-4000), number=2, purpose="ChargingStationMaxProfile")
    assert install(desk, station, 0) == "Accepted"
    power_W, sentence = explanation(desk)
    assert power_W == -4000
    assert "sets -9000 W, cut to -4000 W" in sentence
    assert "profile 2 (ChargingStationMaxProfile) allows -4000 to 15000 W" in sentence
    one_way = profile(period(0, 15_000, dischargeLimit=0), number=2, purpose="ChargingStationMaxProfile")
    assert install(desk, one_way, 0) == "Accepted"
    assert explanation(desk)[0] == 0
    negative = profile(period(0, -4000), number=2, purpose="ChargingStationMaxProfile")
    assert install(desk, negative, 0) == "Accepted"  # 2.1: a discharge limit; charging is not allowed then
    assert desk.contributions()[0].limits_W == Interval(-4000, 0)


def test_discharge_before_it_was_agreed(desk: Desk) -> None:
    raw = profile(period(0, 0, setpoint=-3000))
    assert install(desk, raw) == "TxNotFound"
    desk.port.begin(discharge=False)
    assert install(desk, raw) == "UnsupportedParam"
    default = profile(period(0, 5000, setpoint=-3000), number=2, purpose="TxDefaultProfile")
    assert install(desk, default, 0) == "Accepted"  # for whoever can
    power_W, sentence = explanation(desk)
    assert power_W == 0
    assert "the car has not agreed to discharge" in sentence
    desk.port.change(1, discharge_negotiated=True)
    assert explanation(desk)[0] == -3000


@pytest.mark.parametrize("transaction", ["tx-2", "x" * 36])
def test_of_another_transaction(desk: Desk, transaction: str) -> None:
    desk.port.begin()
    raw = {**profile(period(0, 0, setpoint=-3000)), "transactionId": transaction}
    assert install(desk, raw) == "TxNotFound"
    assert install(desk, profile(period(0, 0, setpoint=-3000)), 0) == "InvalidValue"  # K01.FR.16
    assert allow(desk, "DC_BPT", transaction=transaction) == "Rejected"


def test_who_forbids_is_said(desk: Desk) -> None:
    """D8: not the car has not agreed, the central system has taken its permission back."""
    desk.port.begin()
    assert install(desk, profile(period(0, 5000, setpoint=-3000))) == "Accepted"
    assert explanation(desk)[0] == -3000
    assert allow(desk, "DC") == "Accepted"
    power_W, sentence = explanation(desk)
    assert power_W == 0
    assert "the central system allows this transaction to charge only" in sentence
    assert "car has not agreed" not in sentence
    assert allow(desk, "AC_BPT") == "Accepted"  # whatever is bidirectional
    power_W, sentence = explanation(desk)
    assert power_W == -3000
    assert "only" not in sentence
    assert allow(desk) == "Accepted"
    desk.ask("ClearChargingProfile", {"chargingProfileId": 1})
    (said,) = desk.contributions()
    assert said.limits_W == Interval(0, math.inf)  # also for set-points that others may give
    desk.port.end()
    desk.follow()
    desk.port.begin(transaction_id="tx-2")
    assert desk.contributions() == []


def test_a_setpoint_that_runs_out_says_so(desk: Desk) -> None:
    desk.port.begin()
    assert install(desk, profile(period(0, 5000, setpoint=-3000), duration=60)) == "Accepted"
    assert "profile 1 (TxProfile) sets -3000 W" in explanation(desk)[1]
    desk.now_s = 60.0
    power_W, sentence = explanation(desk)
    assert power_W == 22_000
    assert "sets" not in sentence
    assert "charging only" in desk.contributions()[0].reason


def test_other_vendors_fields_change_nothing(desk: Desk) -> None:
    desk.port.begin()
    strange = {"startPeriod": 0, "limit": 4000, "customData": {"vendorId": "com.else", "setpoint": -9000}}
    assert install(desk, profile(strange)) == "Accepted"
    assert desk.contributions()[0].limits_W == Interval(0, 4000)
    both = {"startPeriod": 0, "limit": -4000, "customData": {"vendorId": "com.else"}}
    assert install(desk, profile(both)) == "Accepted"
    assert desk.contributions()[0].limits_W == Interval(-4000, 0)
    assert install(desk, profile(period(0, -4000, setpoint=-3000))) == "InvalidSchedule"
