"""K Smart charging: profiles set, cleared, reported; the composite schedule; what the arbiter is given."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from chargepoint.model.commands import Contribute, ScheduleArrived
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import ZERO
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    Effect,
    Effects,
    HardWiredNotification,
    LimitsChanged,
    Order,
    RemoteStartAccepted,
    Send,
    Share,
    SharedEvent,
    accepted_with,
    status,
)
from chargepoint.ocpp.charging_profiles import FORBIDDEN_SPACE, SPACE, ChargingProfiles
from chargepoint.ocpp.charging_schedule import (
    VENDOR_ID,
    NegativeLimit,
    OperationMode,
    ProfileRejected,
    Purpose,
    V2xRules,
)
from chargepoint.ocpp.composite import (
    NOMINAL_AC_V,
    REFRESH_S,
    Step,
    Verdict,
    contribution,
    evaluate,
    plan,
    planned,
    situation,
    unchanging,
    watts_per_ampere,
)
from chargepoint.ocpp.device_model import DeviceModel, Variable
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import to_wire, utc_from_s

PAGE_BYTES = 32_768
"""Profiles in one ReportChargingProfiles, except where a single one is longer."""

MAX_DURATION_S = 14 * 86_400

DISCHARGE_SEVERITY = 6
"""Warning: stored while there is no connection, since OfflineQueuingSeverity is 6 at first."""

OWNER = "ocpp"
"""The owner's name of the central system's contributions."""

WITHHELD_SPACE = "energy-withheld"
"""Transactions that go on without energy: their token is not accepted, and StopTxOnInvalidId is false (C15.FR.06, E05.FR.02)."""


class SmartChargingBlock(FunctionalBlock):
    """The charging profiles, and what they make the arbiter decide."""

    def __init__(self, model: DeviceModel, kept: Kept) -> None:
        super().__init__()
        self._model = model
        self._withheld = kept.space(WITHHELD_SPACE)
        self.profiles = ChargingProfiles(kept.space(SPACE), kept.space(FORBIDDEN_SPACE), self._rules)
        self._contributed: set[EvseId] = set()
        self._dischargeable: dict[EvseId, str] = {}
        """Where the central system knows that discharging is possible (""), or why it is not."""
        self._again_s = 0.0
        self.calls = {
            "SetChargingProfile": self._set,
            "ClearChargingProfile": self._clear,
            "GetChargingProfiles": self._get,
            "GetCompositeSchedule": self._composite,
        }

    # -- CALLs ---------------------------------------------------------------------------------------------------------

    def _set(self, request: Payload, now: StationNow) -> CallAnswer:
        """K01 to K04. On the disk before it is accepted (K01.FR.27)."""
        try:
            keeps, remarks = self.profiles.install(request["evseId"], request["chargingProfile"], now.evses, now.moment)
        except ProfileRejected as error:
            return CallAnswer(status("Rejected", error.reason_code, error.text))
        effects: list[Effect] = [*keeps, LimitsChanged()]
        if request["chargingProfile"]["chargingProfilePurpose"] == Purpose.TX.value:  # K15.FR.07
            effects.append(Order(ScheduleArrived(EvseId(request["evseId"]))))
        return CallAnswer(accepted_with(remarks), tuple(effects), ahead=True)

    def _clear(self, request: Payload, now: StationNow) -> CallAnswer:
        """K10."""
        criteria = request.get("chargingProfileCriteria", {})
        keeps = self.profiles.clear(
            request.get("chargingProfileId"),
            criteria.get("evseId"),
            criteria.get("chargingProfilePurpose"),
            criteria.get("stackLevel"),
        )
        if not keeps:
            return CallAnswer(status("Unknown"))  # K10.FR.01, FR.08, FR.09
        return CallAnswer(status("Accepted"), (*keeps, LimitsChanged()), ahead=True)

    def _get(self, request: Payload, now: StationNow) -> CallAnswer:
        """K09."""
        evse_id, criterion = request.get("evseId"), request["chargingProfile"]
        found = self.profiles.report(evse_id, criterion)
        pages = [("CSO", number, page) for number, profiles in found.items() for page in _pages(profiles)]
        if (external := self.profiles.report_external(evse_id, criterion)) is not None:
            pages.append((external.source, 0, [external.raw]))
        if not pages:
            return CallAnswer(status("NoProfiles"))
        reports = (
            Send(
                "ReportChargingProfiles",
                {
                    "requestId": request["requestId"],  # K09.FR.01
                    "chargingLimitSource": source,
                    "evseId": number,
                    "chargingProfile": page,
                    "tbc": count < len(pages),  # K09.FR.02
                },
                waits=True,
            )
            for count, (source, number, page) in enumerate(pages, start=1)
        )
        return CallAnswer(status("Accepted"), then=tuple(reports))

    def _composite(self, request: Payload, now: StationNow) -> CallAnswer:
        """K08. Over 2.0.1 `limit` is what may be charged, never negative; discharge and set-point go in customData."""
        evse_id, duration_s = request["evseId"], request["duration"]
        chosen = [e for e in now.evses if evse_id in (0, e.evse_id)]
        if not chosen:
            return CallAnswer(status("Rejected", "UnknownEvse", f"no EVSE {evse_id}"))  # K08.FR.05
        if not 0 < duration_s <= MAX_DURATION_S:
            return CallAnswer(status("Rejected", "ValueOutOfRange", f"duration {duration_s} s: 1 to {MAX_DURATION_S}"))
        unit = request.get("chargingRateUnit", "W")
        start_s = math.floor(now.utc_s)
        permitted = self.profiles.discharge_permitted
        situations = [situation(e, now.evses, permitted(e.transaction_id), now.moment) for e in chosen]
        steps, end_s = planned(self.profiles.installed, situations, float(start_s), float(start_s + duration_s))
        duration_s = math.floor(end_s - start_s)  # shorter than asked where the profiles change very often
        watts = 1.0
        if unit == "A":
            # K08.FR.03: EVSE 0 is the grid connection, three phases of it.
            watts = 3 * NOMINAL_AC_V if evse_id == 0 else watts_per_ampere(chosen[0])
        return CallAnswer(
            {
                "status": "Accepted",
                "schedule": {
                    "evseId": evse_id,
                    "duration": duration_s,
                    "scheduleStart": to_wire(utc_from_s(start_s)),
                    "chargingRateUnit": unit,
                    "chargingSchedulePeriod": _periods(steps, start_s, duration_s, watts),
                },
            }
        )

    # -- for other blocks ----------------------------------------------------------------------------------------------

    def update(self, profile_id: int, update: Payload, now: StationNow) -> CallAnswer:
        """2.1's UpdateDynamicSchedule on an installed profile. Raises ProfileRejected."""
        keep, remarks = self.profiles.update(profile_id, update, now.evses, now.utc_s)
        return CallAnswer(accepted_with(remarks), (keep, LimitsChanged()), ahead=True)

    def permit_discharge(self, transaction_id: str, permitted: bool) -> Effects:
        """Whether the central system allows this transaction to discharge."""
        return self.profiles.permit_discharge(transaction_id, permitted), LimitsChanged()

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """A newer remote start of an EVSE takes the place of one that still waits, and of its profile."""
        if isinstance(event, RemoteStartAccepted):
            self.profiles.forget_start(int(event.evse_id))
            if event.profile is not None:
                self.profiles.await_start(int(event.evse_id), event.profile, event.id_token, event.until_s)
                return (LimitsChanged(),)
        return ()

    # -- what the arbiter is given -------------------------------------------------------------------------------------

    @property
    def deadline_s(self) -> float | None:
        """The next boundary of a schedule, or before a contribution expires."""
        return self._again_s

    def tick(self, now: StationNow) -> Effects:
        """Give the limits anew where their time has come."""
        return (LimitsChanged(),) if now.monotonic_s >= self._again_s else ()

    def states_changed(self, now: StationNow) -> Effects:
        """Profiles that came or went with a transaction, and limits for what changed."""
        return *self.profiles.follow(now.evses, now.monotonic_s), LimitsChanged()

    def contributions(self, now: StationNow) -> Effects:
        """This moment's limits and set-points of every EVSE, as orders to the arbiter."""
        orders: list[Effect] = []
        again_s = math.inf
        for evse in now.evses:
            permitted = self.profiles.discharge_permitted(evse.transaction_id)
            where = situation(evse, now.evses, permitted, now.moment)
            verdict, future = evaluate(self.profiles.installed, where, now.utc_s), None
            again_s = min(again_s, now.monotonic_s + max(verdict.until_s - now.utc_s, 0.0) + 1e-3)
            if evse.transaction_id in self._withheld:
                verdict = Verdict(ZERO, None, "the token of this transaction is not accepted", verdict.until_s)
            else:
                future = plan(self.profiles.installed, where, now.moment)
            contributed = contribution(verdict, evse.evse_id, now.moment)
            present = () if contributed is None else (contributed,)
            future = future or unchanging(present, now.moment)
            if any(step.contributions for step in future.steps):
                again_s = min(again_s, now.monotonic_s + REFRESH_S)
                self._contributed.add(evse.evse_id)
                orders.append(Order(Contribute(evse.evse_id, OWNER, present, future)))
            elif evse.evse_id in self._contributed:
                self._contributed.discard(evse.evse_id)
                orders.append(Order(Contribute(evse.evse_id, OWNER, ())))
        self._again_s = again_s
        return (*orders, *self._discharge_changes(now))

    def _discharge_changes(self, now: StationNow) -> Effects:
        """Discharging became possible, or ended: the central system is notified, where set-points are open to it at all."""
        if not (self._rules().enabled or now.version.native_v2x):
            self._dischargeable.clear()
            return ()
        changes: list[Effect] = []
        for evse in now.evses:
            where = situation(evse, now.evses, self.profiles.discharge_permitted(evse.transaction_id), now.moment)
            obstacle, before = where.obstacle_to_discharge, self._dischargeable.get(evse.evse_id, "no car yet")
            self._dischargeable[evse.evse_id] = obstacle
            if bool(obstacle) is not bool(before):
                changes.append(Share(_discharge_event(int(evse.evse_id), obstacle)))
        return tuple(changes)

    # -- variables -----------------------------------------------------------------------------------------------------

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """How many profiles are installed, and whether any EVSE can discharge."""
        match row.component, row.name:
            case "SmartChargingCtrlr", "Entries":
                return str(len(self.profiles))
            case "V2XChargingCtrlr", "Available":
                return "true" if any(evse.discharge_max_W > 0 for evse in now.evses) else "false"
            case "V2XChargingCtrlr", "Enabled":
                return self._model.text("V2XChargingCtrlr/V2XOver201")
            case "V2XChargingCtrlr", "DischargePossible":
                return self._discharge_possible(row.evse_id, now)
            case _:
                return None

    def _discharge_possible(self, evse_id: int | None, now: StationNow) -> str | None:
        evse = None if evse_id is None else now.evse(evse_id)
        if evse is None:
            return None
        permitted = self.profiles.discharge_permitted(evse.transaction_id)
        return "false" if situation(evse, now.evses, permitted, now.moment).obstacle_to_discharge else "true"

    def _rules(self) -> V2xRules:
        return V2xRules(
            self._model.flag("V2XChargingCtrlr/V2XOver201"),
            NegativeLimit(self._model.text("V2XChargingCtrlr/NegativeLimitMeaning")),
        )


def _discharge_event(evse_id: int, obstacle: str) -> HardWiredNotification:
    event: Payload = {
        "trigger": "Delta",
        "actualValue": "false" if obstacle else "true",
        "techInfo": obstacle[:500] or "a set-point can discharge the car now",
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "V2XChargingCtrlr", "evse": {"id": evse_id}},
        "variable": {"name": "DischargePossible"},
    }
    return HardWiredNotification(evse_id, DISCHARGE_SEVERITY, event)


def _pages(profiles: list[Payload]) -> Iterator[list[Payload]]:
    page: list[Payload] = []
    room = PAGE_BYTES
    for profile in profiles:
        size = len(json.dumps(profile))
        if page and size > room:
            yield page
            page, room = [], PAGE_BYTES
        page.append(profile)
        room -= size
    yield page


def _periods(plan: list[Step], start_s: int, duration_s: int, watts: float) -> list[Payload]:
    """Whole seconds, rounded so that no second promises more than the plan allows in any part of it."""
    periods: list[Payload] = []
    for at_s, limits, setpoint_W in plan:
        limit = math.floor(max(0.0, limits.high) / watts * 10) / 10  # one decimal, downwards
        falling = bool(periods) and limit < periods[-1]["limit"]
        offset = max(0, (math.floor if falling else math.ceil)(at_s - start_s))
        period: Payload = {"startPeriod": offset, "limit": limit}
        if setpoint_W is not None or limits.low < 0:
            period["customData"] = {"vendorId": VENDOR_ID}
            if setpoint_W is not None:
                period["customData"]["operationMode"] = OperationMode.CENTRAL_SETPOINT.value
                period["customData"]["setpoint"] = round(setpoint_W / watts, 1)
            if limits.low < 0:
                period["customData"]["dischargeLimit"] = math.ceil(limits.low / watts * 10) / 10
        if offset >= duration_s:
            break
        if periods and offset <= periods[-1]["startPeriod"]:
            period["startPeriod"] = periods[-1]["startPeriod"]
            period["limit"] = min(limit, periods.pop()["limit"])
        periods.append(period)
    return periods
