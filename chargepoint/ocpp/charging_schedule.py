"""Charging schedules: one charging profile, parsed and checked. Owns its vocabulary, its parsing and which period holds when.

V2X over 2.0.1 (docs/sources/ocpp.md 7.3): OCPP 2.1's period fields in `customData` of our vendor id, and a negative `limit`.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, replace
from enum import Enum

from chargepoint.model.forecast import TariffPiece
from chargepoint.ocpp.sales_tariff import SalesTariffSteps, read_sales_tariff
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import from_wire

VENDOR_ID = "org.openchargepoint"
_MILLISECOND = 1e-3
SOON_S = 5.0
"""A profile that begins so soon is meant to begin now. The clocks of station and central system may differ by as much in a transaction."""
_DAY_S = 86_400.0


class ProfileRejected(Exception):
    """A profile that is not taken: `reason_code` from OCPP's reason codes, `text` says what, where and the bound."""

    def __init__(self, reason_code: str, text: str) -> None:
        super().__init__(f"{reason_code}: {text}")
        self.reason_code = reason_code
        self.text = text


class Purpose(Enum):
    """ChargingProfilePurposeEnumType."""

    EXTERNAL = "ChargingStationExternalConstraints"
    STATION_MAX = "ChargingStationMaxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"

    @property
    def of_station(self) -> bool:
        """Limits the grid connection, whoever charges."""
        return self in (Purpose.EXTERNAL, Purpose.STATION_MAX)


class Kind(Enum):
    """ChargingProfileKindEnumType."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class OperationMode(Enum):
    """OperationModeEnumType of OCPP 2.1, as far as built."""

    CHARGING_ONLY = "ChargingOnly"
    CENTRAL_SETPOINT = "CentralSetpoint"
    IDLE = "Idle"


class NegativeLimit(Enum):
    """What a negative `limit` means; OCPP 2.1 Part 2 (ChargingSchedulePeriodType) defines the second."""

    SETPOINT = "Setpoint"
    DISCHARGE_LIMIT = "DischargeLimit"


@dataclass(frozen=True, slots=True)
class V2xRules:
    """What is accepted over 2.0.1."""

    enabled: bool
    negative_limit: NegativeLimit


@dataclass(frozen=True, slots=True)
class Period:
    """What holds from `start_s` after the schedule's start. Quantities in the schedule's unit (W or A).

    `limit` >= 0 bounds charging, `discharge_limit` <= 0 discharging (None: no own bound); `setpoint` signed.
    """

    start_s: float
    limit: float
    phases: int
    """As given, or 3 (K01.FR.49)."""
    phase_to_use: int | None = None
    mode: OperationMode = OperationMode.CHARGING_ONLY
    discharge_limit: float | None = None
    setpoint: float | None = None

    @property
    def v2x(self) -> bool:
        """This period has a meaning that plain OCPP 2.0.1 cannot express."""
        return (
            self.setpoint is not None
            or self.discharge_limit is not None
            or self.mode is not OperationMode.CHARGING_ONLY
        )

    @property
    def discharges(self) -> bool:
        """Asks for, or opens the way to, energy out of the car."""
        return (self.setpoint or 0.0) < 0 or (self.discharge_limit or 0.0) < 0

    def bounds(self, purpose: Purpose) -> tuple[float, float]:
        """(low, high) in the schedule's unit.

        A limit of the station without dischargeLimit binds both directions: it protects the same fuse. A limit of a
        transaction without V2X fields is for charging only.
        """
        if self.mode is OperationMode.IDLE:
            return 0.0, 0.0
        if self.discharge_limit is not None:
            return self.discharge_limit, self.limit
        if purpose.of_station:
            return -self.limit, self.limit
        return (0.0 if self.mode is OperationMode.CHARGING_ONLY else -math.inf), self.limit


@dataclass(frozen=True, slots=True)
class Profile:
    """A charging profile with its one schedule (K01.FR.34). Times in UTC seconds; None where not given."""

    profile_id: int
    stack_level: int
    purpose: Purpose
    kind: Kind
    recurrence_s: float | None
    valid_from_s: float
    valid_to_s: float
    transaction_id: str | None
    unit: str
    start_s: float | None
    duration_s: float
    periods: tuple[Period, ...]
    sales_tariff: SalesTariffSteps | None = None
    """How dear energy is, after the schedule's start."""
    taken_s: float = math.inf
    """From here on its first period holds already, though `start_s` is a little later: the central system's clock is ahead."""

    @property
    def v2x(self) -> bool:
        """Some period has a meaning that plain OCPP 2.0.1 cannot express."""
        return any(period.v2x for period in self.periods)

    @property
    def discharges(self) -> bool:
        """Some period asks for, or opens the way to, energy out of the car."""
        return any(period.discharges for period in self.periods)

    @property
    def name(self) -> str:
        """For explanations: «profile 7 (TxProfile)»."""
        return f"profile {self.profile_id} ({self.purpose.value})"

    def period_at(self, utc_s: float, activated_s: float) -> tuple[Period | None, float]:
        """The period that holds at `utc_s` (None: the profile has nothing to say) and when that changes (inf: never).

        `activated_s` is where a Relative schedule starts: the transaction's start (K01.FR.41, FR.42).
        """
        valid_from_s = min(self.valid_from_s, self.taken_s)
        if utc_s < valid_from_s - _MILLISECOND:  # K01.FR.36
            return None, valid_from_s
        if utc_s >= self.valid_to_s - _MILLISECOND:  # K01.FR.37
            return None, math.inf
        start_s = activated_s if self.start_s is None else self.start_s
        if utc_s < min(start_s, self.taken_s) - _MILLISECOND:  # K01.FR.30
            return None, min(start_s, self.taken_s, self.valid_to_s)
        start_s = self.round_start_s(utc_s, activated_s)
        next_start_s = math.inf if self.recurrence_s is None else start_s + self.recurrence_s
        elapsed_s = max(0.0, utc_s - start_s + _MILLISECOND)
        if elapsed_s >= self.duration_s:  # K01.FR.13
            return None, min(next_start_s, self.valid_to_s)
        number = bisect.bisect_right(self.periods, elapsed_s, key=lambda period: period.start_s)  # K01.FR.12
        current = self.periods[number - 1] if number else None
        following_s = self.duration_s
        if number < len(self.periods):
            following_s = min(following_s, self.periods[number].start_s)
        return current, min(start_s + following_s, next_start_s, self.valid_to_s)  # K01.FR.11

    def round_start_s(self, utc_s: float, activated_s: float) -> float:
        """Where the schedule began that holds at `utc_s`, or the first one; of a Recurring one the last round."""
        start_s = activated_s if self.start_s is None else self.start_s
        if self.recurrence_s is None:
            return start_s
        rounds = math.floor((utc_s - start_s + _MILLISECOND) / self.recurrence_s)
        return start_s + max(0, rounds) * self.recurrence_s

    def prices_at(self, utc_s: float, activated_s: float) -> tuple[TariffPiece, ...]:
        """The sales tariff of the round that holds at `utc_s`, to its end, in UTC seconds; empty without one."""
        if self.sales_tariff is None:
            return ()
        start_s = self.round_start_s(utc_s, activated_s)
        ends_s = [start_s + self.duration_s, self.valid_to_s]
        if self.recurrence_s is not None:
            ends_s.append(start_s + self.recurrence_s)
        return self.sales_tariff.pieces(start_s, min(ends_s))

    def taken(self, utc_s: float) -> Profile:
        """As taken at this moment: one that is to begin within `SOON_S` begins at once, so that it leaves no gap behind another."""
        begins_s = max(self.valid_from_s, -math.inf if self.start_s is None else self.start_s)
        return replace(self, taken_s=utc_s) if utc_s < begins_s <= utc_s + SOON_S else self

    def updated(self, update: Payload, at_utc_s: float, rules: V2xRules) -> Profile:
        """New values for the only period, valid for `duration` from now (2.1's UpdateDynamicSchedule, K28.FR.01-03)."""
        if len(self.periods) != 1:
            raise ProfileRejected(
                "InvalidSchedule", f"{self.name} has {len(self.periods)} periods: an update needs exactly 1"
            )
        if not rules.enabled:
            raise ProfileRejected("NotEnabled", "V2XOver201 is false")
        before = self.periods[0]
        known = {"limit", "dischargeLimit", "setpoint", "customData"}
        unknown = sorted(set(update) - known)
        if unknown:
            raise ProfileRejected(
                "UnsupportedParam",
                f"scheduleUpdate has {', '.join(unknown)[:100]}: known are limit, dischargeLimit, setpoint",
            )
        setpoint = _number(update, "setpoint", before.setpoint)
        mode = before.mode
        if setpoint is not None and mode is not OperationMode.CENTRAL_SETPOINT:
            raise ProfileRejected(
                "InvalidSchedule", f"{self.name} has operationMode {mode.value}: a setpoint needs CentralSetpoint"
            )
        limit = _number(update, "limit", before.limit)
        period = replace(
            before,
            limit=before.limit if limit is None else limit,
            discharge_limit=_number(update, "dischargeLimit", before.discharge_limit),
            setpoint=setpoint,
        )
        _check_bounds(period, 0)
        return replace(self, periods=(period,), kind=Kind.ABSOLUTE, recurrence_s=None, start_s=at_utc_s)


def parse(raw: Payload, rules: V2xRules) -> Profile:
    """A ChargingProfileType that fits its schema, understood. Raises ProfileRejected with the clause's reason."""
    purpose, kind = _built(raw)
    schedules = raw["chargingSchedule"]
    if len(schedules) != 1:  # K01.FR.34: no 15118 schedule negotiation is announced to the central system
        raise ProfileRejected("InvalidSchedule", f"{len(schedules)} schedules: exactly 1")
    schedule = schedules[0]
    _refuse_unbuilt("chargingProfile", raw)
    _refuse_unbuilt("chargingSchedule", schedule)
    sales_tariff = _sales_tariff(schedule, purpose)
    start = schedule.get("startSchedule")
    if kind is Kind.RELATIVE and start is not None:  # K01.FR.41
        raise ProfileRejected("InvalidSchedule", "a Relative profile has no startSchedule")
    if kind is not Kind.RELATIVE and start is None:  # K01.FR.40
        raise ProfileRejected("InvalidSchedule", f"startSchedule is missing in a profile of kind {kind.value}")
    recurrency = raw.get("recurrencyKind")
    if (kind is Kind.RECURRING) != (recurrency is not None):
        raise ProfileRejected("InvalidProfile", "recurrencyKind belongs to kind Recurring, and it needs one")
    recurrence_s = None if recurrency is None else _DAY_S * (7 if recurrency == "Weekly" else 1)
    duration = schedule.get("duration")
    if duration is not None and duration <= 0:
        raise ProfileRejected("InvalidSchedule", f"duration {duration} s: above 0")
    valid_from_s = from_wire(raw["validFrom"]).timestamp() if "validFrom" in raw else -math.inf  # K01.FR.10
    valid_to_s = from_wire(raw["validTo"]).timestamp() if "validTo" in raw else math.inf
    if valid_to_s <= valid_from_s:
        raise ProfileRejected("InvalidProfile", "validTo is not after validFrom")
    periods = tuple(_period(p, i, purpose, rules) for i, p in enumerate(schedule["chargingSchedulePeriod"]))
    if periods[0].start_s != 0:  # K01.FR.31
        raise ProfileRejected("InvalidSchedule", f"the first startPeriod is {periods[0].start_s:g}: it must be 0")
    for number in range(1, len(periods)):
        if periods[number].start_s <= periods[number - 1].start_s:  # K01.FR.35
            raise ProfileRejected("InvalidSchedule", f"period {number}: startPeriod must rise")
    return Profile(
        profile_id=raw["id"],
        stack_level=raw["stackLevel"],
        purpose=purpose,
        kind=kind,
        recurrence_s=recurrence_s,
        valid_from_s=valid_from_s,
        valid_to_s=valid_to_s,
        transaction_id=raw.get("transactionId"),
        unit=schedule["chargingRateUnit"],
        start_s=None if start is None else from_wire(start).timestamp(),
        duration_s=math.inf if duration is None else float(duration),
        periods=periods,
        sales_tariff=sales_tariff,
    )


def _sales_tariff(schedule: Payload, purpose: Purpose) -> SalesTariffSteps | None:
    raw = schedule.get("salesTariff")
    if raw is None:
        return None
    if purpose.of_station:
        raise ProfileRejected(
            "UnsupportedParam", f"salesTariff in a {purpose.value}: only where a transaction is charged"
        )
    for number, entry in enumerate(raw["salesTariffEntry"]):
        _refuse_unbuilt("salesTariffEntry", entry, f"salesTariffEntry {number}")
    try:
        return read_sales_tariff(raw)
    except ValueError as error:
        raise ProfileRejected("InvalidSchedule", str(error)) from None


_UNBUILT = {
    "chargingProfile": {"maxOfflineDuration", "invalidAfterOfflineDuration", "dynUpdateInterval", "dynUpdateTime"},
    "chargingSchedule": {
        "absolutePriceSchedule",
        "priceLevelSchedule",
        "limitAtSoC",
        "powerTolerance",
        "useLocalTime",
        "randomizedDelay",
    },
    "salesTariffEntry": {"consumptionCost"},
    "period": {
        *(
            f"{name}_L{phase}"
            for name in ("limit", "dischargeLimit", "setpoint", "setpointReactive")
            for phase in (2, 3)
        ),
        "setpointReactive",
        "preconditioningRequest",
        "evseSleep",
        "v2xBaseline",
        "v2xFreqWattCurve",
        "v2xSignalWattCurve",
    },
}
"""Fields, most of OCPP 2.1, that change what a profile means and that the station does not follow."""


def _refuse_unbuilt(place: str, holder: Payload, where: str = "") -> None:
    """A field that would be ignored is refused: a profile is never silently another one."""
    if unbuilt := sorted(_UNBUILT[place] & holder.keys()):
        raise ProfileRejected("UnsupportedParam", f"{where or place}: {', '.join(unbuilt)[:200]}: not supported")


def _built(raw: Payload) -> tuple[Purpose, Kind]:
    """Purpose and kind. OCPP 2.1 has some that are not built."""
    name, kind_name = raw["chargingProfilePurpose"], raw["chargingProfileKind"]
    purpose = next((known for known in Purpose if known.value == name), None)
    kind = next((known for known in Kind if known.value == kind_name), None)
    if purpose is None:
        raise ProfileRejected("UnsupportedPurpose", f"chargingProfilePurpose {name} is not built")
    if kind is None:
        raise ProfileRejected("UnsupportedKind", f"chargingProfileKind {kind_name} is not built")
    return purpose, kind


def _period(raw: Payload, index: int, purpose: Purpose, rules: V2xRules) -> Period:
    _refuse_unbuilt("period", raw, f"period {index}")
    if "limit" not in raw:  # OCPP 2.1 has periods without a limit; none of them is built
        raise ProfileRejected("MissingParam", f"period {index}: limit is missing")
    limit = float(raw["limit"])
    phases = raw.get("numberPhases", 3)  # K01.FR.49
    if not 1 <= phases <= 3:
        raise ProfileRejected("InvalidSchedule", f"period {index}: numberPhases {phases}: 1 to 3")
    period = Period(start_s=float(raw["startPeriod"]), limit=limit, phases=phases, phase_to_use=raw.get("phaseToUse"))
    custom = raw.get("customData")
    if custom is not None and custom.get("vendorId") == VENDOR_ID:
        if not rules.enabled:
            raise ProfileRejected("NotEnabled", f"period {index}: V2X fields, but V2XOver201 is false")
        period = _with_v2x_fields(period, custom, index)
    elif native := {name: raw[name] for name in _V2X_FIELDS if name in raw}:  # OCPP 2.1 has them in its schema
        period = _with_v2x_fields(period, native, index)
    elif limit < 0:
        if not rules.enabled:
            raise ProfileRejected(
                "InvalidSchedule", f"period {index}: limit {limit:g}: at least 0 while V2XOver201 is false"
            )
        # OCPP 2.1 Part 2, ChargingSchedulePeriodType: a negative limit is for older systems' discharging limit.
        period = replace(period, limit=0.0, discharge_limit=limit)
        if purpose is Purpose.TX and rules.negative_limit is NegativeLimit.SETPOINT:
            period = replace(period, setpoint=limit, mode=OperationMode.CENTRAL_SETPOINT)
    _check_bounds(period, index)
    return period


_V2X_FIELDS = ("operationMode", "setpoint", "dischargeLimit")


def _with_v2x_fields(period: Period, custom: Payload, index: int) -> Period:
    known = {"vendorId", *_V2X_FIELDS}
    unknown = sorted(set(custom) - known)
    if unknown:
        raise ProfileRejected(
            "UnsupportedParam",
            f"period {index}: customData has {', '.join(unknown)[:100]}; known: {', '.join(sorted(known))}",
        )
    try:
        mode = OperationMode(custom.get("operationMode", OperationMode.CHARGING_ONLY.value))
    except ValueError:
        built = ", ".join(m.value for m in OperationMode)
        raise ProfileRejected(
            "UnsupportedParam", f"period {index}: operationMode {str(custom['operationMode'])[:40]}: built are {built}"
        ) from None
    setpoint, discharge_limit = _number(custom, "setpoint", None), _number(custom, "dischargeLimit", None)
    # OCPP 2.1 Part 2, table of V2X fields per operation mode.
    if mode is OperationMode.CENTRAL_SETPOINT and setpoint is None:
        raise ProfileRejected("InvalidSchedule", f"period {index}: CentralSetpoint needs a setpoint")
    if mode is not OperationMode.CENTRAL_SETPOINT and setpoint is not None:
        raise ProfileRejected(
            "InvalidSchedule", f"period {index}: a setpoint needs operationMode CentralSetpoint, not {mode.value}"
        )
    return replace(period, mode=mode, setpoint=setpoint, discharge_limit=discharge_limit)


def _check_bounds(period: Period, index: int) -> None:
    if period.limit < 0:
        raise ProfileRejected(
            "InvalidSchedule", f"period {index}: limit {period.limit:g}: at least 0 beside V2X fields"
        )
    if (period.discharge_limit or 0.0) > 0:
        raise ProfileRejected(
            "InvalidSchedule", f"period {index}: dischargeLimit {period.discharge_limit:g}: at most 0"
        )
    if period.setpoint is None:
        return
    # OCPP 2.1 V2X.05: a period whose own set-point lies outside its limits is refused.
    if period.setpoint > period.limit:
        raise ProfileRejected(
            "InvalidSchedule", f"period {index}: setpoint {period.setpoint:g} above limit {period.limit:g}"
        )
    if period.discharge_limit is not None and period.setpoint < period.discharge_limit:
        raise ProfileRejected(
            "InvalidSchedule",
            f"period {index}: setpoint {period.setpoint:g} below dischargeLimit {period.discharge_limit:g}",
        )


def _number(fields: Payload, name: str, default: float | None) -> float | None:
    value = fields.get(name, default)
    if value is None:
        return None
    # Data inside customData and DataTransfer has not been through a schema.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e12 < value < 1e12:
        raise ProfileRejected("InvalidValue", f"{name}: not a number")
    return float(value)
