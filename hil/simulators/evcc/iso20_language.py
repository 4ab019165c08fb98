"""ISO 15118-20 as the car's core needs it."""

from __future__ import annotations

from typing import Any

from hil.simulators.evcc.examiner import Examiner
from hil.simulators.evcc.memory import CarMemory, Credentials
from hil.simulators.evcc.misbehaviour import changed
from hil.simulators.evcc.order import NAMESPACES, ROWS, row_of
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.row import CarMessageRow
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.steps import SessionStep


class Iso20Language:
    """Every message stands alone, with a header of its own."""

    def new_memory(
        self, spec: CarSpec, plan: CarPlan, credentials: Credentials | None, now_s: float, utc_s: float
    ) -> CarMemory:
        """The memory of a new session."""
        return CarMemory(spec, plan, credentials, now_s=now_s, utc_s=utc_s)

    def new_examiner(self) -> Examiner:
        """The examiner of a new session."""
        return Examiner()

    def row(self, _memory: CarMemory, step: SessionStep) -> CarMessageRow:
        """The message of this step."""
        return ROWS[step]

    def row_named(self, _memory: CarMemory, name: str) -> CarMessageRow:
        """See `order.row_of`."""
        return row_of(name)

    def enclosed(self, _memory: CarMemory, request: Any) -> Any:
        """The request itself."""
        return request

    def opened(self, message: Any) -> Any:
        """The answer itself."""
        return message

    def grammar(self, _memory: CarMemory, payload_type: int) -> str | None:
        """By payload type."""
        return next((n for kind, n in NAMESPACES.items() if kind == payload_type), None)

    def changed(self, message: Any, what: str, count: int) -> Any:
        """See `misbehaviour.changed`."""
        return changed(message, what, count)
