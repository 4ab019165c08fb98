"""The station as the central system sees it: every CALL to its block, every answer to what it means.

Owns the state behind the blocks (device model, profiles, token cache, registration, connector states) and what is due
next. Pure: time is a value, writes and messages go out as values; only the port is called, and it answers at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.commands import ChangeAvailability, Contribute
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import ZERO
from chargepoint.model.status import ConnectorStatus, ConnectorStatusChanged
from chargepoint.ocpp.availability_orders import OrderedAvailability
from chargepoint.ocpp.blocks import (
    authorization,
    availability,
    data_transfer,
    provisioning,
    remote_control,
    smart_charging,
    transactions,
)
from chargepoint.ocpp.blocks.context import BlockContext, CallAnswer, Outgoing
from chargepoint.ocpp.blocks.registration import Registration, RegistrationStatus
from chargepoint.ocpp.charging_profiles import Change, ChargingProfiles
from chargepoint.ocpp.charging_schedule import NegativeLimit, V2xRules
from chargepoint.ocpp.composite import REFRESH_S, Verdict, contribution, evaluate, plan, situation, unchanging
from chargepoint.ocpp.device_model import DeviceModel, Variable
from chargepoint.ocpp.device_table import rows
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.rpc import CallReceived
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.token_cache import TokenCache
from chargepoint.ocpp.version import OCPP_2_0_1, OcppVersion
from chargepoint.ports import StationPort
from chargepoint.store.rows import CachedToken, ProfileRow, SetVariable, Write

Respond = Callable[[Payload, BlockContext, Moment], CallAnswer]

RESPONDERS: dict[str, Respond] = {
    "ChangeAvailability": availability.change_availability,
    "ClearCache": authorization.clear_cache,
    "ClearChargingProfile": smart_charging.clear_charging_profile,
    "DataTransfer": data_transfer.data_transfer,
    "GetBaseReport": provisioning.get_base_report,
    "GetChargingProfiles": smart_charging.get_charging_profiles,
    "GetCompositeSchedule": smart_charging.get_composite_schedule,
    "GetReport": provisioning.get_report,
    "GetTransactionStatus": transactions.get_transaction_status,
    "GetVariables": provisioning.get_variables,
    "RequestStartTransaction": remote_control.request_start,
    "RequestStopTransaction": remote_control.request_stop,
    "Reset": provisioning.reset,
    "SetChargingProfile": smart_charging.set_charging_profile,
    "SetNetworkProfile": provisioning.set_network_profile,
    "SetVariables": provisioning.set_variables,
    "TriggerMessage": remote_control.trigger_message,
    "UnlockConnector": remote_control.unlock_connector,
}
"""What is built. Any other CALL of the version is NotSupported."""

_ITEM_LISTS = {
    "GetVariables": ("getVariableData", "DeviceDataCtrlr/ItemsPerMessage[GetVariables]"),
    "SetVariables": ("setVariableData", "DeviceDataCtrlr/ItemsPerMessage[SetVariables]"),
    "GetReport": ("componentVariable", "DeviceDataCtrlr/ItemsPerMessage[GetReport]"),
}
_CLOCK_OFFSET_MIN_S = 1.0

OWNER = "ocpp"
"""The owner's name of the central system's contributions."""
UNHEARD_MAX_S = 10.0
"""So long after the acceptance the station waits for the power process before it reports a connector anyway."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store knew at start."""

    variables: Mapping[str, str]
    profiles: tuple[ProfileRow, ...]
    tokens: tuple[CachedToken, ...]
    availability: Mapping[int, bool]


@dataclass(frozen=True, slots=True)
class CallRefusal:
    """A CALLERROR instead of an answer."""

    code: str
    text: str


class Station:
    """The core behind `OcppClient`. Moments named `own` are of the station's clock; `at` gives the central system's time."""

    def __init__(
        self,
        csms: CsmsSection,
        section: StationSection,
        port: StationPort,
        stored: Stored,
        messages_waiting: Callable[[str | None], int],
        version: OcppVersion = OCPP_2_0_1,
    ) -> None:
        self._section = section
        self._port = port
        self._utc_s = 0.0
        self._report_unheard_at_s = math.inf
        self._contributed: set[EvseId] = set()
        self.model = DeviceModel(rows(csms, section, port.evse_states()), stored.variables, self._live)
        self.profiles = ChargingProfiles(stored.profiles, self._rules)
        self.registration = Registration(
            heartbeat_interval_s=float(self.model.integer("OCPPCommCtrlr/HeartbeatInterval"))
        )
        self.board = availability.StatusBoard()
        self.context = BlockContext(
            self.model,
            self.profiles,
            TokenCache(stored.tokens),
            port,
            self.registration,
            messages_waiting,
            version,
            OrderedAvailability(stored.availability),
        )
        self.boot_reason = stored.variables.get(provisioning.BOOT_REASON_KEY, "PowerUp")

    # -- start -------------------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Hand the app what the central system ordered before the restart (B01.FR.07, G03.FR.08)."""
        for evse in self._port.evse_states():
            if not self.context.availability.operative(int(evse.evse_id)):
                self._port.command(ChangeAvailability(evse.evse_id, operative=False))

    # -- time --------------------------------------------------------------------------------------------------------

    def at(self, own: Moment) -> Moment:
        """The moment on the central system's clock, where ours differs by more than a second (B01.FR.06)."""
        return Moment(own.monotonic_s, own.utc_s + self.clock_correction.total_seconds())

    @property
    def clock_correction(self) -> timedelta:
        """What our own UTC lacks to the central system's; zero below a second, which is the network's share."""
        offset_s = self.registration.clock_offset_s
        return timedelta(seconds=offset_s) if abs(offset_s) >= _CLOCK_OFFSET_MIN_S else timedelta()

    # -- the central system asks -------------------------------------------------------------------------------------

    def handle(self, call: CallReceived, own: Moment) -> CallAnswer | CallRefusal:
        """The answer to a CALL that fits its schema."""
        if self.registration.status is RegistrationStatus.REJECTED:  # B03.FR.08
            return CallRefusal("SecurityError", "the central system has not accepted this station")
        now = self.at(own)
        self._utc_s = now.utc_s
        if call.action in _ITEM_LISTS:
            field, key = _ITEM_LISTS[call.action]
            count, limit = len(call.payload.get(field, ())), self.model.integer(key)
            if count > limit:  # B06.FR.16, B08.FR.17
                return CallRefusal("OccurrenceConstraintViolation", f"{field}: {count} elements, at most {limit}")
        return RESPONDERS[call.action](call.payload, self.context, now)

    # -- we ask, the central system answers --------------------------------------------------------------------------

    def due(self, own: Moment) -> Outgoing | None:
        """The CALL to send now of those that go by the clock: BootNotification, else Heartbeat."""
        registration = self.registration
        if registration.next_boot_s is not None:
            return self.boot_request() if own.monotonic_s >= registration.next_boot_s else None
        if registration.next_heartbeat_s is not None and own.monotonic_s >= registration.next_heartbeat_s:
            return Outgoing("Heartbeat", {})
        return None

    @property
    def deadline_s(self) -> float | None:
        """When to ask `due` and `connectors_due` again (monotonic s); None: only after something happened."""
        if self.registration.next_boot_s is not None:
            return self.registration.next_boot_s
        unheard = {evse.evse_id for evse in self._port.evse_states() if not evse.heard}
        if any(change.evse_id in unheard for change in self.board.due()):
            return min(self._report_unheard_at_s, self.registration.next_heartbeat_s or math.inf)
        return self.registration.next_heartbeat_s

    def boot_request(self, triggered: bool = False) -> Outgoing:
        """BootNotification with the reason of this boot, or Triggered (TC_B_02: asked for by TriggerMessage)."""
        reason = "Triggered" if triggered else self.boot_reason
        return Outgoing(
            "BootNotification", provisioning.boot_request(self._section, self._port.firmware_version(), reason)
        )

    def answered(self, action: str, request: Payload, response: Payload, own: Moment) -> tuple[Write, ...]:
        """Take a response that fits its schema; returns what to keep."""
        now = self.at(own)
        match action:
            case "BootNotification":
                was_accepted = self.registration.accepted
                interval_s = self.registration.answered(response, own)
                if interval_s is not None:
                    self.model.keep("OCPPCommCtrlr/HeartbeatInterval", str(int(interval_s)))
                if self.registration.accepted and not was_accepted:
                    self.boot_reason = "PowerUp"
                    self._report_unheard_at_s = own.monotonic_s + UNHEARD_MAX_S
                    self.report_all_connectors(own)  # B01.FR.05
                    return (SetVariable(provisioning.BOOT_REASON_KEY, None),)
            case "Heartbeat":
                self.registration.synchronize(response["currentTime"], own)
            case "Authorize":
                token = authorization.token_from_wire(request["idToken"])
                return authorization.learned(token, response["idTokenInfo"], self.context, now)
            case "TransactionEvent":
                return transactions.event_answered(request, response, self.context, now)
            case _:
                pass
        return ()

    def refused(self, action: str, code: str, own: Moment, why: str = "") -> None:
        """Our CALL was answered with CALLERROR, or (code "") not in time; `why` says it for people."""
        if action == "BootNotification":
            self.registration.failed(own.monotonic_s, why)
        elif code == "SecurityError" and self.registration.accepted:  # B01.FR.10: it has forgotten us
            self.registration.ask_again(own.monotonic_s)

    # -- connectors --------------------------------------------------------------------------------------------------

    def report_all_connectors(self, own: Moment) -> None:
        """Every connector's present state is to be reported (B01.FR.05, B04.FR.01)."""
        for evse in self._port.evse_states():
            change = ConnectorStatusChanged(evse.evse_id, availability.CONNECTOR_ID, evse.status, self.at(own).utc)
            self.board.changed(change)
        self.board.forget_reported()

    def connectors_due(self, own: Moment) -> tuple[ConnectorStatusChanged, ...]:
        """Connector states to report now. Before the power process has reported an EVSE, its state is only a guess:
        it waits, at most UNHEARD_MAX_S after the central system accepted the station."""
        waiting = self._unheard(own)
        return tuple(change for change in self.board.due() if change.evse_id not in waiting)

    def _unheard(self, own: Moment) -> set[EvseId]:
        if own.monotonic_s >= self._report_unheard_at_s:
            return set()
        return {evse.evse_id for evse in self._port.evse_states() if not evse.heard}

    # -- charging limits ---------------------------------------------------------------------------------------------

    def follow_transactions(self, own: Moment) -> Change | None:
        """Profiles that came or went with a transaction: commit, then apply."""
        evses = self._port.evse_states()
        self.context.not_accepted.intersection_update(str(evse.transaction_id) for evse in evses)
        return self.profiles.follow(evses, own.monotonic_s)

    def contribute(self, own: Moment) -> float:
        """Give the arbiter this moment's limits and set-points; returns the monotonic second to come again."""
        now = self.at(own)
        evses = self._port.evse_states()
        again_s = math.inf
        for evse in evses:
            permitted = self.profiles.discharge_permitted(evse.transaction_id)
            where = situation(evse, evses, permitted, now)
            verdict, future = evaluate(self.profiles.installed, where, now.utc_s), None
            again_s = min(again_s, now.monotonic_s + max(verdict.until_s - now.utc_s, 0.0) + 1e-3)
            if evse.transaction_id in self.context.not_accepted:
                verdict = Verdict(ZERO, None, "the token of this transaction is not accepted", verdict.until_s)
            else:
                future = plan(self.profiles.installed, where, now)
            contributed = contribution(verdict, evse.evse_id, now)
            present = () if contributed is None else (contributed,)
            future = future or unchanging(present, now)
            if any(step.contributions for step in future.steps):
                again_s = min(again_s, now.monotonic_s + REFRESH_S)
                self._contributed.add(evse.evse_id)
                self._port.command(Contribute(evse.evse_id, OWNER, present, future))
            elif evse.evse_id in self._contributed:
                self._contributed.discard(evse.evse_id)
                self._port.command(Contribute(evse.evse_id, OWNER, ()))
        return again_s

    # -- inside ------------------------------------------------------------------------------------------------------

    def _rules(self) -> V2xRules:
        return V2xRules(
            self.model.flag("V2XChargingCtrlr/V2XOver201"),
            NegativeLimit(self.model.text("V2XChargingCtrlr/NegativeLimitMeaning")),
        )

    def _live(self, row: Variable) -> str | None:
        """Values that are read at the moment they are asked for."""
        match row.component, row.name:
            case "ChargingStation", "AvailabilityState":
                states = {evse.status for evse in self._port.evse_states()}
                return (states.pop() if len(states) == 1 else ConnectorStatus.AVAILABLE).value
            case "EVSE" | "Connector", "AvailabilityState":
                return next(e.status.value for e in self._port.evse_states() if e.evse_id == row.evse_id)
            case "EVSE", "Power":
                power_W = next(e.power_W for e in self._port.evse_states() if e.evse_id == row.evse_id)
                return None if power_W is None else f"{power_W:.1f}"
            case "ChargingStation", "FirmwareVersion":
                return self._port.firmware_version()[:50]
            case "ClockCtrlr", "DateTime":
                return Moment(0.0, self._utc_s).wire
            case "V2XChargingCtrlr", "Available":
                return "true" if any(evse.discharge_max_W > 0 for evse in self._port.evse_states()) else "false"
            case "V2XChargingCtrlr", "Enabled":
                return self.model.text("V2XChargingCtrlr/V2XOver201")
            case "SmartChargingCtrlr", "Entries":
                return str(len(self.profiles))
            case _:
                return None
