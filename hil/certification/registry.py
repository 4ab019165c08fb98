"""Which cases are written: the functions of `hil/certification/cases`, by the id in their decorator."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hil.certification import cases
from hil.certification.start_conditions import StartConditions
from hil.certification.trial import Trial

CaseFunction = Callable[[Trial], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WrittenCase:
    """A case that is written, and how its station must be started."""

    function: CaseFunction
    start: StartConditions


_WRITTEN: dict[str, WrittenCase] = {}


def case(
    case_id: str, *, security_profile: int = 1, additional_root_check: bool = False
) -> Callable[[CaseFunction], CaseFunction]:
    """Decorator: this function is the case. Raises ValueError where another one is already."""

    def register(function: CaseFunction) -> CaseFunction:
        if case_id in _WRITTEN:
            first = _WRITTEN[case_id].function.__module__
            raise ValueError(f"{case_id} is written twice: {function.__module__} and {first}")
        _WRITTEN[case_id] = WrittenCase(function, StartConditions(security_profile, additional_root_check))
        return function

    return register


def written() -> dict[str, WrittenCase]:
    """Every case that is written."""
    for module in pkgutil.iter_modules(cases.__path__):
        importlib.import_module(f"{cases.__name__}.{module.name}")
    return dict(_WRITTEN)
