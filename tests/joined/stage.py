"""A power process made of numbers: it obeys each order after one step, and no longer than the order's lease."""

from __future__ import annotations

from chargepoint.model.demand import Phase, StageDemand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import (
    Contactor,
    ControlPilot,
    EvseImage,
    Lock,
    MeterRegisters,
    Stage,
    StageCapabilities,
)

BATTERY_V = 400.0
CAPABILITIES = StageCapabilities(150.0, 1000.0, 32.0, 30.0, 12_800.0, 12_000.0)
_STAGES = {
    Phase.OFF: Stage.OFF,
    Phase.CABLE_CHECK: Stage.CABLE_CHECKED,
    Phase.PRE_CHARGE: Stage.PRE_CHARGED,
    Phase.TRANSFER: Stage.TRANSFER,
}


class ObedientStage:
    """One EVSE's stage, meter and pilot. Power is reached at once; energy is counted between two images."""

    def __init__(self, evse_id: EvseId) -> None:
        self.evse_id = evse_id
        self.pilot = ControlPilot.A
        self.demand: StageDemand | None = None
        self._demand_s = 0.0
        self._until_s = 0.0
        self._seq = 0
        self._import_Wh, self._export_Wh = 5000.0, 700.0

    def take(self, demand: StageDemand, now_s: float) -> None:
        """A new order."""
        self.demand, self._until_s = demand, now_s + demand.lease_s

    def phase(self, now_s: float) -> Phase:
        """The phase that is ordered now."""
        return Phase.OFF if self.demand is None or now_s >= self._until_s else self.demand.phase

    def power_W(self, now_s: float) -> float:
        """What flows now, positive into the car."""
        if self.demand is None or self.phase(now_s) is not Phase.TRANSFER:
            return 0.0
        current_A = self.demand.limits_W.clamp(self.demand.power_W) / BATTERY_V
        return BATTERY_V * self.demand.dc.limits.current_at(BATTERY_V).clamp(current_A)

    def image(self, now_s: float) -> EvseImage:
        """What the power process reports at this moment."""
        phase, power_W = self.phase(now_s), self.power_W(now_s)
        seconds = now_s - self._demand_s if self._seq else 0.0
        self._import_Wh += max(power_W, 0.0) * seconds / 3600
        self._export_Wh += max(-power_W, 0.0) * seconds / 3600
        self._demand_s, self._seq = now_s, self._seq + 1
        under_voltage = phase in (Phase.PRE_CHARGE, Phase.TRANSFER)
        voltage_V = BATTERY_V if under_voltage else 5.0
        meter = MeterRegisters(self._import_Wh, self._export_Wh, voltage_V, power_W / BATTERY_V, power_W, now_s)
        return EvseImage(
            evse_id=self.evse_id,
            seq=self._seq,
            taken_at_s=now_s,
            demand_seq=0,
            phase=phase,
            stage=_STAGES[phase],
            pilot=self.pilot,
            duty_percent=100.0 if self.demand is None else self.demand.duty_percent,
            contactor=Contactor.CLOSED if under_voltage else Contactor.OPEN,
            lock=Lock.LOCKED if self.demand is not None and self.demand.lock else Lock.UNLOCKED,
            voltage_V=voltage_V,
            current_A=power_W / BATTERY_V,
            applied_W=power_W,
            target_W=power_W,
            limited_by_stage="",
            insulation_ohm=1e6,
            meter=meter,
            temperature_degC=20.0,
            capabilities=CAPABILITIES,
            faults=frozenset(),
            permitted=True,
        )
