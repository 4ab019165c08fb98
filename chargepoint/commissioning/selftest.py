"""`chargepoint selftest`: the whole list, with the power process stopped. A shell over `rig.Rig` and the computer.

The exit code is 0 where nothing failed, 1 where something did, 2 where the self-test was refused or broken off.
"""

from __future__ import annotations

import datetime
import json
import logging
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import cast

from chargepoint.commissioning import computer, selftest_items
from chargepoint.commissioning.commands import COMMANDS, BringupCommand, DeviceUnderTest, commands_for
from chargepoint.commissioning.kept_faults import kept_faults
from chargepoint.commissioning.measure import StepResult, failed, not_run
from chargepoint.commissioning.outlet import OutletReadings
from chargepoint.commissioning.rig import BenchOutlet, EndedBySignal, Rig
from chargepoint.commissioning.selftest_items import COMMAND_ITEMS, COMPUTER_ITEMS, READING_ITEMS, ItemResult
from chargepoint.commissioning.selftest_report import as_json, lines, summary
from chargepoint.config.schema import Config
from chargepoint.model.ids import EvseId
from chargepoint.ports import EnergyMeter
from chargepoint.power.hardware_lock import SELFTEST, HardwareLock
from chargepoint.power.wear_file import WearFile, WearRecordError
from chargepoint.power.wiring import bus_of, devices_of, latch_folder, round_trips, wear_limits
from chargepoint.safety.wear import Wear

BUTTON_S = 30.0
_COMMAND = {command.name: command for command in COMMANDS}
_TIMED_KINDS = ("pilot_board", "power_module", "meter", "insulation_monitor")


def run(config: Config, path: str, warnings: Sequence[str], evse: int | None, *, json_wanted: bool, polls: int) -> int:
    """From the lock to everything off: the exit code. Raises HardwareTaken, ValueError for an EVSE that is not there."""
    if evse is not None and evse not in config.evse:
        known = ", ".join(map(str, config.evse))
        raise ValueError(f"--evse {evse}: not in the configuration; known are {known or 'none'}")
    evse_ids = [EvseId(number) for number in config.evse if evse in (None, number)]
    started, began_s = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), time.monotonic()
    lock = HardwareLock(config.station.runtime_dir, SELFTEST)
    results: list[ItemResult] = []

    def report(result: ItemResult) -> None:
        results.append(result)
        if not json_wanted:
            for line in lines(result):
                _say(line)

    try:
        facts = computer.look(config, warnings)
        for item in COMPUTER_ITEMS:
            report(ItemResult(item.item, "computer", item.title, item.judge(facts), item.remedy))
        ask = sys.stdin.isatty() and sys.stdout.isatty() and not json_wanted
        if refused := SelfTest(config, evse_ids, polls, report, ask=ask).run():
            _say_error(f"self-test refused: {refused}")
            return 2
    except EndedBySignal as end:
        _say_error(f"{end}: everything is off; the self-test is not complete")
        return 128 + end.number
    finally:
        lock.release()
    if json_wanted:
        found = as_json(results, config=path, started=started, seconds=time.monotonic() - began_s)
        _say(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        _say(summary(results))
    return selftest_items.exit_code(results)


class SelfTest:
    """The items that need the hardware."""

    def __init__(
        self,
        config: Config,
        evse_ids: Collection[EvseId],
        polls: int,
        report: Callable[[ItemResult], None],
        *,
        ask: bool,
    ) -> None:
        self._config = config
        self._evse_ids = evse_ids
        self._polls = polls
        self._report = report
        self._ask = ask
        grid = config.grid.meter
        self._also = [] if grid is None else [("meter", grid)]
        self._answered: dict[tuple[str, str], bool] = {}

    def run(self) -> str:
        """Run every item; why it was refused, or empty."""
        with Rig(self._config, self._evse_ids, self._also) as rig:  # is a car there? then nothing is begun
            rig.start()
            if why := rig.plugged_car():
                return why
        with Rig(self._config, self._evse_ids, self._also) as rig:
            self._time_devices(rig)  # before the first poll: a board whose watchdog runs must not miss it meanwhile
            rig.start()
            if why := rig.plugged_car():
                return why
            self._buses_and_devices(rig)
            self._grid(rig)
            for outlet in rig.outlets.values():
                self._kept(outlet)
                self._wear(outlet)
                self._readings(rig, outlet)
                self._commands(rig, outlet)
        return ""

    def _devices(self) -> Iterator[tuple[str, str]]:
        wanted = [key for one in self._evse_ids for key in devices_of(self._config, self._config.evse[one])]
        yield from dict.fromkeys((*wanted, *self._also))

    def _time_devices(self, rig: Rig) -> None:
        for kind, name in self._devices():
            if kind not in _TIMED_KINDS:
                continue
            bus = rig.buses[bus_of(self._config, kind, name)]
            times_s: list[float | None] = []
            for time_s in round_trips(self._config, kind, name, bus, self._polls):
                times_s.append(time_s)
                rig.raise_if_ended()
            if times_s:
                self._answered[kind, name] = any(time_s is not None for time_s in times_s)
            result = selftest_items.round_trips(times_s)
            remedy = (
                "look at the wires A and B, the terminating resistors, baud rate and format; `./run device scan` helps"
            )
            self._report(ItemResult("round-trips", f"{kind}.{name}", "errors and round trips", result, remedy))

    def _buses_and_devices(self, rig: Rig) -> None:
        for bus in rig.buses.values():
            health = bus.health()
            result = selftest_items.bus_opens(health.connected, health.trouble)
            self._report(
                ItemResult("bus", f"bus.{bus.name}", "bus opens", result, "see the port of the bus, and its adapter")
            )
        for kind, name in self._devices():
            trouble = rig.trouble(kind, name)
            if not trouble and self._answered.get((kind, name)) is False:
                trouble = "no answer"
            result = selftest_items.identity(trouble, list(rig.points(kind, name)))
            remedy = "see its supply, its bus, its unit number and its profile"
            self._report(ItemResult("identity", f"{kind}.{name}", "is the configured device", result, remedy))

    def _grid(self, rig: Rig) -> None:
        """The frequency that the meter at the station's connection shows."""
        item = next(one for one in READING_ITEMS if one.item == "frequency")
        for kind, name in self._also:
            rig.rest(1.0)
            registers = cast(EnergyMeter, rig.device(kind, name)).registers
            result = item.judge(OutletReadings(time.monotonic(), meter=registers))
            if result is None:
                result = failed(f"{name} shows no frequency")
            self._report(ItemResult(item.item, f"{kind}.{name}", item.title, result, item.remedy))

    def _kept(self, outlet: BenchOutlet) -> None:
        try:
            result = selftest_items.kept_faults(kept_faults(self._config, outlet.evse_id))
        except OSError as error:
            result = failed(str(error))
        title, remedy = selftest_items.KEPT_TITLE, selftest_items.KEPT_REMEDY
        self._report(ItemResult("kept-faults", f"EVSE {outlet.evse_id}", title, result, remedy))

    def _wear(self, outlet: BenchOutlet) -> None:
        """A record that cannot be read is the power process's to put aside; here it only keeps the item from running."""
        section = self._config.evse[outlet.evse_id]
        limits = wear_limits(section)
        try:
            counted = WearFile(latch_folder(self._config), logging.getLogger("power")).read().wear
            result = selftest_items.contactor_wear(counted.get(outlet.evse_id, Wear()), limits)
        except (OSError, WearRecordError) as error:
            result = not_run(str(error))
        title, remedy = selftest_items.WEAR_TITLE, selftest_items.WEAR_REMEDY
        self._report(ItemResult("contactor-wear", f"EVSE {outlet.evse_id}", title, result, remedy))

    def _readings(self, rig: Rig, outlet: BenchOutlet) -> None:
        rig.rest(0.5)
        seen = outlet.read(time.monotonic())
        for item in READING_ITEMS:
            result = item.judge(seen)
            if result is not None:
                self._report(ItemResult(item.item, f"EVSE {outlet.evse_id}", item.title, result, item.remedy))

    def _commands(self, rig: Rig, outlet: BenchOutlet) -> None:
        under_test = [rig.under_test(kind, name) for kind, name in outlet.devices]
        for item in COMMAND_ITEMS:
            command = _COMMAND[item.command]
            for device in under_test:
                if command not in commands_for(device) or not _has(outlet, command.part, device.name):
                    continue
                result = _run(rig, outlet, command, device)
                if result.broken_off:  # one lost answer is no defect of the part; the round trips show lost answers
                    rig.rest(1.0)
                    result = _run(rig, outlet, command, device)
                where = f"EVSE {outlet.evse_id}, {device.name}"
                self._report(ItemResult(item.command, where, item.title, result, item.remedy))
        self._emergency_stop(rig, outlet)

    def _emergency_stop(self, rig: Rig, outlet: BenchOutlet) -> None:
        """Only a person can press it: not run without a terminal."""
        if self._ask:
            result = self._press(rig, outlet)
            clear = _COMMAND["clear-latched"]
            rig.run(outlet, clear.make(rig.under_test(*next(iter(outlet.devices))), None), clear.bound_s, clear.begins)
        else:
            result = not_run("needs a person at the button, and a terminal; run it there without --json")
        title, remedy = selftest_items.EMERGENCY_STOP_TITLE, selftest_items.EMERGENCY_STOP_REMEDY
        self._report(ItemResult("emergency-stop", f"EVSE {outlet.evse_id}", title, result, remedy))

    def _press(self, rig: Rig, outlet: BenchOutlet) -> StepResult:
        if outlet.read(time.monotonic()).open_inputs is None:
            return failed("the safety inputs are silent")
        waits_s: list[float | None] = []
        for words, wanted in (("press the emergency stop now", True), ("release it now", False)):
            _say(f"EVSE {outlet.evse_id}: {words} ({BUTTON_S:.0f} s)")
            began_s = time.monotonic()

            def done(wanted: bool = wanted) -> bool:
                return selftest_items.stop_is_pressed(outlet.read(time.monotonic())) is wanted

            rig.rest(BUTTON_S, done)
            waits_s.append(time.monotonic() - began_s if done() else None)
            if waits_s[-1] is None:
                break
        pressed_s, released_s = (*waits_s, None)[:2]
        return selftest_items.emergency_stop(pressed_s, released_s, BUTTON_S)


def _has(outlet: BenchOutlet, part: str, name: str) -> bool:
    """The outlet uses this part of this very device: the lock may be on another board than the pilot."""
    wiring = outlet.wiring
    devices = {
        "pilot": wiring and wiring.pilot,
        "contactors": wiring and wiring.contactors,
        "lock": wiring and wiring.lock,
        "discharge": wiring and wiring.discharge,
    }
    return part not in devices or getattr(devices[part], "name", None) == name


def _run(rig: Rig, outlet: BenchOutlet, command: BringupCommand, device: DeviceUnderTest) -> StepResult:
    return rig.run(outlet, command.make(device, None), command.bound_s, command.begins, command.goes_on)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _say_error(line: str) -> None:
    sys.stderr.write(line + "\n")
