"""Contactors, lock, discharge and safety inputs of one connector on GPIO lines. Fulfils chargepoint.ports.IoDevice.

Each part is there when its lines are configured. Parameters name a line by its number, with words behind it: `"17"`, `"17 low"` (a low
voltage is active), `"17 low pull-up"`, `"17 pull-down"`, and for an output `"23 open-drain"`.

* Safety inputs are active while all is well, so a broken wire shows the dangerous state.
* A contactor has one output and a feedback for each pole; a lock has an output and a feedback that is active while locked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chargepoint.model.image import Lock
from chargepoint.model.io import SafetyInput
from chargepoint.model.readings import Reading
from chargepoint.model.unusable import Mistake, UnusableDevice
from chargepoint.ports import IO_MAX_AGE_S, ContactorState, DevicePoint, DeviceSpec, IoPorts
from drivers.gpio.bus import GpioBus
from drivers.gpio.chip import Bias, LineUse
from drivers.gpio.line import ACTIVE_S, INACTIVE_S, InputLine

LOCK_MOVES_S = 2.0
"""How long a lock may move before its feedback must agree with its order (own rule, grade D)."""

SIGNALS = frozenset(one.value for one in SafetyInput)
CONTACTOR = ("contactor", "contactor_positive_feedback", "contactor_negative_feedback")
LOCK = ("lock", "lock_feedback")
DISCHARGE = ("discharge", "discharge_feedback")
OUTPUTS = frozenset({"contactor", "lock", "discharge"})
PARAMS = (*sorted(SIGNALS), *CONTACTOR, *LOCK, *DISCHARGE)
_FEEDBACK_S = 0.001
_BIASES = {bias.value: bias for bias in Bias}

Scalar = float | int | str | bool


def line_use(value: Scalar, *, output: bool) -> LineUse:
    """The line a parameter names. Raises ValueError with the problem in words."""
    first, *words = str(value).split() or [""]
    if isinstance(value, bool | float) or not first.isdecimal() or int(first) > 1023:
        raise ValueError('a line number from 0 to 1023, perhaps with words, such as 17 or "17 low pull-up"')
    known = {"low", "open-drain", *_BIASES} if output else {"low", *_BIASES}
    unknown = [word for word in words if word not in known]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no word of a line: {', '.join(sorted(known))}")
    biases = [_BIASES[word] for word in words if word in _BIASES]
    return LineUse(int(first), output, "low" in words, biases[0] if biases else Bias.AS_IS, "open-drain" in words)


@dataclass(slots=True)
class _Output:
    """One output, and since when it is ordered as it is."""

    bus: GpioBus
    offset: int
    wanted: bool = False

    def request(self, active: bool) -> None:
        self.wanted = active
        self.bus.set(self.offset, active)

    @property
    def driven(self) -> bool:
        return self.bus.driven(self.offset)


class GpioContactors:
    """The contactor's output and the feedback of both poles. Fulfils ContactorPort."""

    def __init__(self, output: _Output, positive: InputLine, negative: InputLine) -> None:
        self._output = output
        self._positive = positive
        self._negative = negative

    def request(self, closed: bool) -> None:
        """Close or open, at once."""
        self._output.request(closed)

    @property
    def state(self) -> Reading[ContactorState] | None:
        """Feedback and coil; as old as the last reading of the chip."""
        at_s = self._output.bus.read_at_s
        if at_s is None or self._positive.active is None or self._negative.active is None:
            return None
        return Reading(ContactorState(self._positive.active, self._negative.active, self._output.driven), at_s)


class GpioLock:
    """The lock's output and its feedback. Fulfils LockPort."""

    def __init__(self, output: _Output, feedback: InputLine) -> None:
        self._output = output
        self._feedback = feedback
        self._moving_until_s = -1e9

    def request(self, locked: bool) -> None:
        """Lock or unlock, at once."""
        if locked != self._output.wanted:
            self._moving_until_s = (self._output.bus.read_at_s or 0.0) + LOCK_MOVES_S
        self._output.request(locked)

    @property
    def state(self) -> Reading[Lock] | None:
        """Where the lock is; one whose feedback does not agree in time has failed."""
        at_s = self._output.bus.read_at_s
        if at_s is None or self._feedback.active is None:
            return None
        if self._feedback.active == self._output.driven:
            return Reading(Lock.LOCKED if self._feedback.active else Lock.UNLOCKED, at_s)
        return Reading(Lock.MOVING if at_s < self._moving_until_s else Lock.FAULT, at_s)


class GpioDischarge:
    """The discharge resistor's output and its feedback. Fulfils DischargePort."""

    def __init__(self, output: _Output, feedback: InputLine) -> None:
        self._output = output
        self._feedback = feedback

    def request(self, on: bool) -> None:
        """Connect or disconnect the resistor, at once."""
        self._output.request(on)

    @property
    def state(self) -> Reading[bool] | None:
        """What the feedback shows."""
        at_s = self._output.bus.read_at_s
        return None if at_s is None or self._feedback.active is None else Reading(self._feedback.active, at_s)


class GpioInputs:
    """Safety inputs. Fulfils SafetyInputPort."""

    def __init__(self, bus: GpioBus, lines: Mapping[SafetyInput, InputLine]) -> None:
        self._bus = bus
        self._lines = lines

    @property
    def watched(self) -> frozenset[SafetyInput]:
        """What the configured lines watch."""
        return frozenset(self._lines)

    @property
    def state(self) -> Reading[frozenset[SafetyInput]] | None:
        """The inputs that are open now; None until each was read for as long as it takes to count as closed. Before that nothing is
        known, and an emergency stop that nobody pressed would stay latched."""
        at_s, first_s = self._bus.read_at_s, self._bus.first_read_at_s
        if at_s is None or first_s is None or at_s - first_s < ACTIVE_S:
            return None
        return Reading(frozenset(one for one, line in self._lines.items() if not line.active), at_s)


class GpioIo:
    """The GPIO lines of one connector."""

    max_age_s = IO_MAX_AGE_S

    def __init__(self, spec: DeviceSpec, bus: GpioBus) -> None:
        """Raises UnusableDevice with every mistake of the parameters."""
        self.name = spec.name
        self._bus = bus
        uses = _uses(spec)
        inputs, outputs = {}, {}
        try:
            for name, use in uses.items():
                if use.output:
                    bus.add_output(use)
                    outputs[name] = _Output(bus, use.offset)
                else:
                    # a dip of a contactor's feedback must last for a cycle, as that of a safety chain
                    slow = name in SIGNALS or name in CONTACTOR
                    active_s, inactive_s = (ACTIVE_S, INACTIVE_S) if slow else (_FEEDBACK_S, _FEEDBACK_S)
                    inputs[name] = bus.add_input(use, active_s, inactive_s)
        except ValueError as error:
            raise UnusableDevice([Mistake(("params",), str(error), "give each use a line of its own")]) from error
        self._offsets = {name: use.offset for name, use in uses.items()}
        self._inputs, self._outputs = inputs, outputs
        watched = {SafetyInput(name): inputs[name] for name in uses if name in SIGNALS}
        self._ports = IoPorts(
            contactors=GpioContactors(outputs["contactor"], inputs[CONTACTOR[1]], inputs[CONTACTOR[2]])
            if "contactor" in uses
            else None,
            lock=GpioLock(outputs["lock"], inputs["lock_feedback"]) if "lock" in uses else None,
            discharge=GpioDischarge(outputs["discharge"], inputs["discharge_feedback"])
            if "discharge" in uses
            else None,
            inputs=GpioInputs(bus, watched) if watched else None,
        )

    @property
    def ports(self) -> IoPorts:
        """The parts whose lines are configured."""
        return self._ports

    def points(self) -> Iterator[DevicePoint]:
        """Every line: 1 is active. Its number on the chip is in the name; an input is as it counts, after its time."""
        at_s = self._bus.read_at_s
        for name, offset in self._offsets.items():
            line, output = self._inputs.get(name), self._outputs.get(name)
            active = output.driven if output is not None else None if line is None else line.active
            value = None if active is None or at_s is None else float(active)
            yield DevicePoint(f"line_{offset}.{name}", value, "", (), at_s, "" if at_s is not None else "chip not open")

    @property
    def identity_error(self) -> str:
        """Lines do not say what is behind them: always empty."""
        return ""

    def poll(self, now_s: float) -> None:
        """Nothing to ask: the bus reads its lines by itself."""


def _uses(spec: DeviceSpec) -> dict[str, LineUse]:
    uses: dict[str, LineUse] = {}
    mistakes = list(_mistakes(spec.params))
    for name, value in spec.params.items():
        if name not in PARAMS:
            continue
        try:
            uses[name] = line_use(value, output=name in OUTPUTS)
        except ValueError as error:
            mistakes.append(Mistake(("params", name), f"= {value!r}: {error}", "correct it"))
    if mistakes:
        raise UnusableDevice(mistakes)
    return uses


def _mistakes(params: Mapping[str, Scalar]) -> Iterator[Mistake]:
    for name in sorted(set(params) - set(PARAMS)):
        yield Mistake(("params", name), "this driver knows no such parameter", f"known are {', '.join(PARAMS)}")
    for group in (CONTACTOR, LOCK, DISCHARGE):
        missing = [name for name in group if name not in params]
        if missing and len(missing) < len(group):
            yield Mistake(("params", missing[0]), "missing", f"{', '.join(group)} go together: name the line of each")
    if not params:
        yield Mistake(("params",), "names no line", f"known are {', '.join(PARAMS)}")
