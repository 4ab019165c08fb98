"""A module's set-points: what was sent, what it confirmed, and what it shows when read back.

Only what changed is written, less goes first and with the most urgent priority. A value the module shows otherwise than
confirmed is written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from drivers.modbus.master import Master, OnDone
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
from drivers.profile.codec import OutOfClamp
from drivers.profile.polled import PolledProfile
from drivers.profile.schema import Step, Write

RETRY_S = 0.25
LESS_PERIOD_S = 0.03
"""A smaller current goes before everything else at most this often for each point. One that follows sooner is a set-point like
others: a flood of them would keep the pilot/IO board on the same wire unheard."""
_READBACK_PATIENCE = 3

Registers = tuple[int, ...]


class SetPoints:
    """The writable points of one module."""

    def __init__(self, polled: PolledProfile, master: Master) -> None:
        self._polled = polled
        self._master = master
        self._confirmed: dict[str, Registers] = {}
        self._sent: dict[str, Registers] = {}
        self._again_at_s: dict[str, float] = {}
        self._refused: dict[str, str] = {}
        self._encoded: dict[str, tuple[float, Registers]] = {}
        """Of each point the value that was encoded last, and its registers."""
        self._less_at_s: dict[str, float] = {}
        """When a smaller current of each point last went before everything else."""
        self._differences = 0
        self.last_failure = ""
        """Why the last write failed; for diagnostics."""

    @property
    def faults(self) -> list[str]:
        """In words: values outside their clamp, and read-backs that differed three times on end."""
        not_taken = ["set-points not taken"] if self._differences >= _READBACK_PATIENCE else []
        return [*self._refused.values(), *not_taken]

    def trust_nothing(self) -> None:
        """The module may hold anything now: whatever is wanted is written again."""
        self._confirmed.clear()

    def drop_sent(self) -> None:
        """What is still on its way counts no more."""
        self._sent.clear()

    def encode(self, point: str, value: float) -> Registers | None:
        """The point's registers. None, and a fault reported, for a value outside its clamp."""
        last = self._encoded.get(point)
        if last is not None and last[0] == value and point not in self._refused:
            return last[1]
        try:
            registers = self._polled.codecs[point].encode(value)
        except OutOfClamp as error:
            self._refused[point] = f"set-point refused: {error}"
            return None
        self._refused.pop(point, None)
        self._encoded[point] = (value, registers)
        return registers

    def write(self, point: str, registers: Registers, priority: Priority, then: Callable[[Outcome], None]) -> None:
        """Write one point; `then` hears the outcome. A write of the same point still in the queue gives way."""

        def done(outcome: Outcome) -> None:
            self._note(point, registers, outcome)
            then(outcome)

        self._submit(point, registers, priority, done)

    def write_changes(self, steps: Iterable[Step], arguments: Mapping[str, float], now_s: float) -> None:
        """Write the arguments that differ from what the module confirmed; a smaller current goes first."""
        changes: list[tuple[Priority, str, Registers]] = []
        for step in steps:
            if not isinstance(step, Write) or step.arg is None:
                continue
            registers = self.encode(step.point, arguments[step.arg])
            known = self._sent.get(step.point, self._confirmed.get(step.point))
            if registers is None or registers == known or now_s < self._again_at_s.get(step.point, -1e9):
                continue
            less = step.arg.endswith("current_A") and self._less(step.point, registers, known)
            if less and now_s - self._less_at_s.get(step.point, -1e9) < LESS_PERIOD_S:
                less = False
            elif less:
                self._less_at_s[step.point] = now_s
            changes.append((Priority.STOP if less else Priority.SETPOINT, step.point, registers))
        for priority, point, registers in sorted(changes, key=lambda change: change[0]):
            self._sent[point] = registers
            self._submit(point, registers, priority, self._change_done(point, registers))

    def _less(self, point: str, registers: Registers, known: Registers | None) -> bool:
        """A current nearer to zero than the known one; zero where none is known. Across zero it is not less."""
        codec = self._polled.codecs[point]
        new = codec.decode(registers)
        if not isinstance(new, float):
            return False
        if known is None:
            return new == 0.0
        old = codec.decode(known)
        return isinstance(old, float) and abs(new) < abs(old) and new * old >= 0.0

    def compare(self, block: str) -> None:
        """Read-back of a block: what the module shows against what it confirmed."""
        different = False
        for point in self._polled.profile.points.values():
            confirmed = self._confirmed.get(point.name)
            shown = self._polled.values.get(point.name)
            if point.block != block or confirmed is None or point.name in self._sent or not isinstance(shown, float):
                continue
            if self._polled.codecs[point.name].decode(confirmed) != shown:
                different = True
                del self._confirmed[point.name]
        self._differences = self._differences + 1 if different else 0

    def _change_done(self, point: str, registers: Registers) -> OnDone:
        def done(outcome: Outcome) -> None:
            if self._sent.get(point) == registers:
                del self._sent[point]
            self._note(point, registers, outcome)
            if not isinstance(outcome, WriteDone):
                self._again_at_s[point] = outcome.at_s + RETRY_S

        return done

    def _note(self, point: str, registers: Registers, outcome: Outcome) -> None:
        if isinstance(outcome, WriteDone):
            self._confirmed[point] = registers
            return
        self._confirmed.pop(point, None)
        if isinstance(outcome, Failed):
            self.last_failure = outcome.detail

    def _submit(self, point: str, registers: Registers, priority: Priority, done: OnDone) -> None:
        request = self._request(point, registers)
        self._master.submit(request, done, priority, key=(self._polled.name, point))

    def _request(self, point: str, registers: Registers) -> Request:
        unit, address = self._polled.unit, self._polled.address(point)
        match self._polled.profile.points[point].write_function:
            case 5:
                return WriteCoil(unit, address, bool(registers[0]))
            case 6:
                return WriteRegister(unit, address, registers[0])
            case _:
                return WriteRegisters(unit, address, registers)
