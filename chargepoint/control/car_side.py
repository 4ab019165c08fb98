"""What the conversation with the car answers from: one picture of session, stage and set-point. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.evse.view import SessionView
from chargepoint.model.demand import Setpoint, StageDemand
from chargepoint.model.faults import CATALOGUE, FaultCode, Severity
from chargepoint.model.ids import TransactionId
from chargepoint.model.image import EvseImage, MeterRegisters
from chargepoint.model.instant import Instant
from chargepoint.model.station_view import StationView, Wish, WishForCar


@dataclass(frozen=True, slots=True)
class CarSide:
    """What does not change while the station runs. `meter_id`: the meter's name towards the car."""

    meter_id: str
    minimum_soc_percent: float

    def view(
        self,
        session: SessionView,
        setpoint: Setpoint,
        demand: StageDemand | None,
        at: Instant | None,
        transaction_id: TransactionId | None,
    ) -> StationView:
        """The picture of this moment. `demand`: the last order to the stage; `at`: now, None before anything happened.

        `transaction_id`: the transaction with which a car may go on.
        """
        image = session.image
        running = session.transaction_id is not None
        wish = WishForCar(Wish.TERMINATE, 0.0) if session.stop_requested else session.wish
        if image is None:
            return StationView(
                authorized=session.authorized, may_energise=running, wish=wish, transaction_id=transaction_id
            )
        return StationView(
            authorized=session.authorized,
            transaction_id=transaction_id,
            may_energise=running,
            pilot=image.pilot,
            stage=image.stage,
            permitted=image.permitted,
            cable_check_failed=session.cable_check_failed,
            emergency=any(CATALOGUE[code].severity is Severity.EMERGENCY for code in image.faults),
            residual_current=FaultCode.RCD in image.faults,
            voltage_V=image.voltage_V,
            current_A=image.current_A,
            power_W=image.power_W,
            frequency_Hz=image.frequency_Hz,
            capabilities=image.capabilities,
            limits_W=setpoint.limits_W,
            setpoint_W=_setpoint_W(image, setpoint, demand),
            wish=wish,
            meter=image.meter,
            meter_id=self.meter_id,
            meter_utc_s=None if image.meter is None or at is None else _utc_s(image.meter, at),
            minimum_soc_percent=self.minimum_soc_percent,
        )


def _setpoint_W(image: EvseImage, setpoint: Setpoint, demand: StageDemand | None) -> float:
    """At an AC outlet the car converts, so that it gets what the stage is ordered: 0 W while nothing may flow."""
    if image.capabilities is None or image.capabilities.ac is None:
        return setpoint.power_W
    return 0.0 if demand is None else demand.power_W


def _utc_s(meter: MeterRegisters, at: Instant) -> int:
    """When the meter was read, in UTC seconds."""
    return int(at.utc.timestamp() - max(0.0, at.monotonic_s - meter.taken_at_s))
