"""`chargepoint bringup DEVICE`: live values of one device, and its commands, step by step. A shell over `rig.Rig`.

The exit code is 0 where all is good, 1 where a value or a step is not, 2 where something was refused or not run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from chargepoint.commissioning import live_text
from chargepoint.commissioning.commands import BringupCommand, chosen, commands_for
from chargepoint.commissioning.kept_faults import kept_faults
from chargepoint.commissioning.measure import StepResult, StepVerdict
from chargepoint.commissioning.points import LiveTable, outlet_points
from chargepoint.commissioning.rig import BenchOutlet, EndedBySignal, Rig
from chargepoint.config.schema import Config
from chargepoint.model.ids import EvseId
from chargepoint.ports import DevicePoint, TokenReader
from chargepoint.power.hardware_lock import BRINGUP, HardwareLock
from chargepoint.power.wiring import device_kinds, devices_of

REDRAW_S = 0.3
ONCE_S = 6.0
"""How long `--once` waits for slow values."""
KEYS = "123456789"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked on the command line."""

    device: str
    plain: bool = False
    json: bool = False
    once: bool = False
    do: tuple[str, ...] = ()


class NoSuchDevice(ValueError):
    """The name is not in the configuration, or more than once: says which names are."""


def find_device(config: Config, text: str) -> tuple[str, str]:
    """Kind and name of `kind.name`, or of a name that only one device has. Raises NoSuchDevice."""
    known = [(kind, name) for kind, names in device_kinds(config).items() for name in names]
    found = [key for key in known if text in (key[1], ".".join(key))]
    if len(found) == 1:
        return found[0]
    names = ", ".join(".".join(key) for key in (found or known))
    if found:
        raise NoSuchDevice(f"device {text!r}: there are several of this name; write one of {names}")
    raise NoSuchDevice(f"device {text!r}: not in the configuration; known are {names or 'none'}")


def users_of(config: Config, kind: str, name: str) -> tuple[EvseId, ...]:
    """The EVSEs that need this device."""
    return tuple(
        EvseId(number) for number, section in config.evse.items() if (kind, name) in devices_of(config, section)
    )


def run(config: Config, wanted: Wanted) -> int:
    """From the lock to everything off: the exit code. Raises HardwareTaken, NoSuchDevice, ValueError."""
    kind, name = find_device(config, wanted.device)
    lock = HardwareLock(config.station.runtime_dir, BRINGUP)
    try:
        with Rig(config, users_of(config, kind, name), [(kind, name)]) as rig:
            return Bringup(rig, kind, name, wanted, _kept_by(config, rig)).run()
    except EndedBySignal as end:
        _say(f"{end}: everything is off")
        return 128 + end.number
    finally:
        lock.release()


def _kept_by(config: Config, rig: Rig) -> list[str]:
    """A line for each EVSE with faults that wait for a reset."""
    found = []
    for evse_id in rig.outlets:
        try:
            codes = kept_faults(config, evse_id)
        except OSError as error:
            found.append(str(error))
            continue
        if codes:
            names = ", ".join(code.name for code in codes)
            found.append(f"EVSE {evse_id}: the power process keeps latched until a reset: {names}")
    return found


class Bringup:
    """One device: its live values, and its commands."""

    def __init__(self, rig: Rig, kind: str, name: str, wanted: Wanted, notices: Sequence[str] = ()) -> None:
        """`notices`: what the person is to know from the beginning, in lines."""
        self._notices = notices
        self._rig = rig
        self._kind, self._name = kind, name
        self._wanted = wanted
        self._live = LiveTable()
        self._commands = commands_for(rig.under_test(kind, name))
        self._began_s = time.monotonic()
        self._drawn_s = -1e9
        self._last_card = "none presented yet"
        self._messages: list[str] = []

    def run(self) -> int:
        """Until it is done or ended by a key."""
        orders = [chosen(self._commands, text) for text in self._wanted.do]
        for command, value in orders:
            command.make(
                self._rig.under_test(self._kind, self._name), value
            ).close()  # refuses a value out of its range
        self._rig.start()
        if why := self._rig.plugged_car():
            _say(f"bring-up refused: {why}")
            return 2
        if orders:
            return max((self._do(command, value) for command, value in orders), default=0)
        if self._wanted.once:
            return self._once()
        if self._wanted.plain or self._wanted.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
            self._follow()
            return 0
        return self._interactive()

    # -- values -----------------------------------------------------------------------------------

    def _take(self) -> Iterator[str]:
        """The newest values; a line for each that changed."""
        now_s = time.monotonic()
        for point in self._live.take([*self._of_ports(now_s), *self._rig.points(self._kind, self._name)]):
            if self._wanted.json:
                yield live_text.as_json(self._name, point, now_s, self._began_s)
            else:
                yield live_text.change(point, now_s, self._began_s)

    def _of_ports(self, now_s: float) -> list[DevicePoint]:
        outlet = self._outlet
        if self._kind == "token_reader":
            return [self._card(now_s)]
        return [] if outlet is None else list(outlet_points(self._kind, self._name, outlet.read(now_s)))

    def _card(self, now_s: float) -> DevicePoint:
        """The last card that was presented."""
        for value in cast(TokenReader, self._rig.device(self._kind, self._name)).tokens():
            self._last_card = value
        return DevicePoint("port.card", self._last_card, "", (), now_s)

    @property
    def _outlet(self) -> BenchOutlet | None:
        return next(iter(self._rig.outlets.values()), None)

    def _once(self) -> int:
        def complete() -> bool:
            list(self._take())
            rows = self._live.rows.values()
            return bool(rows) and all(row.last.taken_at_s is not None for row in rows)

        self._rig.rest(ONCE_S, complete)
        now_s = time.monotonic()
        for row in self._live.rows.values():
            if self._wanted.json:
                _say(live_text.as_json(self._name, row, now_s, self._began_s))
            else:
                _say(live_text.row(row, now_s, _width()).rstrip())
        for line in self._troubles():
            _say(line)
        return int(not self._live.rows or any(row.bad(now_s) for row in self._live.rows.values()))

    def _follow(self) -> None:
        """A line for each change, until a signal or the end of the input."""
        troubles: list[str] = []
        while True:
            self._rig.rest(0.0)
            for line in self._take():
                _say(line)
            if (now := self._troubles()) != troubles:
                troubles = now
                for line in () if self._wanted.json else now:
                    _say(line)
            if why := self._rig.plugged_car():
                _say(f"bring-up ends: {why}")
                return

    def _troubles(self) -> list[str]:
        found = [f"bus {bus.name}: {trouble}" for bus in self._rig.buses.values() if (trouble := bus.health().trouble)]
        own = self._rig.trouble(self._kind, self._name)
        return [*self._notices, *found, *([own] if own else [])]

    # -- commands ---------------------------------------------------------------------------------

    def _do(self, command: BringupCommand, value: float | None, each_turn: Callable[[], None] = lambda: None) -> int:
        """Run one command and report it: its exit code."""
        result = self._result(command, value, each_turn)
        if self._wanted.json:
            _say(live_text.outcome_json(self._name, command.name, result))
        else:
            for line in (f"{command.name}: {command.what}", *live_text.outcome(command.name, result)):
                self._messages.append(line) if self._drawn_s > 0 else _say(line)
        return {StepVerdict.PASS: 0, StepVerdict.FAIL: 1, StepVerdict.NOT_RUN: 2}[result.verdict]

    def _result(self, command: BringupCommand, value: float | None, each_turn: Callable[[], None]) -> StepResult:
        outlet = self._outlet
        if outlet is None:
            reason = "no EVSE of the configuration uses this device, so nobody can see whether a car is plugged in; name it in [evse.N]"
            return StepResult(StepVerdict.NOT_RUN, (), reason)
        step = command.make(self._rig.under_test(self._kind, self._name), value)
        return self._rig.run(outlet, step, command.bound_s, command.begins, command.goes_on, each_turn)

    # -- terminal ---------------------------------------------------------------------------------

    def _interactive(self) -> int:
        """The table, redrawn in place, and a key for each command."""
        worst = 0
        with _keys() as keyboard:
            while True:
                self._draw(self._menu())
                pressed = self._key(keyboard)
                if pressed in ("q", ""):
                    return worst
                if pressed is not None and pressed in KEYS[: len(self._commands)]:
                    worst = max(worst, self._offer(keyboard, self._commands[KEYS.index(pressed)]))
                if why := self._rig.plugged_car():
                    _say(f"\nbring-up ends: {why}")
                    return 2

    def _offer(self, keyboard: int, command: BringupCommand) -> int:
        """Explain, ask, do. Any key but y is a no."""
        self._messages = [f"{command.name}: {command.what}", "Press y to do it, any other key to leave it."]
        pressed = None
        while pressed is None:
            self._draw("")
            pressed = self._key(keyboard)
        if pressed != "y":
            self._messages = [f"{command.name}: left"]
            return 0
        self._messages = [f"{command.name}: running, {command.bound_s:.0f} s at most; Ctrl-C switches everything off"]
        return self._do(command, None, lambda: self._draw(""))

    def _key(self, keyboard: int) -> str | None:
        """The key that was pressed within `REDRAW_S`; empty text: the terminal is gone; None: no key."""
        ready = self._rig.rest(REDRAW_S, watch=[keyboard])
        return os.read(keyboard, 1).decode(errors="replace") if ready else None

    def _menu(self) -> str:
        keys = "  ".join(f"{key} {command.name}" for key, command in zip(KEYS, self._commands, strict=False))
        return f"{keys}  q end" if keys else "this device is only read; q ends"

    def _draw(self, menu: str) -> None:
        now_s = time.monotonic()
        if now_s - self._drawn_s < REDRAW_S / 2:
            return
        self._drawn_s = now_s
        list(self._take())
        size = shutil.get_terminal_size()
        below = [*self._troubles(), *self._messages[-8:], menu]
        rows = live_text.table(self._live, now_s, size.columns, max(3, size.lines - len(below) - 3))
        lines = [f"{self._kind}.{self._name}, everything else at rest", *rows, "", *below]
        sys.stdout.write("\033[H" + "".join(f"{line[: size.columns]}\033[K\n" for line in lines) + "\033[J")
        sys.stdout.flush()


@contextlib.contextmanager
def _keys() -> Iterator[int]:
    """Single keys from the terminal, without echo; the terminal is as before at the end."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    sys.stdout.write("\033[2J")
    try:
        yield descriptor
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _width() -> int:
    return shutil.get_terminal_size((140, 50)).columns


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
