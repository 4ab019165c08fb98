"""What a car of ISO 15118-2 or DIN 70121 knows during its session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chargepoint.iso15118.exi.codec import NS_DIN, NS_ISO2, NS_SAP
from chargepoint.iso15118.messages import din70121, iso15118_2
from chargepoint.iso15118.physical_value import scaled
from hil.simulators.evcc.body import NOTHING_MEASURED, Inlet
from hil.simulators.evcc.habits import Habits
from hil.simulators.evcc.orders import CarOrder
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.progress import Progress
from hil.simulators.evcc.spec import CarSpec

WORDS: dict[str, Any] = {NS_DIN: din70121, NS_ISO2: iso15118_2}
"""The module with the message classes of each protocol."""


@dataclass(slots=True)
class LastWord:
    """How the session will end."""

    error: str | None = None
    """What `Progress.error` becomes; None for an end that was wanted."""
    away_s: float | None = None
    """-2: the car pauses for so long, and comes back to its session; None: it ends for good."""


@dataclass(slots=True)
class DinIso2Memory:
    """One session's knowledge. The core keeps `now_s`, `utc_s`, `inlet` and `sent_s` up to date."""

    spec: CarSpec
    plan: CarPlan
    now_s: float = 0.0
    utc_s: float = 0.0
    inlet: Inlet = NOTHING_MEASURED
    sent_s: float = 0.0
    progress: Progress = field(default_factory=Progress)
    orders: list[CarOrder] = field(default_factory=list)
    stop_wanted: bool = False
    ending: LastWord = field(default_factory=LastWord)

    namespace: str = NS_SAP
    """Of the protocol that the station chose; of the offer before that."""
    session_id: bytes = b""
    paused_id: bytes = b""
    """-2: of the session that the car paused; empty: there is none to come back to."""
    sae: str = ""
    """-2, outside the standard: the selected service of SAE J2847/2, `V2G` or `V2H`; empty: none."""
    sae_id: int = 0
    """Its ServiceID, as the station listed it."""
    parameters_asked: int = 0
    authorization_asked: int = 0
    cable_checks: int = 0
    pre_charges: int = 0
    welding_asked: int = 0
    schedule_tuple: Any = None
    """The first SAScheduleTuple of the station."""
    energised: bool = False
    """Contactors are closed (DC), or PowerDelivery(Start) was answered OK (AC)."""
    nominal_V: float = 230.0
    charge_limit_W: float | None = None
    current_limit_A: float | None = None
    """The station's limits of its last answer that gave one."""

    @property
    def is_ac(self) -> bool:
        """The car charges with alternating current."""
        return self.plan.energy[0] == "AC"

    @property
    def is_din(self) -> bool:
        """The station chose DIN 70121."""
        return self.namespace == NS_DIN

    @property
    def gives(self) -> bool:
        """Outside the standard: the car gives power now. With V2G while the station's limits are below zero, with V2H always."""
        return self.sae == "V2H" or (self.sae == "V2G" and (self.charge_limit_W or 0.0) < 0)

    @property
    def habits(self) -> Habits:
        """What this car does differently."""
        return self.plan.habits

    @property
    def words(self) -> Any:
        """The message classes of the protocol that the station chose; before that, for a car that misbehaves early, of its outlet."""
        return WORDS.get(self.namespace, iso15118_2 if self.is_ac else din70121)

    def physical(self, value: float, unit: str) -> Any:
        """A PhysicalValue in this unit."""
        multiplier, found = scaled(value)
        return self.words.PhysicalValue(Multiplier=multiplier, Unit=self.words.UnitSymbol(unit), Value=found)

    def forget(self) -> None:
        """A new session begins: what the one before agreed on is gone."""
        self.authorization_asked = self.cable_checks = self.pre_charges = self.welding_asked = 0
        self.schedule_tuple, self.energised = None, False
        self.sae, self.sae_id, self.parameters_asked = "", 0, 0
        self.charge_limit_W = self.current_limit_A = None

    def mark(self, phase: str) -> None:
        """A phase begins now."""
        self.progress.mark(phase, self.now_s)
