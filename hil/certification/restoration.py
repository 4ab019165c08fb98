"""Putting a station back after a case: the preconditions of Part 6 (2.1) hold again, without a restart where possible."""

from __future__ import annotations

from hil.certification.central_system import CentralSystem, NotConnected
from hil.certification.frames import CallErrorAnswer
from hil.certification.general_rules import transactions
from hil.certification.notifications import Place
from hil.certification.patterns import Payload, value_at
from hil.certification.station_under_test import BenchRefused
from hil.certification.trial import Trial

PATIENCE_S = 20.0
LOWEST_SEVERITY = 9
"""Every event is notified."""
SETTLED_S = 2.0
"""A connector that is not Available after this may have a latched fault."""


class NotRestored(Exception):
    """What is still not as Part 6 wants it before a case."""


class Restoration:
    """Undo what one case did. Only what the case touched is undone."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._csms: CentralSystem = trial.csms
        self._actions = {action for action, _ in trial.ordered}

    async def perform(self) -> None:
        """Raises NotRestored where the station does not come back to its beginning."""
        try:
            await self._csms.close_further_entrances()
            await self._connection()
            await self._trial.station.undo()
            await self._transactions()
            await self._stored_things()
            await self._variables()
            await self._cache()
            await self._connectors()
        except (BenchRefused, NotConnected) as error:
            raise NotRestored(str(error)) from error

    async def _connection(self) -> None:
        self._csms.answers.forget_orders()
        self._csms.reconnect()
        within_s = self._trial.configured.reboot_within_s
        if not await self._csms.until(lambda: self._csms.connected and self._csms.boot_status == "Accepted", within_s):
            raise NotRestored(f"the station is not connected and accepted after {within_s:g} s")

    async def _transactions(self) -> None:
        for transaction_id in self._open():
            if not await self._csms.until(lambda name=transaction_id: name not in self._open(), 3.0):  # type: ignore[misc]
                await self._call("RequestStopTransaction", {"transactionId": transaction_id})
        if not await self._csms.until(lambda: not self._open(), PATIENCE_S):
            raise NotRestored(f"transactions {self._open()} have not ended")

    def _open(self) -> list[str]:
        return [
            name
            for name, events in transactions(self._csms.calls).items()
            if events[-1].payload.get("eventType") != "Ended"
        ]

    async def _stored_things(self) -> None:
        """Everything a case stored by a message of the central system."""
        for action, payload in self._trial.ordered:
            if action == "ChangeAvailability" and payload.get("operationalStatus") == "Inoperative":
                await self._call("ChangeAvailability", {**payload, "operationalStatus": "Operative"})
            elif action == "ReserveNow":
                await self._call("CancelReservation", {"reservationId": payload["id"]})
            elif action == "SetDisplayMessage":
                await self._call("ClearDisplayMessage", {"id": payload["message"]["id"]})
        if self._actions & {"SetChargingProfile", "RequestStartTransaction"}:
            await self._call("ClearChargingProfile", {})
        if "SendLocalList" in self._actions:
            await self._call("SendLocalList", {"versionNumber": 1, "updateType": "Full"})
        if self._actions & {"SetVariableMonitoring", "SetMonitoringBase"}:
            await self._call("SetMonitoringBase", {"monitoringBase": "FactoryDefault"})
        if "SetMonitoringLevel" in self._actions:
            await self._call("SetMonitoringLevel", {"severity": LOWEST_SEVERITY})

    async def _variables(self) -> None:
        for (component, variable, evse_id), value in self._trial.values_before.items():
            name, _, instance = variable.partition(":")
            data: Payload = {"component": {"name": component}, "variable": {"name": name}, "attributeValue": value}
            if instance:
                data["variable"]["instance"] = instance
            if evse_id is not None:
                data["component"]["evse"] = {"id": evse_id}
            answer = await self._call("SetVariables", {"setVariableData": [data]})
            if value_at(answer, "setVariableResult[0].attributeStatus") not in ("Accepted", "RebootRequired"):
                raise NotRestored(f"{component}.{variable} could not be set back to {value!r}: {answer}")

    async def _cache(self) -> None:
        """Answers about tokens are forgotten. The cache is as the station had it before the case: one that is off refuses."""
        if any(call.action == "Authorize" or "idToken" in call.payload for call in self._csms.calls):
            await self._call("ClearCache", {})

    async def _connectors(self) -> None:
        """Every connector is Available again."""
        places = self._trial.configured.every_connector()
        if not await self._csms.until(lambda: available(self._csms, places), SETTLED_S):
            await self._trial.station.clear_faults()
        if not await self._csms.until(lambda: available(self._csms, places), PATIENCE_S):
            raise NotRestored(f"connectors are {self._csms.connectors}, and not all Available")

    async def _call(self, action: str, payload: Payload) -> Payload:
        """The answer; empty for CALLERROR, which a station without this function gives."""
        answer = await self._csms.call(action, payload, self._trial.configured.answer_within_s)
        if answer is None:
            raise NotRestored(f"no answer to {action}")
        return {} if isinstance(answer, CallErrorAnswer) else answer


def available(csms: CentralSystem, places: list[Place]) -> bool:
    """Whether the station reported each of these connectors as Available."""
    return all(csms.connectors.get(place) == "Available" for place in places)


async def ready(csms: CentralSystem, places: list[Place], within_s: float) -> bool:
    """A station that was just started is connected and accepted, and these connectors are Available."""
    return await csms.until(
        lambda: csms.connected and csms.boot_status == "Accepted" and available(csms, places), within_s
    )
