"""What flowed in a transfer, counted twice: by the power module's own readings and by the meter's registers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chargepoint.model.image import MeterRegisters

FLOOR_Wh = 20.0
"""What both may always be apart: registers of 10 Wh, read at either end."""

LAG_S = 2.0
"""How much older than the module's reading a register may be, at the greatest power seen: the age at which a meter counts as
silent."""

SHARE = 0.05
"""Of everything that flowed, as for the current (own rule)."""


@dataclass(frozen=True, slots=True)
class EnergyBalance:
    """Watt-hours since the transfer began, all at least 0: into the car and out of it, by module and by meter."""

    charged_Wh: float = 0.0
    discharged_Wh: float = 0.0
    imported_Wh: float = 0.0
    exported_Wh: float = 0.0
    greatest_W: float = 0.0
    """The largest magnitude of power the module showed."""

    @property
    def bound_Wh(self) -> float:
        """How far module and meter may be apart in either direction."""
        return FLOOR_Wh + self.greatest_W * LAG_S / 3600 + SHARE * (self.charged_Wh + self.discharged_Wh)

    def contradiction(self, witness: str = "the module", counter: str = "the meter") -> str | None:
        """In words, which direction is further apart than its bound; None if neither is. `witness` gave the power, `counter`
        the registers."""
        bound_Wh = self.bound_Wh
        for name, by_module_Wh, by_meter_Wh in (
            ("into the car", self.charged_Wh, self.imported_Wh),
            ("out of the car", self.discharged_Wh, self.exported_Wh),
        ):
            if abs(by_module_Wh - by_meter_Wh) > bound_Wh:
                return (
                    f"{name} {by_module_Wh:.0f} Wh by {witness}, {by_meter_Wh:.0f} Wh by {counter}: "
                    f"at most {bound_Wh:.0f} Wh apart"
                )
        return None


class EnergyCount:
    """Keeps the balance of one EVSE. Call `step` each cycle with what was read, None where it is not known.

    A gap in the module's readings counts at the last power seen: one that lasts ends the transfer by its own interlock.
    """

    def __init__(self) -> None:
        self._begun: MeterRegisters | None = None
        self._balance = EnergyBalance()
        self._power_W = 0.0
        self._last_s = 0.0

    def step(
        self, now_s: float, *, transferring: bool, power_W: float | None, meter: MeterRegisters | None
    ) -> EnergyBalance | None:
        """The balance now; None outside a transfer and before the meter was read in it."""
        if not transferring:
            self._begun = None
            return None
        if self._begun is None:
            if meter is not None:
                self._begun, self._balance = meter, EnergyBalance()
                self._power_W, self._last_s = power_W or 0.0, now_s
            return None
        energy_Wh = self._power_W * max(0.0, now_s - self._last_s) / 3600
        self._last_s = now_s
        self._power_W = self._power_W if power_W is None else power_W
        before = self._balance
        self._balance = replace(
            before,
            charged_Wh=before.charged_Wh + max(0.0, energy_Wh),
            discharged_Wh=before.discharged_Wh + max(0.0, -energy_Wh),
            imported_Wh=before.imported_Wh if meter is None else meter.import_Wh - self._begun.import_Wh,
            exported_Wh=before.exported_Wh if meter is None else meter.export_Wh - self._begun.export_Wh,
            greatest_W=max(before.greatest_W, abs(self._power_W)),
        )
        return self._balance
