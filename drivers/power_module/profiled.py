"""A power module described by a register profile. Fulfils chargepoint.ports.PowerModule.

Level-driven: each poll compares what was ordered with what the module shows and takes the next small verified step.
Identify, then `prepare` (remote), `start` (limits zero, output on), `set` (only what changed is written, less goes first and
with the most urgent priority), `stop`. Set-points are read back and written again when the module shows others.
A module that raised an alarm or switched off by itself is not started again before it was ordered off.
"""

from __future__ import annotations

from chargepoint.model.readings import Reading
from chargepoint.ports import PowerModuleCapabilities, PowerModuleCommand, PowerModuleState, Reversal
from drivers.modbus.rtu import OnDone, RtuMaster
from drivers.modbus.transaction import (
    Failed,
    Outcome,
    Priority,
    Request,
    WriteCoil,
    WriteDone,
    WriteRegister,
    WriteRegisters,
)
from drivers.power_module.setpoints import Direction
from drivers.profile.codec import OutOfClamp, Params, resolve
from drivers.profile.polled import PolledProfile
from drivers.profile.schema import Expect, Profile, Write

RETRY_S = 0.25
GAP_S = 1.0
_READBACK_PATIENCE = 3

Registers = tuple[int, ...]


class ProfiledModule:
    """`capabilities` is None until the module identified itself; `state` None until it said its state."""

    def __init__(self, name: str, profile: Profile, params: Params, unit: int, master: RtuMaster) -> None:
        self.name = name
        self.unit = unit
        self._profile = profile
        self._params = params
        self._master = master
        self._polled = PolledProfile(name, profile, params, unit, master, self._take)
        self._capabilities = _capabilities(profile, params)
        self._state_block = profile.points["state"].block
        self._values = {p.maps_to: p.name for p in profile.points.values() if p.maps_to is not None}
        self._command = PowerModuleCommand()
        self._direction = Direction()
        self._confirmed: dict[str, Registers] = {}
        self._sent: dict[str, Registers] = {}
        self._again_at_s: dict[str, float] = {}
        self._now_s = -1e9
        self._action: str | None = None
        self._step = 0
        self._run = 0
        self._waiting = False
        self._expect_until_s: float | None = None
        self._retry_at_s = -1e9
        self._was_on = False
        self._latched = ""
        self._refused = ""
        self.last_failure = ""
        """Why the last write failed; for diagnostics."""
        self._differences = 0
        self._state: Reading[PowerModuleState] | None = None
        self._refreshed_at_s = 0.0

    # -- the port ---------------------------------------------------------------------------------

    @property
    def capabilities(self) -> PowerModuleCapabilities | None:
        """None until the module identified itself."""
        return self._capabilities if self._polled.identified else None

    @property
    def state(self) -> Reading[PowerModuleState] | None:
        """Last state; None before the first. Its age tells of silence."""
        return self._state

    @property
    def identity_error(self) -> str:
        """Why the device is not taken for the one configured; empty if it is, or has not answered yet."""
        return self._polled.identity_error

    def command(self, command: PowerModuleCommand) -> None:
        """Take this as the order from now on. Less goes out with the next bus slot."""
        if command == self._command:
            return
        self._command = command
        if not command.output_on:
            self._latched, self._was_on = "", False
        if self._action is None and self._shows("output") and self._state is not None and command.output_on:
            self._write_changes()

    def poll(self, now_s: float) -> None:
        """Queue the reads that are due and take the next step towards what was ordered."""
        self._now_s = now_s
        self._polled.poll(now_s)
        state = self._state
        if not self._polled.identified or state is None:
            return
        if now_s - state.taken_at_s > GAP_S:
            # it may have been switched off meanwhile: trust nothing that was written before
            self._confirmed.clear()
            return
        wanted_A = self._command.current_A if self._command.output_on else 0.0
        reversal_s = self._capabilities.reversal_time_s
        if self._capabilities.reversal is Reversal.SEAMLESS:
            reversal_s = 0.0
        self._direction.turn(wanted_A, state.value.current_A, state.taken_at_s, reversal_s)
        self._refresh(now_s)
        self._decide()
        if self._action is not None:
            self._go_on(now_s)

    # -- what next --------------------------------------------------------------------------------

    def _decide(self) -> None:
        output, remote = self._shows("output"), self._shows("remote")
        if self._shows("alarm") and self._command.output_on:
            self._latched = self._latched or "alarm while on"
        if self._was_on and self._command.output_on and not output and self._action is None:
            self._latched = self._latched or "switched off by itself"
        wanted = self._command.output_on and not self._latched and not self._must_stop_to_turn()
        if wanted and output and self._action is None:
            self._was_on = True
            self._write_changes()
            return
        if wanted:
            goal = None if output else "start" if remote else "prepare"
        else:
            goal = None if not output else "stop" if remote else "prepare"
        if self._action == "stop":
            return  # a stop is always finished, whatever was ordered meanwhile
        if self._action is not None and (self._action == goal or (wanted and self._action in ("prepare", "start"))):
            return
        if goal != self._action and goal is not None:
            self._begin(goal)
        elif goal is None and self._action is not None:
            self._end()

    def _must_stop_to_turn(self) -> bool:
        if self._capabilities.reversal is not Reversal.STOP_REQUIRED:
            return False
        turning = self._command.current_A * self._direction.sign < 0
        if turning and not self._shows("output"):
            self._direction.sign = 0
            return False
        return turning

    def _begin(self, action: str) -> None:
        self._action, self._step, self._waiting, self._expect_until_s = action, 0, False, None
        self._run += 1
        self._retry_at_s = -1e9
        if action == "stop":
            self._sent.clear()

    def _end(self) -> None:
        self._action = None
        self._run += 1

    def _go_on(self, now_s: float) -> None:
        """Take the action's next step unless one is on its way."""
        assert self._action is not None
        steps = self._profile.actions[self._action]
        while not self._waiting and now_s >= self._retry_at_s:
            if self._step >= len(steps):
                self._end()
                return
            match steps[self._step]:
                case Write() as step:
                    if not self._write_step(step, now_s):
                        return
                case Expect() as step:
                    if self._polled.bit(step.point) == step.value:
                        self._step, self._expect_until_s = self._step + 1, None
                        continue
                    if self._expect_until_s is None:
                        self._expect_until_s = now_s + step.within_s
                    elif now_s > self._expect_until_s:
                        self._again(now_s)
                    return

    def _again(self, at_s: float) -> None:
        self._step, self._expect_until_s, self._retry_at_s = 0, None, at_s + RETRY_S

    def _write_step(self, step: Write, now_s: float) -> bool:
        if step.arg is not None:
            value = self._direction.arguments(self._command)[step.arg]
        else:
            assert step.value is not None
            value = resolve(step.value, self._params)
        registers = self._encode(step.point, value)
        if registers is None:
            self._again(now_s)
            return False
        run, self._waiting = self._run, True

        def done(outcome: Outcome) -> None:
            if run != self._run:
                return
            self._waiting = False
            if isinstance(outcome, WriteDone):
                self._confirmed[step.point] = registers
                self._step += 1
            else:
                self._confirmed.pop(step.point, None)
                self._note(outcome)
                self._again(outcome.at_s)

        priority = Priority.STOP if self._action == "stop" else Priority.SETPOINT
        self._master.submit(self._request(step.point, registers), done, priority, key=(self.name, step.point))
        return True

    def _note(self, outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            self.last_failure = outcome.detail

    # -- set-points -------------------------------------------------------------------------------

    def _write_changes(self) -> None:
        """Write the set-points that differ from what the module confirmed; a smaller current goes first."""
        arguments = self._direction.arguments(self._command)
        changes: list[tuple[Priority, str, Registers]] = []
        for step in self._profile.actions["set"]:
            if not isinstance(step, Write) or step.arg is None:
                continue
            registers = self._encode(step.point, arguments[step.arg])
            known = self._sent.get(step.point, self._confirmed.get(step.point))
            if registers is None or registers == known or self._now_s < self._again_at_s.get(step.point, -1e9):
                continue
            less = step.arg != "voltage_V" and (not any(registers) if known is None else registers < known)
            changes.append((Priority.STOP if less else Priority.SETPOINT, step.point, registers))
        for priority, point, registers in sorted(changes, key=lambda change: change[0]):
            self._sent[point] = registers
            self._master.submit(
                self._request(point, registers), self._confirm(point, registers), priority, key=(self.name, point)
            )

    def _confirm(self, point: str, registers: Registers) -> OnDone:
        def done(outcome: Outcome) -> None:
            if self._sent.get(point) == registers:
                del self._sent[point]
            if isinstance(outcome, WriteDone):
                self._confirmed[point] = registers
            else:
                self._confirmed.pop(point, None)
                self._again_at_s[point] = outcome.at_s + RETRY_S
                self._note(outcome)

        return done

    def _refresh(self, now_s: float) -> None:
        """Write everything again in time for a module that would switch off without us."""
        comm_loss_s = self._capabilities.comm_loss_s
        if comm_loss_s is not None and now_s - self._refreshed_at_s >= comm_loss_s / 3:
            self._refreshed_at_s = now_s
            self._confirmed.clear()

    def _encode(self, point: str, value: float) -> Registers | None:
        try:
            registers = self._polled.codecs[point].encode(value)
        except OutOfClamp as error:
            self._refused = f"set-point refused: {error}"
            return None
        self._refused = ""
        return registers

    def _request(self, point: str, registers: Registers) -> Request:
        found, address = self._profile.points[point], self._polled.address(point)
        match found.write_function:
            case 5:
                return WriteCoil(self.unit, address, bool(registers[0]))
            case 6:
                return WriteRegister(self.unit, address, registers[0])
            case _:
                return WriteRegisters(self.unit, address, registers)

    # -- what the module says ---------------------------------------------------------------------

    def _shows(self, bit: str) -> bool:
        return bool(self._polled.bit(f"state.{bit}"))

    def _take(self, block: str, at_s: float) -> None:
        if not self._polled.identified:
            return
        if block != self._state_block:
            self._compare(block)
            return
        voltage_V = self._polled.number(self._values["voltage_V"])
        current_A = self._polled.number(self._values["current_A"])
        if voltage_V is None or current_A is None:
            return
        faults = [word for bit, word in self._profile.faults.items() if self._polled.bit(bit)]
        if self._latched:
            faults.append(self._latched)
        if self._refused:
            faults.append(self._refused)
        if self._differences >= _READBACK_PATIENCE:
            faults.append("set-points not taken")
        state = PowerModuleState(voltage_V, current_A, self._shows("output"), tuple(faults))
        self._state = Reading(state, at_s)

    def _compare(self, block: str) -> None:
        """Read-back: what the module shows against what it confirmed."""
        different = False
        for point in self._profile.points.values():
            confirmed = self._confirmed.get(point.name)
            shown = self._polled.values.get(point.name)
            if point.block != block or confirmed is None or point.name in self._sent or not isinstance(shown, float):
                continue
            codec = self._polled.codecs[point.name]
            if codec.decode(confirmed) != shown:
                different = True
                del self._confirmed[point.name]
        self._differences = self._differences + 1 if different else 0


def _capabilities(profile: Profile, params: Params) -> PowerModuleCapabilities:
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
