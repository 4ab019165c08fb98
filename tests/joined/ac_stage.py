"""A power process of an AC outlet made of numbers: one contactor, and a car that converts as its on-board charger is ordered."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.model.demand import Phase, PilotCommand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import AcSupply, Contactor, EvseImage, Lock, MeterRegisters, Stage, StageCapabilities
from tests.joined.stage import ObedientStage

SUPPLY = AcSupply(230.0, 50.0, 3, 32.0)
CAPABILITIES = StageCapabilities(230.0, 230.0, 22_000.0 / 230.0, 11_000.0 / 230.0, 22_000.0, 11_000.0, SUPPLY)


class ObedientAcStage(ObedientStage):
    """One EVSE's contactor, meter and pilot. `charger_W`: what the car orders from its on-board charger, positive into the car.

    The contactor is closed while TRANSFER is ordered with 5 % duty and a locked connector, and the pilot shows C or D.
    """

    def __init__(self, evse_id: EvseId) -> None:
        super().__init__(evse_id)
        self.charger_W = 0.0

    def closed(self, now_s: float) -> bool:
        """The contactor is closed."""
        order = self.demand
        return (
            order is not None
            and self.phase(now_s) is Phase.TRANSFER
            and order.pilot is PilotCommand.PWM
            and order.lock
            and self.pilot.ready
        )

    def power_W(self, now_s: float) -> float:
        """What flows: the car's order, while the contactor is closed."""
        return self.charger_W if self.closed(now_s) else 0.0

    def image(self, now_s: float) -> EvseImage:
        """What the power process of an AC outlet reports at this moment."""
        image, closed = super().image(now_s), self.closed(now_s)
        meter = image.meter
        assert meter is not None
        voltage_V = SUPPLY.nominal_voltage_V if closed else 0.0
        current_A = image.applied_W / SUPPLY.nominal_voltage_V
        return replace(
            image,
            stage=Stage.TRANSFER if closed else Stage.OFF,
            contactor=Contactor.CLOSED if closed else Contactor.OPEN,
            lock=Lock.LOCKED if self.demand is not None and self.demand.lock else Lock.UNLOCKED,
            voltage_V=voltage_V,
            current_A=current_A,
            meter=MeterRegisters(meter.import_Wh, meter.export_Wh, voltage_V, current_A, image.applied_W, now_s),
            insulation_ohm=None,
            capabilities=CAPABILITIES,
            frequency_Hz=SUPPLY.nominal_frequency_Hz,
        )
