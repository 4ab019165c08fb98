"""What one CAN module shows: what it is asked and when, and its answers with their age. Pure.

A value counts from its question, not from its arrival. An answer that nobody waits for is counted and ignored; answers that keep
coming twice mean that two modules have one address.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chargepoint.model.readings import Reading
from chargepoint.ports import PowerModuleState
from drivers.can.bus import CanLine
from drivers.can.send_queue import Urgency
from drivers.power_module.can_dialect import Dialect, Quantity, Shown, Status

ANSWER_S = 0.2
"""An answer later than this counts as missing, and the question is asked again."""

RATING_S = 0.5
"""How often a rating is asked for, until all are known."""

LIMITS = {Quantity.VOLTAGE: (-50.0, 2000.0), Quantity.CURRENT: (-2000.0, 2000.0), Quantity.TEMPERATURE: (-60.0, 200.0)}
"""What can be true of a module; another number is an error of the module or of the wire, and counts as no answer."""

TWICE_IN_A_ROW = 5
"""Answers that came twice, one after the other: two modules have one address."""


@dataclass(slots=True)
class _Question:
    """One quantity that is asked in turn."""

    period_s: float
    due_s: float = -math.inf
    asked_s: float | None = None
    """When the first question was asked that has no answer yet."""
    again_s: float = 0.0


class CanReadings:
    """Call `ask` at every poll, `take` with every answer; then read `numbers`, `status`, `shown` and `state`."""

    def __init__(self, name: str, dialect: Dialect, line: CanLine) -> None:
        self.unanswered = 0
        self.late = 0
        self.numbers: dict[Quantity, Reading[float]] = {}
        self.status: Reading[Status] | None = None
        self._name = name
        self._dialect = dialect
        self._line = line
        self._questions: dict[Quantity, _Question] = {q: _Question(s) for q, s in dialect.manners.reads}
        self._asked_once = frozenset(dialect.manners.ratings) - frozenset(self._questions)
        self._questions |= {quantity: _Question(RATING_S) for quantity in self._asked_once}
        self._twice = 0

    def ask(self, now_s: float, *, identified: bool) -> None:
        """Ask what is due; ratings only until the module is `identified`."""
        for quantity, question in self._questions.items():
            if not (identified and quantity in self._asked_once):
                self._ask(quantity, question, now_s)

    def _ask(self, quantity: Quantity, question: _Question, now_s: float) -> None:
        if question.asked_s is not None:
            if now_s < question.again_s:
                return
            self.unanswered += 1
        elif now_s < question.due_s:
            return
        else:
            question.asked_s = now_s
        question.again_s = now_s + ANSWER_S
        question.due_s = now_s + question.period_s
        self._line.send(self._dialect.question(quantity), Urgency.READ, self._name, quantity)

    def hurry(self, quantity: Quantity) -> None:
        """Ask for this at the next poll: an order is to be seen confirmed."""
        if quantity in self._questions:
            self._questions[quantity].due_s = -math.inf

    def forget_asked(self) -> None:
        """Nothing that was queued was sent: everything is asked anew."""
        for question in self._questions.values():
            question.due_s, question.asked_s = -math.inf, None

    def take(self, shown: Shown) -> bool | None:
        """Keep an answer: True. False: it cannot be true. None: nobody waits for it."""
        question = self._questions.get(shown.quantity)
        if question is None or question.asked_s is None:
            self.late += 1
            self._twice = min(self._twice + 2, 2 * TWICE_IN_A_ROW)
            return None
        if isinstance(shown.value, Status):
            self.status = Reading(shown.value, question.asked_s)
        else:
            low, high = LIMITS.get(shown.quantity, (-math.inf, math.inf))
            if not math.isfinite(shown.value) or not low <= shown.value <= high:
                return False
            self.numbers[shown.quantity] = Reading(shown.value, question.asked_s)
        question.asked_s = None
        self._twice = max(0, self._twice - 1)
        return True

    def refused(self, quantity: Quantity) -> None:
        """The module answered that it does not know this: it is not waited for."""
        if quantity in self._questions:
            self._questions[quantity].asked_s = None

    @property
    def twice(self) -> bool:
        """Answers keep coming twice."""
        return self._twice >= TWICE_IN_A_ROW

    def shown(self, quantity: Quantity) -> Reading[float] | None:
        """A quantity as a number; the status as 1 for an output that is on."""
        if quantity is not Quantity.STATUS:
            return self.numbers.get(quantity)
        return None if self.status is None else Reading(float(self.status.value.output_on), self.status.taken_at_s)

    def state(self, faults: tuple[str, ...]) -> Reading[PowerModuleState] | None:
        """Voltage, current and status as one state, as old as the oldest of them; None before all were shown."""
        voltage, current, status = self.numbers.get(Quantity.VOLTAGE), self.numbers.get(Quantity.CURRENT), self.status
        if voltage is None or current is None or status is None:
            return None
        temperature = self.numbers.get(Quantity.TEMPERATURE)
        state = PowerModuleState(
            voltage.value,
            current.value,
            status.value.output_on,
            faults,
            None if temperature is None else temperature.value,
        )
        return Reading(state, min(voltage.taken_at_s, current.taken_at_s, status.taken_at_s))
