"""The generic pilot and IO board, map v1 (docs/sources/hardware.md 4). Fulfils chargepoint.ports.IoDevice, with every port.

One read of 24 registers and one write of 5 per cycle; the write kicks the board's watchdog with an echo of the sequence
counter and carries the request twice (true and inverted). A command that asks for less goes out before everything else.
Request and output bits, which map v1 leaves open, as this project defines them: 0 contactor, 1 pre-charge, 2 discharge, 3 lock.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.model.demand import PilotCommand
from chargepoint.model.image import ControlPilot, Lock
from chargepoint.model.io import BoardFault, SafetyInput
from chargepoint.model.readings import Reading
from chargepoint.ports import ContactorState, IoCommand, IoPorts, IoState, PilotReading
from drivers.modbus.master import Master
from drivers.modbus.transaction import (
    DeviceTiming,
    Failed,
    FailureKind,
    Outcome,
    Priority,
    Read,
    ReadDone,
    WriteRegister,
    WriteRegisters,
)

CYCLE_S = 0.020
MAP_VERSION = 1
TIMING = DeviceTiming(
    timeout_s=0.03,
    turnaround_s=0.02,
    late_s=0.03,
    failures_to_back_off=5,
    failures_to_pace=5,
    backoff_min_s=0.1,
    backoff_max_s=1.0,
)
"""The board answers within 5 ms; it is asked often even when silent, for it is what opens the contactor."""

_CONTACTOR, _PRECHARGE, _DISCHARGE, _LOCK = 1, 2, 4, 8
_LATCHED = (
    BoardFault.WELD,
    BoardFault.NO_CLOSE,
    BoardFault.DIODE,
    BoardFault.PILOT_SHORT,
    BoardFault.PROXIMITY,
    BoardFault.EMERGENCY_STOP,
    BoardFault.WATCHDOG,
    BoardFault.OVER_TEMPERATURE,
    BoardFault.LOCK,
    BoardFault.SUPPLY,
    BoardFault.DOOR,
    BoardFault.RCD,
    BoardFault.CHAIN,
    BoardFault.OPENED,
)
"""The bits of input register 14. Bits 10 to 13 are this project's addition to map v1; an older board keeps them 0."""

_INPUTS = (
    SafetyInput.EMERGENCY_CHAIN,
    SafetyInput.DOOR,
    SafetyInput.INSULATION_RELAY,
    SafetyInput.RCD,
    SafetyInput.SURGE_ARRESTER,
    SafetyInput.FAN,
    SafetyInput.TILT,
    SafetyInput.HARDWARE_CHAIN,
)
"""The bits of input register 13. 1 is closed, which is good; of the tilt sensor 1 is tilted."""

_TILT = 1 << _INPUTS.index(SafetyInput.TILT)

_ABSENT = 0x7FFF
_OPEN_OHM = 0xFFFF
_CLEAR_KEY = 0xC1EA
_RESTARTED = 3
_OTHER_FORMS = tuple((first, 24 - first) for first in (15, 16, 17, 18))
"""Other ways to read the block while a lost reply may still come; all that decides about power is in the first part."""
_STRENGTH = {0: 0, 1: 0, 2: 1, 3: 2}
"""How much a pilot command permits: F and E nothing, X1 presence, PWM energy."""


WATCHDOG_MS = 500
"""Silence of the host after which the board opens by itself: as long as a lease. Bounds in `WATCHDOG_MS_BOUNDS`."""

WATCHDOG_MS_BOUNDS = (100, 1000)


class GenericIoBoard:
    """State is None until the board showed map version 1 and took our watchdog time (register 110); its age is that of the
    board's sequence counter. A board that restarted gets its watchdog time anew before it is believed again."""

    def __init__(self, name: str, unit: int, master: Master, watchdog_ms: int = WATCHDOG_MS) -> None:
        self.name = name
        self.unit = unit
        self._watchdog_ms = watchdog_ms
        self._watchdog_taken = False
        self._uptime_s = 0
        self._identity_error = ""
        self._master = master
        self._ordered = IoCommand()
        self._sequence: int | None = None
        self._counted_at_s = 0.0
        self._behind = 0
        self._due_s = -1e9
        self._asked = False
        self._clear = False
        self._state: Reading[IoState] | None = None
        self._ports = IoPorts(
            pilot=_Pilot(self),
            contactors=_Contactors(self),
            lock=_Lock(self),
            discharge=_Discharge(self),
            inputs=_Inputs(self),
            temperatures=_Temperatures(self),
            latch=_Latch(self),
        )
        master.configure(unit, TIMING)

    @property
    def ports(self) -> IoPorts:
        """Every port; all of them travel in one write, and come from one read."""
        return self._ports

    @property
    def identity_error(self) -> str:
        """Why the board is not taken for one of this map; empty if it is, or has not answered yet."""
        return self._identity_error

    @property
    def ordered(self) -> IoCommand:
        """What all outputs are ordered to do."""
        return self._ordered

    def order(self, command: IoCommand) -> None:
        """Take this as the order from now on. It is sent with the watchdog kick at the next chance; an order for less goes
        before everything else."""
        if command == self._ordered:
            return
        less = _asks_for_less(command, self._ordered)
        self._ordered = command
        if self._sequence is not None:
            self._write(Priority.STOP if less else Priority.SETPOINT)

    def clear_latched(self) -> None:
        """Ask the board to clear its latched faults (it refuses while any output is requested)."""
        self._clear = True

    @property
    def state(self) -> Reading[IoState] | None:
        """Last state; a board whose sequence counter stands still ages."""
        return self._state

    def poll(self, now_s: float) -> None:
        """Queue the cycle's read when it is due; its answer brings the write."""
        if self._asked or now_s < self._due_s:
            return
        self._due_s = self._due_s + CYCLE_S if now_s - self._due_s < CYCLE_S else now_s + CYCLE_S
        self._asked = True
        self._master.submit(Read(self.unit, 4, 0, 24, _OTHER_FORMS), self._read, Priority.FAST)

    def _read(self, outcome: Outcome) -> None:
        self._asked = False
        match outcome:
            case ReadDone():
                registers = outcome.registers
            case _:
                return
        if registers[0] != MAP_VERSION:
            self._identity_error = (
                f"{self.name}: map version = {registers[0]}: expected {MAP_VERSION}; check unit number and firmware"
            )
            return
        self._identity_error = ""
        if self._is_old(registers[4]):
            return
        if not self._has_watchdog(uptime_s=registers[3]):
            return
        if registers[4] != self._sequence:
            self._sequence, self._counted_at_s = registers[4], outcome.at_s
        self._state = Reading(decode(registers), self._counted_at_s)
        self._write(Priority.SETPOINT)
        if self._clear:
            self._clear = False
            self._master.submit(WriteRegister(self.unit, 111, _CLEAR_KEY), self._written, Priority.SETPOINT)

    def _has_watchdog(self, uptime_s: int) -> bool:
        """Whether the board holds our watchdog time since it started; asks it to, if not. Nothing is switched before."""
        if uptime_s < self._uptime_s:
            self._forget()
        self._uptime_s = uptime_s
        if not self._watchdog_taken:
            request = WriteRegister(self.unit, 110, self._watchdog_ms)
            self._master.submit(request, self._watchdog_written, Priority.SETPOINT, key=(self.name, "watchdog"))
        return self._watchdog_taken

    def _forget(self) -> None:
        """The board restarted: its last report and its last orders are void."""
        self._behind, self._sequence, self._watchdog_taken, self._state = 0, None, False, None

    def _watchdog_written(self, outcome: Outcome) -> None:
        self._watchdog_taken = not isinstance(outcome, Failed)
        if isinstance(outcome, Failed) and outcome.kind is FailureKind.EXCEPTION:
            self._identity_error = f"{self.name}: watchdog of {self._watchdog_ms} ms refused: {outcome.detail}"
        self._due_s = -1e9

    def _is_old(self, sequence: int) -> bool:
        """A counter behind the last one is an answer that was lost on the way and came after all; thrice, a board that restarted."""
        behind = self._sequence is not None and (sequence - self._sequence) & 0xFFFF >= 0x8000
        self._behind = self._behind + 1 if behind else 0
        if self._behind >= _RESTARTED:
            self._forget()
            behind = False
        return behind

    def _write(self, priority: Priority) -> None:
        assert self._sequence is not None
        request = WriteRegisters(self.unit, 100, encode(self._ordered, self._sequence))
        self._master.submit(request, self._written, priority, key=(self.name, "cycle"))

    def _written(self, outcome: Outcome) -> None:
        if isinstance(outcome, Failed) and outcome.kind is not FailureKind.UNDATED:
            self._due_s = -1e9  # read at once: the next write follows the answer


def encode(command: IoCommand, sequence: int) -> tuple[int, ...]:
    """Registers 100..104."""
    request = command.contactor * _CONTACTOR | command.discharge * _DISCHARGE | command.lock * _LOCK
    duty = round(min(100.0, max(0.0, command.duty_percent)) * 100)
    return sequence, int(command.pilot), duty, request, ~request & 0xFFFF


def decode(registers: tuple[int, ...]) -> IoState:
    """Input registers 0..23. Unknown pilot or lock codes become UNKNOWN and UNDEFINED."""
    feedback, inputs, latched = registers[12], registers[13], registers[14]
    return IoState(
        pilot=ControlPilot(registers[5]) if registers[5] <= 6 else ControlPilot.UNKNOWN,
        duty_percent=registers[8] / 100,
        pilot_high_V=_signed(registers[6]) / 1000,
        pilot_low_V=_signed(registers[7]) / 1000,
        proximity_ohm=None if registers[9] == _OPEN_OHM else float(registers[9]),
        lock=Lock(registers[10]) if registers[10] <= 4 else Lock.UNDEFINED,
        contactor_positive_closed=bool(feedback & 1),
        contactor_negative_closed=bool(feedback & 2),
        contactor_commanded=bool(registers[11] & _CONTACTOR),
        precharge_closed=bool(feedback & 4),
        discharge_closed=bool(feedback & 8),
        open_inputs=frozenset(one for bit, one in enumerate(_INPUTS) if not (inputs ^ _TILT) >> bit & 1),
        latched=_latched(latched),
        temperatures_degC=tuple(None if raw == _ABSENT else _signed(raw) / 10 for raw in registers[15:21]),
    )


def _latched(bits: int) -> frozenset[BoardFault]:
    known = frozenset(fault for bit, fault in enumerate(_LATCHED) if bits >> bit & 1)
    return known | {BoardFault.UNKNOWN} if bits >> len(_LATCHED) else known


def _signed(raw: int) -> int:
    return raw - 0x10000 if raw & 0x8000 else raw


def _asks_for_less(new: IoCommand, old: IoCommand) -> bool:
    return (old.contactor and not new.contactor) or _STRENGTH[int(new.pilot)] < _STRENGTH[int(old.pilot)]


class _Port:
    """One of the board's ports. A part that did not change keeps its object; its age is that of the board's report."""

    def __init__(self, board: GenericIoBoard) -> None:
        self._board = board


class _Pilot(_Port):
    def show(self, command: PilotCommand, duty_percent: float) -> None:
        self._board.order(replace(self._board.ordered, pilot=command, duty_percent=duty_percent))

    @property
    def state(self) -> Reading[PilotReading] | None:
        if (seen := self._board.state) is None:
            return None
        io = seen.value
        state = PilotReading(io.pilot, io.duty_percent, io.pilot_high_V, io.pilot_low_V, io.proximity_ohm)
        return Reading(state, seen.taken_at_s)


class _Contactors(_Port):
    def request(self, closed: bool) -> None:
        self._board.order(replace(self._board.ordered, contactor=closed))

    @property
    def state(self) -> Reading[ContactorState] | None:
        if (seen := self._board.state) is None:
            return None
        io = seen.value
        state = ContactorState(
            io.contactor_positive_closed, io.contactor_negative_closed, io.contactor_commanded, io.precharge_closed
        )
        return Reading(state, seen.taken_at_s)


class _Lock(_Port):
    def request(self, locked: bool) -> None:
        self._board.order(replace(self._board.ordered, lock=locked))

    @property
    def state(self) -> Reading[Lock] | None:
        seen = self._board.state
        return None if seen is None else Reading(seen.value.lock, seen.taken_at_s)


class _Discharge(_Port):
    def request(self, on: bool) -> None:
        self._board.order(replace(self._board.ordered, discharge=on))

    @property
    def state(self) -> Reading[bool] | None:
        seen = self._board.state
        return None if seen is None else Reading(seen.value.discharge_closed, seen.taken_at_s)


class _Inputs(_Port):
    watched = frozenset(_INPUTS)

    @property
    def state(self) -> Reading[frozenset[SafetyInput]] | None:
        seen = self._board.state
        return None if seen is None else Reading(seen.value.open_inputs, seen.taken_at_s)


class _Temperatures(_Port):
    @property
    def state(self) -> Reading[tuple[float | None, ...]] | None:
        seen = self._board.state
        return None if seen is None else Reading(seen.value.temperatures_degC, seen.taken_at_s)


class _Latch(_Port):
    @property
    def state(self) -> Reading[frozenset[BoardFault]] | None:
        seen = self._board.state
        return None if seen is None else Reading(seen.value.latched, seen.taken_at_s)

    def clear(self) -> None:
        self._board.clear_latched()
