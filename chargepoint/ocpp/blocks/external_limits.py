"""K11 to K13 External limits: what an outside party allows the station is reported to the central system, and merged into its schedules."""

from __future__ import annotations

import math

from chargepoint.model.commands import ExternalLimit, LimitSource, Report, ReportKind
from chargepoint.model.transactions import TriggerReason
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import (
    Effect,
    Effects,
    ExternalLimitChanged,
    LimitsChanged,
    Order,
    Send,
    SharedEvent,
)
from chargepoint.ocpp.charging_profiles import ChargingProfiles, ExternalProfile
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import to_wire, utc_from_s

EXTERNAL_PROFILE_ID = -1
"""The id under which the limit stands in reports; negative, so that no central system chooses it (remark at K11.FR.06)."""


SPACE = "external-limit"
_REPORTED = "reported"


class ExternalLimitsBlock(FunctionalBlock):
    """The limit itself is kept and obeyed by the station. This block reports it; a report that was lost is sent again."""

    def __init__(self, model: DeviceModel, profiles: ChargingProfiles, kept: Kept) -> None:
        super().__init__()
        self._model = model
        self._profiles = profiles
        self._limit: ExternalLimit | None = None
        self._space = kept.space(SPACE)

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """A limit came, changed or went."""
        if not isinstance(event, ExternalLimitChanged):
            return ()
        before, self._limit = self._limit, event.limit
        self._profiles.external = None if event.limit is None else _profile(event.limit, now)
        effects: list[Effect] = [LimitsChanged(), *self._report(now)]
        if self._significant(before, event.limit):  # K11.FR.04, K13.FR.03
            effects += [
                Order(Report(evse.evse_id, ReportKind.TRANSACTION, TriggerReason.CHARGING_RATE_CHANGED))
                for evse in now.evses
                if evse.transaction_id is not None
            ]
        return tuple(effects)

    def connected(self, now: StationNow, offline_s: float) -> Effects:
        """What changed while there was no connection."""
        return self._report(now)

    def accepted(self, now: StationNow) -> Effects:
        """What ended with the process before."""
        return self._report(now)

    def _report(self, now: StationNow) -> Effects:
        """K11.FR.02, K12.FR.02: a change that matters; K13.FR.02: its end."""
        before = self._reported
        if not now.online or not self._significant(before, self._limit):
            return ()
        if self._limit is None:
            source = {} if before is None else {"chargingLimitSource": before.source.value}
            return (self._space.forget(_REPORTED), Send("ClearedChargingLimit", source))
        payload: Payload = {"chargingLimit": {"chargingLimitSource": self._limit.source.value}}  # K11.FR.05
        profile = self._profiles.external
        if profile is not None and self._model.flag("SmartChargingCtrlr/NotifyChargingLimitWithSchedules"):  # K11.FR.03
            payload["chargingSchedule"] = profile.raw["chargingSchedule"]
        known = [self._limit.source.value, self._limit.import_max_W, self._limit.export_max_W]
        return (self._space.keep(_REPORTED, known), Send("NotifyChargingLimit", payload))

    @property
    def _reported(self) -> ExternalLimit | None:
        """What the central system knows."""
        known = self._space.get(_REPORTED)
        return None if known is None else ExternalLimit(LimitSource(known[0]), known[1], known[2], math.inf)

    def _significant(self, before: ExternalLimit | None, after: ExternalLimit | None) -> bool:
        """LimitChangeSignificance, in percent of the earlier limit."""
        if before is None or after is None:
            return before is not after
        share = float(self._model.text("SmartChargingCtrlr/LimitChangeSignificance")) / 100
        pairs = ((before.import_max_W, after.import_max_W), (before.export_max_W, after.export_max_W))
        return before.source is not after.source or any(abs(new - old) > share * old for old, new in pairs)


def _profile(limit: ExternalLimit, now: StationNow) -> ExternalProfile:
    """The limit in the words of OCPP (K11.FR.06): one period for the whole station, both directions."""
    ends_utc_s = now.utc_s + limit.until_s - now.monotonic_s
    raw: Payload = {
        "id": EXTERNAL_PROFILE_ID,
        "stackLevel": 0,
        "chargingProfilePurpose": "ChargingStationExternalConstraints",
        "chargingProfileKind": "Absolute",
        "validTo": to_wire(utc_from_s(ends_utc_s)),
        "chargingSchedule": [
            {
                "id": EXTERNAL_PROFILE_ID,
                "startSchedule": now.wire,
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit.import_max_W}],
            }
        ],
    }
    return ExternalProfile.of(raw, limit.source.value, limit.export_max_W)
