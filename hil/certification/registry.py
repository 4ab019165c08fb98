"""Which cases are written: the functions of `hil/certification/cases`, by the id in their decorator."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable

from hil.certification.trial import Trial

CaseFunction = Callable[[Trial], Awaitable[None]]

_WRITTEN: dict[str, CaseFunction] = {}


def case(case_id: str) -> Callable[[CaseFunction], CaseFunction]:
    """Decorator: this function is the case. Raises ValueError where another one is already."""

    def register(function: CaseFunction) -> CaseFunction:
        if case_id in _WRITTEN:
            raise ValueError(f"{case_id} is written twice: {function.__module__} and {_WRITTEN[case_id].__module__}")
        _WRITTEN[case_id] = function
        return function

    return register


def written() -> dict[str, CaseFunction]:
    """Every case that is written."""
    import hil.certification.cases as package

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return dict(_WRITTEN)
