"""A power module described by a register profile. Fulfils chargepoint.ports.PowerModule.

Level-driven: each poll compares what was ordered with what the module shows and takes the next small verified step.
Identify, then `prepare` (remote), `start` (limits zero, output on), `set` (`setpoints.py`), `stop`; the steps of one are
taken in `action.py`, the way through zero is `direction.py`.
A module may raise an alarm, switch off by itself, or lose its remote mode because it restarted or somebody took it over. Such a
module is not started again before it was ordered off. Then it is prepared anew, and every set-point is written again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from chargepoint.model.readings import Reading
from chargepoint.ports import DevicePoint, PowerModuleCapabilities, PowerModuleCommand, PowerModuleState, Reversal
from drivers.modbus.master import Master
from drivers.power_module.action import Action
from drivers.power_module.direction import Direction
from drivers.power_module.setpoints import SetPoints
from drivers.profile.codec import Params, resolve
from drivers.profile.polled import PolledProfile
from drivers.profile.schema import ALWAYS, DeviceProfile

GAP_S = 1.0
_ACTIONS_IN_A_ROW = ("prepare", "start", "set")
"""What one poll may come through, should a profile need nothing for one of them."""


class ProfiledModule:
    """`capabilities` is None until the module identified itself; `state` None until it said its state."""

    def __init__(self, name: str, profile: DeviceProfile, params: Params, unit: int, master: Master) -> None:
        self.name = name
        self.unit = unit
        self._profile = profile
        self._polled = PolledProfile(name, profile, params, unit, master, self._take)
        self._set_points = SetPoints(self._polled, master)
        self._capabilities = _capabilities(profile, params)
        self._values = {p.maps_to: p.name for p in profile.points.values() if p.maps_to is not None}
        self._state_blocks = _blocks_of_state(profile, self._values)
        self._seen_at_s: dict[str, float] = {}
        self._command = PowerModuleCommand()
        self._direction = Direction()
        self._action: Action | None = None
        self._now_s = -1e9
        self._was_on = False
        self._was_remote = False
        self._latched = ""
        self._state: Reading[PowerModuleState] | None = None
        self._refreshed_at_s = 0.0

    # -- the port ---------------------------------------------------------------------------------

    @property
    def capabilities(self) -> PowerModuleCapabilities | None:
        """None until the module identified itself."""
        return self._capabilities if self._polled.identified else None

    @property
    def state(self) -> Reading[PowerModuleState] | None:
        """Last state; None before the first. Its age shows how long the module is silent."""
        return self._state

    @property
    def identity_error(self) -> str:
        """Why the device is not taken for the one configured; empty if it is, or has not answered yet."""
        return self._polled.identity_error

    @property
    def last_failure(self) -> str:
        """Why the last write failed; for diagnostics."""
        return self._set_points.last_failure

    def command(self, command: PowerModuleCommand) -> None:
        """Take this as the order from now on. Less goes out with the next bus slot."""
        if command == self._command:
            return
        self._command = command
        if not command.output_on:
            self._latched, self._was_on = "", False
        if self._action is None and self._shows("output") and self._state is not None and command.output_on:
            self._write_changes()

    def points(self) -> Iterator[DevicePoint]:
        """Every register of the profile, as read last."""
        return self._polled.points()

    def poll(self, now_s: float) -> None:
        """Queue the reads that are due and take the next step towards what was ordered."""
        self._now_s = now_s
        self._polled.calm = not self._command.output_on and self._action is None and not self._shows("output")
        self._polled.poll(now_s)
        state = self._state
        if not self._polled.identified or state is None:
            return
        if now_s - state.taken_at_s > GAP_S:
            # it may have been switched off meanwhile: trust nothing that was written before
            self._set_points.trust_nothing()
            if self._command.output_on or not self._shows("output"):
                return
            # ordered off and last seen on: the stop is sent into the silence, so that it is there when the module is
        self._turn(state)
        self._refresh(now_s)
        for _ in _ACTIONS_IN_A_ROW:
            if not self._go_on(now_s):
                break

    def _go_on(self, now_s: float) -> bool:
        """Decide, and take the next step of an action. True: the action is done, so that what follows it can begin at once."""
        self._decide()
        if self._action is None:
            return False
        self._action.go_on(now_s, self._direction.arguments(self._command))
        if not self._action.done:
            return False
        self._action = None
        return True

    # -- what next --------------------------------------------------------------------------------

    def _decide(self) -> None:
        """Begin, keep or end an action, by what is ordered and what the module shows."""
        output, remote = self._shows("output"), self._shows("remote")
        if self._was_remote and not remote:
            self._start_over()
        self._was_remote = remote
        turning = self._must_stop_to_turn()
        if turning:
            self._was_on = False
        if self._shows("alarm") and self._command.output_on:
            self._latched = self._latched or "alarm while on"
        if self._was_on and self._command.output_on and not output and self._action is None:
            self._latched = self._latched or "switched off by itself"
        wanted = self._command.output_on and not self._latched and not turning
        if wanted and output and self._action is None:
            self._was_on = True
            self._write_changes()
            return
        if self._action is not None and self._action.name == "stop":
            return  # a stop is always finished, whatever was ordered meanwhile; only a lost remote mode ends it
        if wanted and self._action is not None:
            return
        if wanted == output:
            self._end()
        elif not remote:
            self._begin("prepare")
        else:
            self._begin("start" if wanted else "stop")

    def _start_over(self) -> None:
        """Remote mode is gone, and with it most likely every setting; what was under way, a stop too, would be refused for
        ever. An output that was lost with it stays off until it was ordered off."""
        self._end()
        self._set_points.trust_nothing()
        self._set_points.drop_sent()
        if self._command.output_on:
            self._latched = self._latched or "lost its remote mode: it restarted, or was taken over at its panel"

    def _begin(self, name: str) -> None:
        if self._action is not None and self._action.name == name:
            return
        self._end()
        if name == "start" and self._capabilities.reversal is Reversal.STOP_REQUIRED:
            # the mode is written while the output is off, so the direction must be known before
            self._direction.sign = -1 if self._command.current_A < 0 else 1
        self._action = Action(name, self._polled, self._set_points)
        if name == "stop":
            self._set_points.drop_sent()

    def _end(self) -> None:
        if self._action is not None:
            self._action.abandon()
            self._action = None

    def _turn(self, state: Reading[PowerModuleState]) -> None:
        wanted_A = self._command.current_A if self._command.output_on else 0.0
        reversal_s: float | None = self._capabilities.reversal_time_s
        if self._capabilities.reversal is Reversal.SEAMLESS:
            reversal_s = None
        elif self._capabilities.reversal is Reversal.STOP_REQUIRED:
            reversal_s = math.inf
        self._direction.turn(wanted_A, state.value.current_A, state.taken_at_s, reversal_s)

    def _must_stop_to_turn(self) -> bool:
        if self._capabilities.reversal is not Reversal.STOP_REQUIRED:
            return False
        turning = self._command.current_A * self._direction.sign < 0
        if turning and not self._shows("output"):
            self._direction.sign = 0
            return False
        return turning

    def _write_changes(self) -> None:
        arguments = self._direction.arguments(self._command)
        self._set_points.write_changes(self._profile.actions["set"], arguments, self._now_s)

    def _refresh(self, now_s: float) -> None:
        """Write everything again in time for a module that would switch off without us."""
        comm_loss_s = self._capabilities.comm_loss_s
        if comm_loss_s is not None and now_s - self._refreshed_at_s >= comm_loss_s / 3:
            self._refreshed_at_s = now_s
            self._set_points.trust_nothing()

    # -- what the module says ---------------------------------------------------------------------

    def _shows(self, name: str) -> bool:
        shown_by = self._profile.status[name]
        return shown_by == (ALWAYS,) or any(self._polled.bit(dotted) for dotted in shown_by)

    def _take(self, block: str, at_s: float) -> None:
        if not self._polled.identified:
            return
        if block not in self._state_blocks:
            self._set_points.compare(block)
            return
        self._seen_at_s[block] = at_s
        if len(self._seen_at_s) < len(self._state_blocks):
            return
        voltage_V = self._polled.number(self._values["voltage_V"])
        current_A = self._polled.number(self._values["current_A"])
        if voltage_V is None or current_A is None:
            return
        shown = [bit for bit in self._profile.faults if self._polled.bit(bit)]
        kinds = frozenset(kind for bit, kind in self._profile.fault_kinds.items() if bit in shown)
        faults = [self._profile.faults[bit] for bit in shown]
        if self._latched:
            faults.append(self._latched)
        faults += self._set_points.faults
        temperature = self._values.get("temperature_degC")
        state = PowerModuleState(
            voltage_V,
            current_A,
            self._shows("output"),
            tuple(faults),
            None if temperature is None else self._polled.number(temperature),
            kinds,
        )
        self._state = Reading(state, min(self._seen_at_s.values()))


def _blocks_of_state(profile: DeviceProfile, values: Mapping[str, str]) -> frozenset[str]:
    """The reads that together make a state; the oldest of them is its age."""
    names = {dotted.partition(".")[0] for shown_by in profile.status.values() for dotted in shown_by}
    names |= {values["voltage_V"], values["current_A"]}
    return frozenset(block for name in names - {ALWAYS} if (block := profile.points[name].block) is not None)


def _capabilities(profile: DeviceProfile, params: Params) -> PowerModuleCapabilities:
    numbers = {name: resolve(value, params) for name, value in profile.capabilities.items()}
    return PowerModuleCapabilities(
        voltage_min_V=numbers["voltage_min_V"],
        voltage_max_V=numbers["voltage_max_V"],
        charge_current_max_A=numbers["charge_current_max_A"],
        discharge_current_max_A=numbers["discharge_current_max_A"],
        charge_power_max_W=numbers["charge_power_max_W"],
        discharge_power_max_W=numbers["discharge_power_max_W"],
        ramp_A_per_s=numbers["ramp_A_per_s"],
        reversal=Reversal(profile.reversal),
        reversal_time_s=numbers["reversal_time_s"],
        comm_loss_s=profile.comm_loss_s,
    )
