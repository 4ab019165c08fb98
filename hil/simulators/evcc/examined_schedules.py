"""The examiner's rules for ScheduleExchange."""

from __future__ import annotations

from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import Processing
from chargepoint.iso15118.rational import number
from hil.simulators.evcc.memory import CarMemory

DAY_S = 24 * 3600


def schedule_exchange(request: cm.ScheduleExchangeReq, answer: cm.ScheduleExchangeRes, memory: CarMemory) -> list[str]:
    """The control mode is the request's; schedules are long enough, fit the points, and discharge with negative power."""
    found = []
    if (request.Scheduled_SEReqControlMode is None) != (answer.Scheduled_SEResControlMode is None):
        found.append("the answer's control mode is not the request's")
    if answer.EVSEProcessing is not Processing.Finished:
        return found
    if (scheduled := answer.Scheduled_SEResControlMode) is not None:
        ids = [item.ScheduleTupleID for item in scheduled.ScheduleTuple]
        if len(set(ids)) != len(ids):
            found.append(f"a ScheduleTupleID is there twice: {ids}")
        for item in scheduled.ScheduleTuple:
            found += _tuple(item, request, memory)
    if (dynamic := answer.Dynamic_SEResControlMode) is not None:
        found += _dynamic(dynamic, memory)
    return found


def _tuple(item: cm.ScheduleTuple, request: cm.ScheduleExchangeReq, memory: CarMemory) -> list[str]:
    where = f"tuple {item.ScheduleTupleID}"
    found = _schedule(f"{where}, charging", item.ChargingSchedule, request)
    charging = _powers(item.ChargingSchedule)
    if min(charging) < 0:
        found.append(f"{where}: the charging schedule has {min(charging):g} W: not below 0")
    if item.DischargingSchedule is not None:
        if not memory.selected.bidirectional:
            found.append(f"{where}: a discharging schedule in a service without BPT")
        found += _schedule(f"{where}, discharging", item.DischargingSchedule, request)
        highest_W = max(_powers(item.DischargingSchedule))
        if highest_W > 0:
            found.append(f"{where}: the discharging schedule has {highest_W:g} W: not above 0 (V2G20-1035)")
    return found


def _schedule(where: str, schedule: cm.ChargingSchedule, request: cm.ScheduleExchangeReq) -> list[str]:
    entries = schedule.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry
    found = []
    if len(entries) > request.MaximumSupportingPoints:
        found.append(f"{where}: {len(entries)} entries: at most {request.MaximumSupportingPoints}")
    asked = request.Scheduled_SEReqControlMode
    length_s = sum(entry.Duration for entry in entries)
    wanted_s = DAY_S if asked is None or asked.DepartureTime is None else asked.DepartureTime
    if length_s < wanted_s:
        found.append(f"{where}: {length_s} s long: at least {wanted_s} s")
    levels = schedule.PriceLevelSchedule
    if levels is not None:
        steps = levels.PriceLevelScheduleEntries.PriceLevelScheduleEntry
        if any(entry.PriceLevel > max(levels.NumberOfPriceLevels, 1) for entry in steps):
            found.append(f"{where}: a price level above NumberOfPriceLevels {levels.NumberOfPriceLevels}")
    return found


def _powers(schedule: cm.ChargingSchedule) -> list[float]:
    entries = schedule.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry
    parts = [part for entry in entries for part in (entry.Power, entry.Power_L2, entry.Power_L3)]
    return [number(part) for part in parts if part is not None]


def _dynamic(mode: cm.Dynamic_SEResControlMode, memory: CarMemory) -> list[str]:
    found = []
    needs = {"DepartureTime": mode.DepartureTime, "MinimumSOC": mode.MinimumSOC, "TargetSOC": mode.TargetSOC}
    given = [name for name, value in needs.items() if value is not None]
    if given and memory.selected.parameters.get("MobilityNeedsMode", 1) == 1:
        found.append(f"{', '.join(given)} given, though the car gives the mobility needs (MobilityNeedsMode 1)")
    if mode.MinimumSOC is not None and mode.TargetSOC is not None and mode.MinimumSOC > mode.TargetSOC:
        found.append(f"MinimumSOC {mode.MinimumSOC} is above TargetSOC {mode.TargetSOC} (V2G20-1640)")
    return found
