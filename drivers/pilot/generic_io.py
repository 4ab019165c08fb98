"""The generic pilot and IO board, map v1 (docs/sources/hardware.md 4). Fulfils chargepoint.ports.IoDevice, with every port.

Each round reads the board and writes 5 registers; the write kicks the board's watchdog with an echo of the sequence counter and
carries the request twice (true and inverted). A command that asks for less goes out before everything else.
A board that announces it (input 1) is read in short: 12 registers with all that a reaction needs, and every tenth time the whole 24.
A board that announces function 23 gets write and read in one transaction. docs/pilot-board.md has the map.
Request and output bits, which map v1 leaves open, as this project defines them: 0 contactor, 1 pre-charge, 2 discharge, 3 lock.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Generic, TypeVar

from chargepoint.model.demand import PilotCommand
from chargepoint.model.image import ControlPilot, Lock
from chargepoint.model.io import BoardFault, SafetyInput
from chargepoint.model.readings import Reading
from chargepoint.ports import (
    EVERY_MEASUREMENT,
    IO_MAX_AGE_S,
    ContactorState,
    DevicePoint,
    IoCommand,
    IoPorts,
    IoState,
    PilotAbility,
    PilotReading,
)
from drivers.modbus.freshness import OWED_S
from drivers.modbus.master import Master
from drivers.modbus.transaction import (
    DeviceTiming,
    Failed,
    FailureKind,
    Outcome,
    Priority,
    Read,
    ReadDone,
    ReadWriteRegisters,
    WriteRegister,
    WriteRegisters,
)
from drivers.pilot.board_points import board_points

T = TypeVar("T")

CYCLE_S = 0.020
"""Between two rounds while the pilot shows a duty cycle: a car may be there."""
POWERED_CYCLE_S = 0.010
"""While a contactor is ordered closed, or nearly: the board is asked as often as its wire bears."""
CALM_CYCLE_S = 0.050
"""While nothing is ordered on. Far below the board's watchdog (0.1 s at least) and the age of a reading (0.25 s)."""
UNPOLLED_S = 0.15
"""Three of the slowest ticks of the power process."""
MAP_VERSION = 1
BLOCK, COUNT = 0, 24
FAST_BLOCK, FAST_COUNT = 3, 12
"""Uptime, sequence counter, pilot, lock, outputs, feedback, inputs, latched faults."""
WHOLE_EVERY = 10
"""Rounds: the whole block with temperatures is read this often, and at least each `WHOLE_EVERY_S`."""
WHOLE_EVERY_S = 0.2
_READS_PARTS, _READS_AND_WRITES, _TAKES_QUICK_STOPS = 8, 16, 32
QUICK_STOP_S = 0.0005
"""Silence that a board with the bit of quick stops needs between its answer and an order for less; others need 1.75 ms."""
"""Bits of input register 1: what the board can beside the least that the map asks for."""
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
_STRENGTH = {0: 0, 1: 0, 2: 1, 3: 2}
"""How much a pilot command permits: F and E nothing, X1 presence, PWM energy."""


WATCHDOG_MS = 500
"""Silence of the host after which the board opens by itself: as long as a lease. Bounds in `WATCHDOG_MS_BOUNDS`."""

WATCHDOG_MS_BOUNDS = (100, 1000)


class GenericIoBoard:
    """State is None until the board showed map version 1 and took our watchdog time (register 110); its age is that of the
    board's sequence counter. A board that restarted gets its watchdog time anew before it is believed again."""

    max_age_s = IO_MAX_AGE_S

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
        self._polled_at_s = -1e9
        self._caps = 0
        self._registers: tuple[int, ...] = ()
        self._whole_at_s = -1e9
        self._short_rounds = 0
        self._joined = False
        self._apart_until_s = -1e9
        self._refused = 0
        self._clear = False
        self._state: Reading[IoState] | None = None
        pilot, contactors, lock, discharge = _Pilot(self), _Contactors(self), _Lock(self), _Discharge(self)
        inputs, temperatures, latch = _Inputs(self), _Temperatures(self), _Latch(self)
        self._ports = IoPorts(pilot, contactors, lock, discharge, inputs, temperatures, latch)
        self._every_port: tuple[_Port[Any], ...] = (pilot, contactors, lock, discharge, inputs, temperatures, latch)
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

    def points(self) -> Iterator[DevicePoint]:
        """Every input register, as read last."""
        return board_points(self._registers, self._counted_at_s, self._identity_error)

    def order(self, command: IoCommand) -> None:
        """Take this as the order from now on. It is sent with the watchdog kick at the next chance; an order for less goes
        before everything else."""
        if command is self._ordered or command == self._ordered:
            return
        less = _asks_for_less(command, self._ordered)
        self._ordered = command
        if self._sequence is not None:
            self._write(Priority.STOP if less else Priority.SETPOINT)
            if self._joined and self._asked:  # a round that was not sent yet gave way: the next one may come
                self._asked, self._due_s = False, -1e9

    def clear_latched(self) -> None:
        """Ask the board to clear its latched faults (it refuses while any output is requested)."""
        self._clear = True

    @property
    def state(self) -> Reading[IoState] | None:
        """Last state; a board whose sequence counter stands still ages."""
        return self._state

    def poll(self, now_s: float) -> None:
        """Queue the next round when it is due. Each answer queues the round after it, so that the rhythm is the wire's own.

        Not polled for `UNPOLLED_S` the driver asks nothing more: the board misses its kick and opens by itself.
        """
        self._polled_at_s = now_s
        if not self._asked and now_s >= self._due_s:
            self._ask(now_s)

    def _ask(self, now_s: float) -> None:
        """Queue a round for its time. A board that only reads brings its write with the answer."""
        cycle_s = self._cycle_s()
        due_s = max(self._due_s, now_s)
        self._due_s = self._due_s + cycle_s if now_s - self._due_s < cycle_s else now_s + cycle_s
        self._asked = True
        caps = self._caps & ~self._refused
        short = bool(caps & _READS_PARTS) and self._may_be_short(now_s)
        first, count = (FAST_BLOCK, FAST_COUNT) if short else (BLOCK, COUNT)
        on_done = self._read_short if short else self._read
        self._joined = (
            bool(caps & _READS_AND_WRITES)
            and self._sequence is not None
            and self._watchdog_taken
            and now_s >= self._apart_until_s
        )
        if self._joined and self._sequence is not None:
            order = encode(self._ordered, self._sequence)
            # the key of every order: of those that wait to be sent only the newest is
            request = ReadWriteRegisters(self.unit, first, count, 100, order)
            self._master.submit(request, on_done, Priority.FAST, key=(self.name, "cycle"), not_before_s=due_s)
        else:
            request_parts = Read(self.unit, 4, first, count, counted=True)
            self._master.submit(request_parts, on_done, Priority.FAST, not_before_s=due_s)

    def _cycle_s(self) -> float:
        ordered = self._ordered
        if ordered.contactor:
            return POWERED_CYCLE_S
        return CYCLE_S if ordered.pilot is PilotCommand.PWM or ordered.discharge else CALM_CYCLE_S

    def _may_be_short(self, now_s: float) -> bool:
        """Whether this round may leave out what changes slowly."""
        due = self._short_rounds >= WHOLE_EVERY - 1 or now_s - self._whole_at_s >= WHOLE_EVERY_S
        if len(self._registers) != COUNT or due:
            self._short_rounds, self._whole_at_s = 0, now_s
            return False
        self._short_rounds += 1
        return True

    def _read_short(self, outcome: Outcome) -> None:
        self._asked = False
        before, end = self._registers, FAST_BLOCK + FAST_COUNT
        if isinstance(outcome, ReadDone) and len(before) == COUNT:
            self._take((*before[:FAST_BLOCK], *outcome.registers, *before[end:]), outcome.at_s)
        elif isinstance(outcome, Failed):
            self._not_read(outcome, _READS_AND_WRITES if self._joined else _READS_PARTS)

    def _read(self, outcome: Outcome) -> None:
        self._asked = False
        if isinstance(outcome, ReadDone):
            self._take(outcome.registers, outcome.at_s)
        elif isinstance(outcome, Failed) and self._joined:
            self._not_read(outcome, _READS_AND_WRITES)

    def _not_read(self, failed: Failed, announced: int) -> None:
        """A board that refuses what it announces is asked in the plain way from now on."""
        if failed.kind is FailureKind.EXCEPTION:
            self._refused |= announced
        elif self._joined:
            # a late reply of function 23 looks like the next one: for a while it is read and written apart
            self._apart_until_s = failed.at_s + OWED_S
        if self._joined:
            self._due_s = -1e9  # it carried the order: once more at once

    def _take(self, registers: tuple[int, ...], at_s: float) -> None:
        if registers[0] != MAP_VERSION:
            self._identity_error = (
                f"{self.name}: map version = {registers[0]}: expected {MAP_VERSION}; check unit number and firmware"
            )
            self._forget()  # a short read does not show the version: what was read before would look fresh
            return
        self._identity_error = ""
        if self._is_old(registers[4]):
            return
        if not self._has_watchdog(uptime_s=registers[3]):
            return
        if registers[4] != self._sequence:
            self._sequence, self._counted_at_s = registers[4], at_s
        state = self._state
        if state is None or registers[5:] != self._registers[5:]:
            self._show(Reading(decode(registers), self._counted_at_s))
        else:  # nothing changed but the time: the same objects, so that a reader sees at once that there is no news
            self._show(Reading(state.value, self._counted_at_s))
        if registers[1] != self._caps:
            self._master.allow_quick_stop(self.unit, QUICK_STOP_S if registers[1] & _TAKES_QUICK_STOPS else None)
        self._registers, self._caps = registers, registers[1]
        if not self._joined:
            self._write(Priority.SETPOINT)
        if self._clear:
            self._clear = False
            self._master.submit(WriteRegister(self.unit, 111, _CLEAR_KEY), self._written, Priority.SETPOINT)
        if not self._asked and at_s - self._polled_at_s < UNPOLLED_S:
            self._ask(at_s)

    def _show(self, state: Reading[IoState] | None) -> None:
        """This is the state, and every port's part of it."""
        before, self._state = self._state, state
        for port in self._every_port:
            port.show_part(state, changed=before is None or state is None or before.value is not state.value)

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
        self._behind, self._sequence, self._watchdog_taken = 0, None, False
        self._show(None)
        self._registers, self._caps = (), 0
        self._master.allow_quick_stop(self.unit, None)

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


class _Port(Generic[T]):
    """One of the board's ports. A part that did not change keeps its object; its age is that of the board's report."""

    def __init__(self, board: GenericIoBoard) -> None:
        self._board = board
        self.state: Reading[T] | None = None

    def show_part(self, state: Reading[IoState] | None, *, changed: bool) -> None:
        """Take this port's part of the board's state."""
        if state is None:
            self.state = None
            return
        part = self._part(state.value) if changed or self.state is None else self.state.value
        if self.state is not None and part == self.state.value:
            part = self.state.value
        self.state = Reading(part, state.taken_at_s)

    @abstractmethod
    def _part(self, io: IoState) -> T:
        """This port's part of the board's state."""


class _Pilot(_Port[PilotReading]):
    abilities = EVERY_MEASUREMENT | {PilotAbility.SHOWS_5_PERCENT}

    def show(self, command: PilotCommand, duty_percent: float) -> None:
        ordered = self._board.ordered
        changed = ordered.pilot is not command or ordered.duty_percent != duty_percent
        self._board.order(replace(ordered, pilot=command, duty_percent=duty_percent) if changed else ordered)

    def _part(self, io: IoState) -> PilotReading:
        return PilotReading(io.pilot, io.duty_percent, io.pilot_high_V, io.pilot_low_V, io.proximity_ohm)


class _Contactors(_Port[ContactorState]):
    def request(self, closed: bool) -> None:
        ordered = self._board.ordered
        self._board.order(replace(ordered, contactor=closed) if ordered.contactor != closed else ordered)

    def _part(self, io: IoState) -> ContactorState:
        return ContactorState(
            io.contactor_positive_closed, io.contactor_negative_closed, io.contactor_commanded, io.precharge_closed
        )


class _Lock(_Port[Lock]):
    def request(self, locked: bool) -> None:
        ordered = self._board.ordered
        self._board.order(replace(ordered, lock=locked) if ordered.lock != locked else ordered)

    def _part(self, io: IoState) -> Lock:
        return io.lock


class _Discharge(_Port[bool]):
    def request(self, on: bool) -> None:
        ordered = self._board.ordered
        self._board.order(replace(ordered, discharge=on) if ordered.discharge != on else ordered)

    def _part(self, io: IoState) -> bool:
        return io.discharge_closed


class _Inputs(_Port[frozenset[SafetyInput]]):
    watched = frozenset(_INPUTS)

    def _part(self, io: IoState) -> frozenset[SafetyInput]:
        return io.open_inputs


class _Temperatures(_Port[tuple[float | None, ...]]):
    def _part(self, io: IoState) -> tuple[float | None, ...]:
        return io.temperatures_degC


class _Latch(_Port[frozenset[BoardFault]]):
    def _part(self, io: IoState) -> frozenset[BoardFault]:
        return io.latched

    def clear(self) -> None:
        self._board.clear_latched()
