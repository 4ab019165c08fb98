"""What the car's core asks of the protocols that a car speaks: messages in and out, their rows, memory and examiner.

One language is ISO 15118-20 (`iso20_language`), the other is ISO 15118-2 and DIN 70121 together (`din_iso2/`).
"""

from __future__ import annotations

from typing import Any, Protocol

from hil.simulators.evcc.body import Inlet
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.orders import CarOrder
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.progress import Progress
from hil.simulators.evcc.row import CarMessageRow
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.steps import SessionStep


class PlannedEnd(Protocol):
    """How the session will end."""

    error: str | None
    """What `Progress.error` becomes; None for an end that was wanted."""


class SessionMemory(Protocol):
    """What the core keeps and reads of a session, whatever the car speaks."""

    spec: CarSpec
    plan: CarPlan
    now_s: float
    utc_s: float
    inlet: Inlet
    sent_s: float
    progress: Progress
    orders: list[CarOrder]
    stop_wanted: bool

    @property
    def ending(self) -> PlannedEnd:
        """How the session will end."""

    @property
    def is_ac(self) -> bool:
        """The car charges with alternating current."""

    def mark(self, phase: str) -> None:
        """A phase begins now."""


class SessionExaminer(Protocol):
    """Holds each answer against the standard."""

    violations: list[str]

    def found(self, sentence: str) -> None:
        """One violation."""

    def answer(
        self, request: Any, answer: Any, took_s: float, payload_type: int, memory: Any, row: CarMessageRow
    ) -> None:
        """Judge one answer as it came; `memory` is from before the answer."""


class CarLanguage(Protocol):
    """The protocols of one car. `memory` is always what `new_memory` gave."""

    def new_memory(
        self, spec: CarSpec, plan: CarPlan, credentials: Credentials | None, now_s: float, utc_s: float
    ) -> SessionMemory:
        """The memory of a new session."""

    def new_examiner(self) -> SessionExaminer:
        """The examiner of a new session."""

    def row(self, memory: Any, step: SessionStep) -> CarMessageRow:
        """The message of this step."""

    def row_named(self, memory: Any, name: str) -> CarMessageRow:
        """The row of a request's class name, for a wrong sequence. Raises ValueError."""

    def enclosed(self, memory: Any, request: Any) -> Any:
        """The message that carries a request."""

    def opened(self, message: Any) -> Any:
        """The answer that a message carries; the message itself where it carries none."""

    def grammar(self, memory: Any, payload_type: int) -> str | None:
        """The namespace by which an answer is read; None: an answer never comes under this payload type."""

    def changed(self, message: Any, what: str, count: int) -> Any:
        """The message with one of `misbehaviour.CHANGES`; unchanged where the change does not apply to it."""
