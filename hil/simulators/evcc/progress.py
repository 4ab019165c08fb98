"""What the outside may see of a session of the simulated car while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """The session so far; seconds are monotonic."""

    phase: str = "unplugged"
    marks: dict[str, float] = field(default_factory=dict)
    """When each phase began."""
    tls: str | None = None
    service_id: int | None = None
    control_mode: str | None = None
    loops: int = 0
    """Charge loops answered."""
    sessions_joined: int = 0
    """How often the station answered OK_OldSessionJoined."""
    present_voltage_V: float | None = None
    present_current_A: float | None = None
    charge_limit_W: float | None = None
    discharge_limit_W: float | None = None
    target_power_W: float | None = None
    """AC: EVSETargetActivePower of the last answer."""
    asked_to_stop: bool = False
    """The station notified Terminate."""
    notifications: list[str] = field(default_factory=list)
    """EVSE notifications in the order they came; one that is repeated counts once."""
    error: str | None = None

    def mark(self, phase: str, now_s: float) -> None:
        """A phase begins."""
        self.phase = phase
        self.marks[phase] = now_s
