"""What goes wrong slowly at a connector: how fast each quantity leaves its present value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Slopes:
    """All zero: nothing moves by itself."""

    insulation_ohm_per_s: float = 0.0
    """How fast the insulation resistance falls, down to zero."""
    contact_K_per_s: float = 0.0
    """How fast the contacts of the connector heat, whatever flows."""
    cabinet_K_per_s: float = 0.0

    @property
    def some(self) -> bool:
        """Something moves."""
        return bool(self.insulation_ohm_per_s or self.contact_K_per_s or self.cabinet_K_per_s)
