"""Modules that several EVSEs of the plant share: a matrix of contactors moves each between their circuits.

Off the matrix a module has its own output capacitor only, which it charges while it is on and discharges while it is off.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hil.plant.contactor import ContactorPole
from hil.plant.evse import EvsePlant
from hil.plant.module import ModulePlant

RISE_V_PER_S = 2000.0
FALL_V_PER_S = 200.0
"""An output of some 10 uF with 2 A and more; a module that discharges its output by itself within seconds (own figures)."""

Link = tuple[str, int]


@dataclass(slots=True)
class StackPlant:
    """Advance with `step` before the EVSEs. `switched_A`: the largest current that a contactor of the matrix ever switched.

    `inrush_V`: the largest difference of voltage over which one closed. `twice`: a module was at two outputs at once.
    """

    modules: dict[str, ModulePlant]
    evses: dict[int, EvsePlant]
    contactors: dict[Link, ContactorPole] = field(default_factory=dict)
    requested: frozenset[Link] = frozenset()
    own_V: dict[str, float] = field(default_factory=dict)
    switched_A: float = 0.0
    inrush_V: float = 0.0
    twice: bool = False

    def __post_init__(self) -> None:
        self.contactors = {(name, evse): ContactorPole() for name in self.modules for evse in self.evses}
        self.own_V = dict.fromkeys(self.modules, 0.0)

    @property
    def closed(self) -> frozenset[Link]:
        """What the mirror contacts show."""
        return frozenset(link for link, pole in self.contactors.items() if pole.closed)

    def step(self, dt_s: float) -> None:
        """Move contactors and modules by one step."""
        for link, pole in self.contactors.items():
            before = pole.closed
            if pole.step(link in self.requested, dt_s) != before:
                self._switched(*link, closed=pole.closed)
        for name, module in self.modules.items():
            at = [evse for module_name, evse in self.closed if module_name == name]
            self.twice |= len(at) > 1
            if at:
                self.own_V[name] = self.evses[at[0]].circuit.module_V
            else:
                self._alone(name, module, dt_s)

    def _switched(self, name: str, number: int, *, closed: bool) -> None:
        module, evse = self.modules[name], self.evses[number]
        self.switched_A = max(self.switched_A, abs(module.current_A))
        if closed:
            self.inrush_V = max(self.inrush_V, abs(self.own_V[name] - evse.circuit.module_V))
            evse.modules[name] = module
        else:
            evse.modules.pop(name, None)
            module.current_A = 0.0

    def _alone(self, name: str, module: ModulePlant, dt_s: float) -> None:
        module.starting_s = max(0.0, module.starting_s - dt_s)
        module.current_A = 0.0
        own_V = self.own_V[name]
        if module.output_on and not module.alarm:
            own_V = min(max(own_V, module.effective_voltage_V), own_V + RISE_V_PER_S * dt_s)
        else:
            own_V = max(0.0, own_V - FALL_V_PER_S * dt_s)
        self.own_V[name] = module.terminal_V = own_V
