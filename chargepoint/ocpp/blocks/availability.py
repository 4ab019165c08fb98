"""G AvailabilityBlock: StatusNotification, which states are still to be reported, ChangeAvailability."""

from __future__ import annotations

import math
from collections.abc import Iterable

from chargepoint.model.commands import ChangeAvailability
from chargepoint.model.ids import EvseId
from chargepoint.model.status import ConnectorStatus, ConnectorStatusChanged
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    Effect,
    Effects,
    Failure,
    NoAnswer,
    Order,
    Send,
    SharedEvent,
    status,
)
from chargepoint.ocpp.device_model import DeviceModel, Variable
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import to_wire

CONNECTOR_ID = 1
"""Every EVSE here has one connector."""
STATION = 0
"""The level of the whole station in the kept orders."""
UNHEARD_MAX_S = 10.0
"""So long after the acceptance the station waits for the power process before it reports a connector anyway."""

_Place = tuple[EvseId, int]


def status_notification(change: ConnectorStatusChanged) -> Send:
    """StatusNotification."""
    return Send(
        "StatusNotification",
        {
            "timestamp": to_wire(change.at_utc),
            "connectorStatus": change.status.value,
            "evseId": int(change.evse_id),
            "connectorId": change.connector_id,
        },
    )


class AvailabilityBlock(FunctionalBlock):
    """Connector states: per connector only the latest is reported, and only if it differs (B04). Orders are kept by level.

    An EVSE is operative where both it and the station are; what was never ordered is operative. The levels are kept apart, so that a
    station that becomes operative again leaves an EVSE out of service that was set so by itself (G04.FR.08).
    """

    def __init__(self, model: DeviceModel, kept: Kept) -> None:
        super().__init__()
        self._model = model
        self._orders = kept.space("availability")
        self._withheld: set[int] = set()
        """EVSEs that another block keeps out of service for a while, whatever was ordered; lost with the process."""
        self._latest: dict[_Place, ConnectorStatusChanged] = {}
        self._reported: dict[_Place, ConnectorStatus] = {}
        self._under_way: dict[_Place, ConnectorStatus] = {}
        self._report_unheard_at_s = math.inf
        self._wait_until_s: float | None = None
        self.calls = {"ChangeAvailability": self._change_availability}
        self.takes = {"StatusNotification": lambda request, response, now: self._delivered(request)}

    # -- what was ordered ----------------------------------------------------------------------------------------------

    def operative(self, evse_id: int) -> bool:
        """Whether this EVSE may be used, by all that was ordered."""
        return bool(self._orders.get(str(STATION), True)) and bool(self._orders.get(str(evse_id), True))

    def withhold(self, evse_ids: Iterable[int]) -> Effects:
        """Take these EVSEs out of service until `release`; an order of the central system does not bring them back before."""
        further = [evse_id for evse_id in evse_ids if evse_id not in self._withheld]
        self._withheld.update(further)
        return tuple(Order(ChangeAvailability(EvseId(evse_id), operative=False)) for evse_id in further)

    def release(self) -> Effects:
        """What was withheld is in service again, as far as it was ordered so."""
        withheld, self._withheld = self._withheld, set()
        return tuple(
            Order(ChangeAvailability(EvseId(evse_id), operative=True))
            for evse_id in sorted(withheld)
            if self.operative(evse_id)
        )

    def started(self, now: StationNow) -> Effects:
        """What the central system ordered before the restart (B01.FR.07, G03.FR.08)."""
        return tuple(
            Order(ChangeAvailability(evse.evse_id, operative=False))
            for evse in now.evses
            if not self.operative(int(evse.evse_id))
        )

    def _change_availability(self, request: Payload, now: StationNow) -> CallAnswer:
        """G03 for an EVSE or its connector, G04 for the station. Kept over restarts (G03.FR.08, G04.FR.09)."""
        operative = request["operationalStatus"] == "Operative"
        evse_id = request.get("evse", {}).get("id")
        if evse_id is not None and now.evse(evse_id) is None:
            return CallAnswer(status("Rejected", "UnknownEvse", f"no EVSE {evse_id}"))
        connector_id = request.get("evse", {}).get("connectorId", CONNECTOR_ID)
        if connector_id != CONNECTOR_ID:
            return CallAnswer(
                status("Rejected", "UnknownConnectorId", f"EVSE {evse_id} has connector {CONNECTOR_ID} only")
            )
        level = STATION if evse_id is None else evse_id
        evses = [e for e in now.evses if evse_id in (None, e.evse_id)]
        effects: list[Effect] = [self._orders.keep(str(level), operative)]
        for evse in evses:
            if operative and int(evse.evse_id) in self._withheld:
                continue
            ordered = {**self._orders, str(level): operative}
            both = ordered.get(str(STATION), True) and ordered.get(str(int(evse.evse_id)), True)
            effects.append(Order(ChangeAvailability(evse.evse_id, bool(both))))
        running = not operative and any(e.transaction_id is not None for e in evses)  # G03.FR.05, G04.FR.06
        later = operative and any(int(e.evse_id) in self._withheld for e in evses)
        return CallAnswer(status("Scheduled" if running or later else "Accepted"), tuple(effects))

    # -- what is reported ----------------------------------------------------------------------------------------------

    @property
    def deadline_s(self) -> float | None:
        """When a state may be reported that the power process has not confirmed."""
        return self._wait_until_s

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """A connector has another status now."""
        if isinstance(event, ConnectorStatusChanged):
            self._latest[event.evse_id, event.connector_id] = event
        return ()

    def connected(self, now: StationNow, offline_s: float) -> Effects:
        """After a long absence every connector is reported again (B04.FR.01)."""
        if now.accepted and offline_s > self._model.integer("OCPPCommCtrlr/OfflineThreshold"):
            self._report_all(now)
        return ()

    def accepted(self, now: StationNow) -> Effects:
        """Every connector's present state is to be reported (B01.FR.05)."""
        self._report_unheard_at_s = now.monotonic_s + UNHEARD_MAX_S
        self._report_all(now)
        return ()

    def disconnected(self, now: StationNow) -> Effects:
        """What was on its way is due again."""
        self._under_way.clear()
        return ()

    def unanswered(self, action: str, request: Payload, no_answer: NoAnswer, now: StationNow) -> Effects:
        """A refusal is an answer too; without an answer the state is due again."""
        if action == "StatusNotification":
            if no_answer.failure is Failure.REFUSED:
                return self._delivered(request)
            self._under_way.pop((EvseId(request["evseId"]), request["connectorId"]), None)
        return ()

    def tick(self, now: StationNow) -> Effects:
        """Report what the central system does not know yet (B04.FR.02), one message per connector at a time.

        Before the power process has reported an EVSE, its state is only a guess: it waits, at most UNHEARD_MAX_S after the
        central system accepted the station.
        """
        self._wait_until_s = None
        if not now.online:
            return ()
        sends: list[Effect] = []
        for place, change in sorted(self._latest.items()):
            if place in self._under_way or self._reported.get(place) is change.status:
                continue
            evse = now.evse(int(change.evse_id))
            if evse is not None and not evse.heard and now.monotonic_s < self._report_unheard_at_s:
                self._wait_until_s = self._report_unheard_at_s
                continue
            self._under_way[place] = change.status
            sends.append(status_notification(change))
        return tuple(sends)

    def _delivered(self, request: Payload) -> Effects:
        place = EvseId(request["evseId"]), int(request["connectorId"])
        if self._under_way.pop(place, None) is not None:
            self._reported[place] = ConnectorStatus(request["connectorStatus"])
        return ()

    def _report_all(self, now: StationNow) -> None:
        for evse in now.evses:
            self._latest[evse.evse_id, CONNECTOR_ID] = ConnectorStatusChanged(
                evse.evse_id, CONNECTOR_ID, evse.status, now.utc
            )
        self._reported.clear()

    # -- variables -----------------------------------------------------------------------------------------------------

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """AvailabilityState of station, EVSE and connector."""
        if row.name != "AvailabilityState":
            return None
        if row.component == "ChargingStation":
            states = {evse.status for evse in now.evses}
            return (states.pop() if len(states) == 1 else ConnectorStatus.AVAILABLE).value
        evse = None if row.evse_id is None else now.evse(row.evse_id)
        return None if evse is None else evse.status.value
