"""K15 to K17: a car's needs and its plan, as messages to the central system."""

from __future__ import annotations

from typing import Any

from chargepoint.model.car import ControlMode
from chargepoint.model.charging_needs import ChargingNeeds, PlannedPower
from chargepoint.ocpp.blocks.effects import Send
from chargepoint.ocpp.charging_schedule import VENDOR_ID
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import to_wire, utc_from_s
from chargepoint.ocpp.version import OcppVersion

PERIODS_MAX = 1024
_AC_MODES = {1: "AC_single_phase", 2: "AC_two_phase", 3: "AC_three_phase"}


def needs_request(needs: ChargingNeeds, version: OcppVersion, now: Moment) -> Send:
    """NotifyEVChargingNeeds. What 2.0.1 has no field for (discharging, control mode) is in its customData (K15.FR.01, FR.06)."""
    found: Payload = {"requestedEnergyTransfer": _AC_MODES[needs.phases] if needs.service.is_ac else "DC"}
    leaves_at_s = needs.energy.departure_at_s
    if leaves_at_s is not None and leaves_at_s > now.monotonic_s:
        found["departureTime"] = to_wire(utc_from_s(now.utc_s + leaves_at_s - now.monotonic_s))
    if needs.service.is_ac:
        found["acChargingParameters"] = _ac(needs)
    else:
        found["dcChargingParameters"] = _dc(needs)
    more: Payload = {
        "controlMode": "ScheduledControl" if needs.control_mode is ControlMode.SCHEDULED else "DynamicControl"
    }
    if needs.service.bidirectional:
        more["requestedEnergyTransfer"] = "AC_BPT" if needs.service.is_ac else "DC_BPT"
        more["v2xChargingParameters"] = _v2x(needs)
    payload: Payload = {"evseId": int(needs.evse_id), "chargingNeeds": found}
    if version.native_v2x:
        found.update(more)
        payload["timestamp"] = now.wire
    else:
        found["customData"] = {"vendorId": VENDOR_ID, **more}
    if needs.points is not None:
        payload["maxScheduleTuples"] = needs.points
    return Send("NotifyEVChargingNeeds", payload)


def sends_schedule(response: Payload) -> bool:
    """Whether a schedule follows at once. Processing: it comes later, by a renegotiation (K15.FR.05)."""
    return bool(response["status"] == "Accepted")


def plan_request(plan: PlannedPower, version: OcppVersion, now: Moment) -> Send:
    """NotifyEVChargingSchedule (K15.FR.10, FR.19). A planned discharge is a set-point beside a limit of 0."""
    periods: list[Payload] = []
    start_s = 0.0
    for duration_s, power_W in plan.pieces[:PERIODS_MAX]:
        period: Payload = {"startPeriod": round(start_s), "limit": round(max(power_W, 0.0), 1)}
        if power_W < 0:
            period["customData"] = {"vendorId": VENDOR_ID, "setpoint": round(power_W, 1)}
        periods.append(period)
        start_s += duration_s
    schedule: Payload = {
        "id": plan.schedule_id,
        "chargingRateUnit": "W",
        "duration": round(start_s),
        "chargingSchedulePeriod": periods,
    }
    payload: Payload = {
        "timeBase": to_wire(utc_from_s(plan.anchor_utc_s)),
        "evseId": int(plan.evse_id),
        "chargingSchedule": schedule,
    }
    if version.native_v2x and not plan.by_car:
        payload["selectedChargingScheduleId"] = plan.schedule_id
    return Send("NotifyEVChargingSchedule", payload)


def _dc(needs: ChargingNeeds) -> Payload:
    limits, energy = needs.limits, needs.energy
    return _known(
        evMaxCurrent=limits.charge_current_max_A,
        evMaxVoltage=limits.voltage_max_V,
        evMaxPower=limits.charge_power_max_W,
        energyAmount=_wanted_Wh(needs),
        stateOfCharge=energy.soc_percent,
        evEnergyCapacity=needs.capacity_Wh,
        fullSoC=needs.maximum_soc_percent,
        bulkSoC=energy.target_soc_percent,
    )


def _ac(needs: ChargingNeeds) -> Payload:
    """Currents per phase. A car that names no energy wants as much as it can get: its greatest power for a day."""
    limits = needs.limits
    volts = limits.voltage_max_V or 230.0
    wanted_Wh = _wanted_Wh(needs)
    return _known(
        energyAmount=limits.charge_power_max_W * 24.0 if wanted_Wh is None else wanted_Wh,
        evMinCurrent=limits.charge_power_min_W / volts / needs.phases,
        evMaxCurrent=limits.charge_current_max_A,
        evMaxVoltage=limits.voltage_max_V,
    )


def _v2x(needs: ChargingNeeds) -> Payload:
    limits, energy = needs.limits, needs.energy
    found = {
        "minChargePower": limits.charge_power_min_W,
        "maxChargePower": limits.charge_power_max_W,
        "minDischargePower": -limits.discharge_power_min_W,
        "maxDischargePower": -limits.discharge_power_max_W,
        "evTargetEnergyRequest": energy.target_Wh,
        "evMinEnergyRequest": energy.min_Wh,
        "evMaxEnergyRequest": energy.max_Wh,
        "evMinV2XEnergyRequest": energy.min_v2x_Wh,
        "evMaxV2XEnergyRequest": energy.max_v2x_Wh,
    }
    return {name: round(value, 1) + 0.0 for name, value in found.items() if value is not None}


def _wanted_Wh(needs: ChargingNeeds) -> float | None:
    """What the car wants to be charged, at least nothing."""
    energy = needs.energy
    wanted_Wh = energy.target_Wh if energy.target_Wh is not None else energy.max_Wh
    return None if wanted_Wh is None else max(wanted_Wh, 0.0)


def _known(**values: Any) -> Payload:
    """Whole numbers, as both versions take them; what is unknown is left out."""
    return {name: round(value) for name, value in values.items() if value is not None}
