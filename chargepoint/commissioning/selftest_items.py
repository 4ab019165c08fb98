"""The list of the self-test as data, and the judgement of what was read. Pure: facts and readings in, verdicts out.

Items that move hardware are steps of `commands`; the order of this list is the order in which they run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chargepoint.commissioning.measure import Measure, StepResult, StepVerdict, failed, judged, not_run
from chargepoint.commissioning.outlet import OutletReadings
from chargepoint.commissioning.steps import TWELVE_V
from chargepoint.model.faults import FaultCode
from chargepoint.model.io import SafetyInput
from chargepoint.ports import DevicePoint
from chargepoint.safety.wear import Wear, WearLimits

POLLS = 200
ERROR_SHARE_MAX = 0.01
"""Of the polls, that may go without an answer (own rule, grade D)."""
ROUND_TRIP_P99_MAX_MS = 150.0
"""A pilot board's wire must be free again after this (own rule; the same bound as `check` warns of)."""
DISK_FREE_MIN_MB = 200.0
DISK_WRITE_MAX_MS = 1000.0
YEAR_MIN = 2024
TEMPERATURE_PLAUSIBLE_DEGC = (-40.0, 60.0)
"""Of a charger at rest (own rule, grade D)."""
FREQUENCY_PLAUSIBLE_HZ = (45.0, 65.0)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One line of the report: what was tested, where, and what came of it."""

    item: str
    where: str
    title: str
    result: StepResult
    remedy: str

    @property
    def verdict(self) -> StepVerdict:
        """Passed, failed, or not run."""
        return self.result.verdict


@dataclass(frozen=True, slots=True)
class ComputerFacts:
    """What the shell found out about this computer."""

    warnings: tuple[str, ...] = ()
    """Of the check of the configuration."""
    year: int = 0
    clock_synchronised: bool | None = None
    """None: the system does not say."""
    disk_free_MB: float | None = None
    latch_write_ms: float | None = None
    """To write and sync a file beside the latch record; None: it could not be written."""
    latch_missing: str = ""
    """The folder of the latch record is not there: in words."""
    latch_trouble: str = ""
    watchdog: str | None = None
    """The configured device; None: none is configured."""
    watchdog_trouble: str = ""
    realtime_wanted: bool = True
    realtime_trouble: str = ""
    """Why this process may not have SCHED_FIFO; empty: it may."""


@dataclass(frozen=True, slots=True)
class ComputerItem:
    """One item about the computer."""

    item: str
    title: str
    judge: Callable[[ComputerFacts], StepResult]
    remedy: str


def _configuration(facts: ComputerFacts) -> StepResult:
    return judged(Measure("mistakes", 0.0, high=0.0), Measure("warnings", float(len(facts.warnings))))


def _clock(facts: ComputerFacts) -> StepResult:
    return judged(
        Measure("year", float(facts.year), low=float(YEAR_MIN)),
        Measure("synchronised", "not known" if facts.clock_synchronised is None else facts.clock_synchronised),
    )


def _disk(facts: ComputerFacts) -> StepResult:
    return judged(Measure("free", facts.disk_free_MB, "MB", low=DISK_FREE_MIN_MB))


def _latch_record(facts: ComputerFacts) -> StepResult:
    if facts.latch_missing:
        return not_run(facts.latch_missing)
    if facts.latch_trouble:
        return failed(facts.latch_trouble)
    return judged(Measure("write and sync", facts.latch_write_ms, "ms", high=DISK_WRITE_MAX_MS))


def _watchdog(facts: ComputerFacts) -> StepResult:
    if facts.watchdog is None:
        return not_run("[power] hardware_watchdog names no device")
    return failed(facts.watchdog_trouble) if facts.watchdog_trouble else judged(Measure("device", facts.watchdog))


def _realtime(facts: ComputerFacts) -> StepResult:
    if not facts.realtime_wanted:
        return not_run("[power] realtime = false")
    if facts.realtime_trouble:
        return not_run(
            f"not permitted here: {facts.realtime_trouble}; the service has rights of its own, its log says which"
        )
    return judged(Measure("SCHED_FIFO", True, expected=True))


COMPUTER_ITEMS: tuple[ComputerItem, ...] = (
    ComputerItem("configuration", "configuration", _configuration, "run `chargepoint check` and correct what it lists"),
    ComputerItem("clock", "clock", _clock, "set the clock, and see that a time server can be reached"),
    ComputerItem(
        "disk", "disk space", _disk, "delete what is not needed beside [station] state_dir, or use a larger disk"
    ),
    ComputerItem(
        "latch-record",
        "record of latched faults",
        _latch_record,
        "give [power] state_dir to the user of the power process",
    ),
    ComputerItem(
        "watchdog",
        "hardware watchdog",
        _watchdog,
        "load its driver, correct [power] hardware_watchdog, see systemd/README.md",
    ),
    ComputerItem(
        "realtime", "real-time rights", _realtime, "start the power process by systemd/chargepoint-power.service"
    ),
)


def bus_opens(connected: bool, trouble: str) -> StepResult:
    """The bus is there."""
    return judged(Measure("open", connected, expected=True), reason=trouble)


def identity(trouble: str, points: Sequence[DevicePoint]) -> StepResult:
    """The device is the one that is configured; its versions are shown where it says them."""
    if trouble:
        return failed(trouble)
    known = [
        point for point in points if any(word in point.name for word in ("firmware", "version", "serial", "model"))
    ]
    return judged(*(Measure(point.name, point.value, point.unit) for point in known if point.value is not None))


def round_trips(times_s: Sequence[float | None]) -> StepResult:
    """Of many reads: how many had no answer, and how long the answers took."""
    if not times_s:
        return not_run("this bus has no requests and replies to be timed")
    answered = sorted(time_s for time_s in times_s if time_s is not None)
    lost = 1 - len(answered) / len(times_s)
    measures = [Measure("without answer", round(100 * lost, 2), "%", high=100 * ERROR_SHARE_MAX)]
    if answered:
        measures.append(Measure("round trip p50", _percentile_ms(answered, 0.5), "ms"))
        measures.append(Measure("round trip p99", _percentile_ms(answered, 0.99), "ms", high=ROUND_TRIP_P99_MAX_MS))
    measures.append(Measure("polls", float(len(times_s))))
    return judged(*measures)


def _percentile_ms(ordered_s: Sequence[float], share: float) -> float:
    return round(1000 * ordered_s[min(len(ordered_s) - 1, math.ceil(share * len(ordered_s)) - 1)], 1)


@dataclass(frozen=True, slots=True)
class ReadingItem:
    """One item about an outlet at rest: nothing is moved."""

    item: str
    title: str
    judge: Callable[[OutletReadings], StepResult | None]
    """None: this outlet has nothing of the kind."""
    remedy: str


def _pilot(seen: OutletReadings) -> StepResult:
    if seen.pilot is None:
        return failed("the control pilot is silent")
    high_V = seen.pilot.high_V
    levels = [] if high_V is None else [Measure("high", high_V, "V", *TWELVE_V)]
    return judged(Measure("state", seen.pilot.pilot.name, expected="A"), *levels)


def _proximity(seen: OutletReadings) -> StepResult:
    if seen.pilot is None:
        return failed("the control pilot is silent")
    ohm = seen.pilot.proximity_ohm
    return judged(Measure("proximity", "open" if ohm is None else ohm, "" if ohm is None else "ohm"))


def _inputs(seen: OutletReadings) -> StepResult:
    if seen.open_inputs is None:
        return failed("the safety inputs are silent")
    names = ", ".join(sorted(one.value for one in seen.open_inputs))
    return judged(Measure("open inputs", names or "none", expected="none"))


def _latched(seen: OutletReadings) -> StepResult | None:
    if seen.latched is None:
        return None
    names = ", ".join(sorted(one.value for one in seen.latched))
    return judged(Measure("latched by the board", names or "none", expected="none"))


def _temperatures(seen: OutletReadings) -> StepResult | None:
    if seen.temperatures_degC is None:
        return None
    low, high = TEMPERATURE_PLAUSIBLE_DEGC
    there = [
        Measure(f"sensor {place + 1}", degrees, "degC", low, high)
        for place, degrees in enumerate(seen.temperatures_degC)
        if degrees is not None
    ]
    return judged(*there) if there else failed("no sensor shows a temperature")


def _contacts(seen: OutletReadings) -> StepResult | None:
    if seen.contactor is None:
        return failed("the contactor's feedback is silent")
    return judged(Measure("feedback open", seen.open, expected=True))


def _output(seen: OutletReadings) -> StepResult | None:
    measured = {name: value for name, value in seen.output_voltages_V.items() if value is not None}
    if seen.outlet != "dc":
        return None
    return judged(*(Measure(f"at {name}", abs(value), "V", high=60.0) for name, value in measured.items()))


def _frequency(seen: OutletReadings) -> StepResult | None:
    if seen.meter is None or seen.meter.ac is None or seen.meter.ac.frequency_Hz is None:
        return None
    return judged(Measure("frequency", seen.meter.ac.frequency_Hz, "Hz", *FREQUENCY_PLAUSIBLE_HZ))


READING_ITEMS: tuple[ReadingItem, ...] = (
    ReadingItem(
        "pilot",
        "control pilot at rest",
        _pilot,
        "unplug the car; measure +12 V between pilot and earth at the connector",
    ),
    ReadingItem("proximity", "proximity contact", _proximity, "look at the wire of the proximity contact"),
    ReadingItem(
        "inputs", "safety inputs closed", _inputs, "close the doors, release the emergency stop, look at the wires"
    ),
    ReadingItem(
        "latched", "nothing latched", _latched, "remove the cause, then `chargepoint bringup BOARD --do clear-latched`"
    ),
    ReadingItem("temperatures", "temperature sensors", _temperatures, "look at the sensors and their wires"),
    ReadingItem("contacts", "contactor open", _contacts, "look for a welded contact or a wrong feedback wire"),
    ReadingItem(
        "output",
        "no voltage at the output",
        _output,
        "wait until the output is discharged; look for a module that is on",
    ),
    ReadingItem(
        "frequency", "frequency of the grid", _frequency, "compare with another instrument; look at the meter's wires"
    ),
)


@dataclass(frozen=True, slots=True)
class CommandItem:
    """One item that moves hardware: a command of bring-up, for each device of the outlet that has the part."""

    command: str
    title: str
    remedy: str


COMMAND_ITEMS: tuple[CommandItem, ...] = (
    CommandItem("pwm", "pilot shows 5 %", "measure the pilot with an oscilloscope; look at its diode and wires"),
    CommandItem("lock", "lock moves both ways", "look at the lock, its supply and its feedback"),
    CommandItem("discharge", "discharge relay", "look at the relay, its supply and its feedback"),
    CommandItem(
        "contactor",
        "contactor closes, opens, is not welded",
        "look at the coil's supply, the mirror contacts and their wires",
    ),
    CommandItem(
        "self-test",
        "insulation monitor tests itself",
        "look at the monitor's supply, its earth and its wires to the output",
    ),
    CommandItem("relays", "contactors of the matrix", "look at the coil's supply, the mirror contacts and their wires"),
    CommandItem("enable", "module on with 0 A", "look at the module's display, its supply and its remote mode"),
    CommandItem(
        "voltage", "module holds 50 V, meter agrees", "compare module, meter and a voltmeter; look at the meter's wires"
    ),
)

KEPT_TITLE = "no fault waits for a reset"
KEPT_REMEDY = "remove the cause, start the power process, then `chargepoint reset --evse N`"


def kept_faults(codes: Sequence[FaultCode]) -> StepResult:
    """What the power process keeps latched over its restarts."""
    return judged(Measure("latched", ", ".join(code.name for code in codes) or "none", expected="none"))


WEAR_TITLE = "contactor wear"
WEAR_REMEDY = "inspect or replace the contactor, then `chargepoint reset --contactor-wear --evse N`"


def contactor_wear(wear: Wear, limits: WearLimits) -> StepResult:
    """What the power process has counted, against the rating."""
    return judged(
        Measure("closings", float(wear.closings), high=float(limits.operations - 1)),
        Measure("closings under load", float(wear.load_closings)),
        Measure("openings under load", float(wear.load_openings), high=float(limits.load_openings - 1)),
    )


EMERGENCY_STOP_TITLE = "emergency stop opens the chain"
EMERGENCY_STOP_REMEDY = "look at the button, its wires, and the safety input it is wired to"


def emergency_stop(pressed_s: float | None, released_s: float | None, within_s: float) -> StepResult:
    """The input followed the button, both ways; None: not within its time."""
    return judged(
        Measure("opened after", None if pressed_s is None else round(pressed_s, 1), "s", high=within_s),
        Measure("closed after", None if released_s is None else round(released_s, 1), "s", high=within_s),
    )


def stop_is_pressed(seen: OutletReadings) -> bool:
    """The chain of the emergency stop is open."""
    return seen.open_inputs is not None and SafetyInput.EMERGENCY_CHAIN in seen.open_inputs


def exit_code(results: Sequence[ItemResult]) -> int:
    """0: nothing failed; 1: something did."""
    return int(any(result.verdict is StepVerdict.FAIL for result in results))
