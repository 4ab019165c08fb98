"""What a bench asks of a car at one EVSE: ours, somebody's program, or a real one that a person plugs in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hil.simulators.evcc.core import CarCore
from hil.simulators.evcc.progress import Progress


class BenchCar(Protocol):
    """Everything raises `hil.simulators.line_socket.Refused` where this kind of car cannot do it, with what to do instead."""

    @property
    def evse(self) -> int:
        """Number of its EVSE."""

    @property
    def progress(self) -> Progress | None:
        """What the car's present or last session has seen; None: the bench does not see it."""

    @property
    def sessions(self) -> int:
        """How many sessions the car began since it was plugged in last, as far as the bench sees."""

    @property
    def core(self) -> CarCore | None:
        """The car's present or last session; None: it is none of ours."""

    @property
    def exchange(self) -> dict[str, Any] | None:
        """Codes of the answers, and what broke the standard; None: the bench does not see it."""

    async def plug(self) -> None:
        """Plug the car in."""

    async def unplug(self, patience_s: float) -> None:
        """Let the car end its session, then pull the plug."""

    async def pull_plug(self) -> None:
        """Pull the plug by force, whatever flows."""

    async def forget(self) -> None:
        """The bench ends: let go of the car at once."""

    def end_session(self) -> None:
        """The driver ends the session in the car; the plug stays in."""

    async def change(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Change the car's fields and its body on the plant."""

    def change_plan(self, plan: object) -> dict[str, Any]:
        """What the car's next sessions do."""

    def misbehave(self, misbehaviours: Sequence[Mapping[str, Any]]) -> None:
        """What the car does wrong in its next sessions."""
