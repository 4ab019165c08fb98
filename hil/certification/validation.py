"""Validations: what a case checked. A case passes only if it checked something and everything it checked was right.

A wrong value is noted, and the case goes on: one run shows every fault. What makes the rest of a case pointless ends it: a message
that does not come, a request that is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from hil.certification.patterns import MISSING, Pattern, compare, judge

Step = int | str
"""A step of the case in Part 6 (`3`), or the part a rule belongs to (`general`, `after`)."""


@dataclass(frozen=True, slots=True)
class Validation:
    """One check: the step, what was looked at, the value, what was expected, and the outcome."""

    step: Step
    where: str
    value: Any
    expected: str
    passed: bool

    def words(self) -> str:
        """One line for people."""
        if self.passed:
            return f"step {self.step}: {self.where} is {_shown(self.value)}"
        return f"step {self.step}: {self.where} is {_shown(self.value)}, expected {self.expected}"


class ValidationFailed(Exception):
    """The station did not keep a validation; the case ends here."""


class CaseNotDecided(Exception):
    """The case could not be carried out for a reason that is not the station's conversation: suite, bench or preparation."""


class Validations:
    """Every check of one case, in order."""

    def __init__(self) -> None:
        self.made: list[Validation] = []

    @property
    def failures(self) -> list[Validation]:
        """What was not as expected."""
        return [validation for validation in self.made if not validation.passed]

    def message(self, step: Step, name: str, payload: Any, pattern: Pattern, *, decides: bool = False) -> None:
        """Check a message against a pattern. With `decides` a failure ends the case: raises ValidationFailed."""
        comparisons = compare(payload, pattern)
        self.made += [
            Validation(step, f"{name}.{found.path}", found.value, found.expected, found.passed) for found in comparisons
        ]
        if decides and not all(found.passed for found in comparisons):
            raise ValidationFailed(self.failures[-1].words())

    def value(self, step: Step, where: str, value: Any, expected: Any) -> None:
        """Check one value, which may be `MISSING`."""
        found = judge(where, value, expected)
        self.made.append(Validation(step, where, value, found.expected, found.passed))

    def true(self, step: Step, sentence: str, fact: bool, found: Any = MISSING) -> None:
        """Check a statement. `found` is what was seen instead."""
        self.made.append(Validation(step, sentence, fact if found is MISSING else found, "true", fact))

    def passed(self, step: Step, where: str, value: Any, expected: str) -> None:
        """Note a check that something came as expected."""
        self.made.append(Validation(step, where, value, expected, True))

    def fail(self, step: Step, where: str, value: Any, expected: str) -> NoReturn:
        """Note a failure that ends the case. Raises ValidationFailed."""
        self.made.append(Validation(step, where, value, expected, False))
        raise ValidationFailed(self.made[-1].words())


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
