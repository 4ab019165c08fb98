"""B01 to B03 RegistrationBlock, G02 Heartbeat: whether the central system has accepted this station, when to ask again, when to beat."""

from __future__ import annotations

from chargepoint.config.schema import StationSection
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.clock import ClockBlock
from chargepoint.ocpp.blocks.effects import (
    Effect,
    Effects,
    NetworkProfileChanged,
    NoAnswer,
    Send,
    SharedEvent,
    VariableSet,
    WriteJournal,
)
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.registration_status import RegistrationStatus
from chargepoint.ocpp.schemas import Payload

RETRY_S = 60.0
"""Where the central system names no interval (B02.FR.07, B03.FR.05)."""

HEARTBEAT_INTERVAL = "OCPPCommCtrlr/HeartbeatInterval"
BOOT_SPACE = "boot"
REASON = "reason"
"""Under this key the space keeps why the next boot happens."""


class RegistrationBlock(FunctionalBlock):
    """Seconds are monotonic. `status` None: never asked since the start."""

    def __init__(
        self, station: StationSection, firmware_version: str, model: DeviceModel, clock: ClockBlock, kept: Kept
    ) -> None:
        super().__init__()
        self.takes = {"BootNotification": self._boot_answered, "Heartbeat": self._heartbeat_answered}
        self._station = station
        self._firmware_version = firmware_version
        self._model = model
        self._clock = clock
        self._boot = kept.space(BOOT_SPACE)
        self.status: RegistrationStatus | None = None
        self.trouble = ""
        """Why the last BootNotification came to nothing, for people; empty where it was answered."""
        self._next_boot_s: float | None = 0.0
        self._next_heartbeat_s: float | None = None
        self._connected = False
        self._under_way = False
        self._asked_again_s: float | None = None
        """When `_ask_again` last wanted a boot: a central system that accepts us and then refuses everything is not flooded."""
        self._reason = str(self._boot.get(REASON, "PowerUp"))

    @property
    def accepted_now(self) -> bool:
        """Anything may be sent."""
        return self.status is RegistrationStatus.ACCEPTED

    @property
    def heartbeat_interval_s(self) -> float:
        """Between two Heartbeats."""
        return float(self._model.integer(HEARTBEAT_INTERVAL))

    def again_in_s(self, now_s: float) -> float | None:
        """Seconds until BootNotification is sent again; None: not planned, or on its way now."""
        if self._next_boot_s is None or self._next_boot_s <= now_s:
            return None
        return round(self._next_boot_s - now_s, 1)

    @property
    def deadline_s(self) -> float | None:
        """The next BootNotification or Heartbeat."""
        if self._under_way or not self._connected:
            return None
        return self._next_heartbeat_s if self._next_boot_s is None else self._next_boot_s

    def tick(self, now: StationNow) -> Effects:
        """BootNotification until the station is accepted, then Heartbeats."""
        if not now.connected or self._under_way:
            return ()
        if self._next_boot_s is not None:
            if now.monotonic_s < self._next_boot_s:
                return ()
            self._under_way = True
            return (self.boot(),)
        if self._next_heartbeat_s is None or now.monotonic_s < self._next_heartbeat_s:
            return ()
        self._beat(now.monotonic_s)
        return (Send("Heartbeat", {}),)

    def boot(self, triggered: bool = False) -> Send:
        """BootNotification with the reason of this boot, or Triggered (TC_B_02: asked for by TriggerMessage). B01.FR.01, FR.09."""
        charging_station: Payload = {"model": self._station.model, "vendorName": self._station.vendor_name}
        if self._station.serial_number:
            charging_station["serialNumber"] = self._station.serial_number
        if self._firmware_version:
            charging_station["firmwareVersion"] = self._firmware_version[:50]
        reason = "Triggered" if triggered else self._reason
        return Send("BootNotification", {"reason": reason, "chargingStation": charging_station})

    def connected(self, now: StationNow, offline_s: float) -> Effects:
        """What became due while there was no connection goes out now."""
        self._connected = True
        return ()

    def disconnected(self, now: StationNow) -> Effects:
        """A BootNotification that was on its way is sent again on the next connection."""
        self._connected = self._under_way = False
        return ()

    def unanswered(self, action: str, request: Payload, no_answer: NoAnswer, now: StationNow) -> Effects:
        """The BootNotification came to nothing, or the central system does not know us any more (B01.FR.10)."""
        if action == "BootNotification":
            self._under_way = False
            if not self.accepted_now:
                self._next_boot_s, self.trouble = now.monotonic_s + RETRY_S, no_answer.why
        elif no_answer.code == "SecurityError" and self.accepted_now:
            self._ask_again(now.monotonic_s)
        return ()

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """A new interval counts from now. By another network profile the station may talk to another central system."""
        if isinstance(event, NetworkProfileChanged) and self.status is not None:  # B10.FR.10
            self.status, self._next_boot_s, self._next_heartbeat_s = None, now.monotonic_s, None
        if isinstance(event, VariableSet) and event.key == HEARTBEAT_INTERVAL and self._next_heartbeat_s is not None:
            self._beat(now.monotonic_s)
        return ()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _boot_answered(self, request: Payload, response: Payload, now: StationNow) -> Effects:
        self._under_way = False
        before, self.status, self.trouble = self.status, RegistrationStatus(response["status"]), ""
        interval_s = int(response["interval"])
        effects: list[Effect] = [*self._clock.learned(response["currentTime"], now)]
        if self.status is not before:
            effects.append(WriteJournal("*", f"OCPP: registration {self.status.value}"))
        if not self.accepted_now:
            # B02.FR.04, FR.08, B03.FR.02, FR.06: not before the interval, then again.
            self._next_boot_s = now.monotonic_s + (interval_s if interval_s > 0 else RETRY_S)
            self._next_heartbeat_s = None
            return tuple(effects)
        self._next_boot_s, self._reason = None, "PowerUp"
        effects.append(self._boot.forget(REASON))
        every_s = self.heartbeat_interval_s
        if interval_s > 0 and interval_s != every_s:  # B01.FR.04
            every_s = float(interval_s)
            effects.append(self._model.keep(HEARTBEAT_INTERVAL, str(interval_s)))
        self._next_heartbeat_s = now.monotonic_s + every_s
        return tuple(effects)

    def _heartbeat_answered(self, request: Payload, response: Payload, now: StationNow) -> Effects:
        return self._clock.learned(response["currentTime"], now)

    def _ask_again(self, now_s: float) -> None:
        """The central system does not know us any more: boot now, but not more often than every `RETRY_S`."""
        earliest_s = now_s if self._asked_again_s is None else max(now_s, self._asked_again_s + RETRY_S)
        self.status, self._next_boot_s, self._next_heartbeat_s = None, earliest_s, None
        self._asked_again_s = earliest_s

    def _beat(self, now_s: float) -> None:
        self._next_heartbeat_s = now_s + self.heartbeat_interval_s
