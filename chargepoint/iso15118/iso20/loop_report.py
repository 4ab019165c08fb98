"""What a charge loop carries beside its control mode, the same for AC and DC: display, energy, meter, profile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.messages.common_types import (
    DisplayParameters,
    MeterInfo,
    ResponseCode,
)
from chargepoint.iso15118.rational import maybe
from chargepoint.iso15118.steps.power_profile import SLACK_W
from chargepoint.model.car import CarDisplay, CarEnergy
from chargepoint.model.station_view import Wish

PROFILE_TOLERANCE = 1.1
"""Measured power may exceed the planned power by a tenth before the car is warned. A rule of the project."""

PROFILE_GRACE_S = 10.0
"""It is warned after this time outside its profile (V2G20-1864)."""

PROFILE_PATIENCE_S = 60.0
"""And refused after this time. The standard's grace time (V2G20-1865) is unverified."""

METER_ID_MAX_CHARACTERS = 32

REGISTER_MAX_WH = (1 << 64) - 1
"""Of the schema (xs:unsignedLong)."""


def shown(display: DisplayParameters | None, energy: CarEnergy, before: CarDisplay) -> tuple[CarEnergy, CarDisplay]:
    """What the car says for people, in `energy` and the display. What it does not repeat is as before."""
    if display is None:
        return energy, before
    energy = replace(
        energy,
        soc_percent=_newer(display.PresentSOC, energy.soc_percent),
        minimum_soc_percent=_newer(display.MinimumSOC, energy.minimum_soc_percent),
        target_soc_percent=_newer(display.TargetSOC, energy.target_soc_percent),
    )
    return energy, CarDisplay(
        maximum_soc_percent=_newer(display.MaximumSOC, before.maximum_soc_percent),
        to_minimum_soc_s=_newer(display.RemainingTimeToMinimumSOC, before.to_minimum_soc_s),
        to_target_soc_s=_newer(display.RemainingTimeToTargetSOC, before.to_target_soc_s),
        to_maximum_soc_s=_newer(display.RemainingTimeToMaximumSOC, before.to_maximum_soc_s),
        charging_complete=before.charging_complete if display.ChargingComplete is None else display.ChargingComplete,
        capacity_Wh=before.capacity_Wh
        if display.BatteryEnergyCapacity is None
        else maybe(display.BatteryEnergyCapacity),
        inlet_hot=before.inlet_hot if display.InletHot is None else display.InletHot,
    )


def _newer(said: int | None, before: float | None) -> float | None:
    return before if said is None else float(said)


def needs(mode: Any, before: CarEnergy, now_s: float) -> CarEnergy:
    """The energy needs of this loop's control mode, AC or DC. A departure time that it does not bring is as before."""
    said = {
        "target_Wh": maybe(mode.EVTargetEnergyRequest),
        "max_Wh": maybe(mode.EVMaximumEnergyRequest),
        "min_Wh": maybe(mode.EVMinimumEnergyRequest),
    }
    departure_s = getattr(mode, "DepartureTime", None)  # Dynamic only
    if departure_s is not None:
        said["departure_at_s"] = now_s + departure_s
    if hasattr(mode, "EVMaximumV2XEnergyRequest"):  # Dynamic in both directions only
        said["max_v2x_Wh"] = maybe(mode.EVMaximumV2XEnergyRequest)
        said["min_v2x_Wh"] = maybe(mode.EVMinimumV2XEnergyRequest)
    return replace(before, **said)


def meter_info(session: Session, at: Situation, *, asked: bool) -> MeterInfo | None:
    """The meter's own registers: in the first loop unasked (V2G20-1833), when asked (V2G20-1081), for a confirmation.

    None where a register holds no energy that the message can carry: a negative one, or one beyond the schema.
    What comes unasked has no register of discharge: a known car cannot read this optional field and ends its session
    (docs/sources/iso15118.md 1).
    """
    meter = at.view.meter
    confirming = at.view.wish is not None and at.view.wish.wish is Wish.METERING_CONFIRMATION
    wanted = asked or confirming
    if meter is None or not (wanted or session.transfer.loops == 0):
        return None
    if not all(0 <= register_Wh <= REGISTER_MAX_WH for register_Wh in (meter.import_Wh, meter.export_Wh)):
        return None
    bidirectional = wanted and session.choice is not None and session.choice.service.bidirectional
    return MeterInfo(
        MeterID=(at.view.meter_id or "meter")[:METER_ID_MAX_CHARACTERS],
        ChargedEnergyReadingWh=int(meter.import_Wh),
        BPT_DischargedEnergyReadingWh=int(meter.export_Wh) if bidirectional else None,
        MeterTimestamp=at.view.meter_utc_s,
    )


def profile_code(session: Session, at: Situation, ordered_W: float | None = None) -> tuple[ResponseCode, float | None]:
    """OK, a warning while the power exceeds what the car planned, or the refusal; and since when (monotonic) it exceeds.

    `ordered_W`: what the station orders the car now; power up to it is no violation of the car, whatever the car planned.
    """
    since_s = session.transfer.outside_profile_since_s
    planned_W, power_W = session.planned_power_W(at.now.utc_s), at.view.power_W
    if planned_W is None or power_W is None or not _exceeds(power_W, planned_W):
        return ResponseCode.OK, None
    if ordered_W is not None and not _exceeds(power_W, ordered_W):
        return ResponseCode.OK, None
    since_s = at.now.monotonic_s if since_s is None else since_s
    outside_s = at.now.monotonic_s - since_s
    if outside_s >= PROFILE_GRACE_S + PROFILE_PATIENCE_S:
        return ResponseCode.FAILED_EVPowerProfileViolation, since_s
    if outside_s >= PROFILE_GRACE_S:
        return ResponseCode.WARNING_EVPowerProfileViolation, since_s
    return ResponseCode.OK, since_s


def _exceeds(power_W: float, planned_W: float) -> bool:
    """More power in the same direction, or power in the other one."""
    room_W = abs(planned_W) * (PROFILE_TOLERANCE - 1) + 10 * SLACK_W
    return power_W > max(planned_W, 0.0) + room_W or power_W < min(planned_W, 0.0) - room_W
