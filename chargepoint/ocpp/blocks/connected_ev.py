"""The connected car as variables: what it said of itself, its limits, its energy and its departure."""

from __future__ import annotations

from collections.abc import Callable

from chargepoint.model.car import CarDemand
from chargepoint.model.status import EvseState
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.device_model import AttributeType, Variable
from chargepoint.ocpp.timestamps import to_wire, utc_from_s
from chargepoint.ocpp.variables.connected_ev import COMPONENT

_ACTUAL, _TARGET = AttributeType.ACTUAL, AttributeType.TARGET
_MIN, _MAX = AttributeType.MIN_SET, AttributeType.MAX_SET

_NUMBERS: dict[tuple[str, AttributeType], Callable[[CarDemand], float | None]] = {
    ("Power", _MIN): lambda car: car.limits.charge_power_min_W,
    ("Power", _MAX): lambda car: car.limits.charge_power_max_W,
    ("DischargePower", _MIN): lambda car: car.limits.discharge_power_min_W,
    ("DischargePower", _MAX): lambda car: car.limits.discharge_power_max_W if car.service.bidirectional else 0.0,
    ("DCCurrent", _TARGET): lambda car: car.target_current_A,
    ("DCCurrent", _MAX): lambda car: car.limits.charge_current_max_A,
    ("ACCurrent", _MAX): lambda car: car.limits.charge_current_max_A,
    ("DCVoltage", _TARGET): lambda car: car.target_voltage_V,
    ("DCVoltage", _MIN): lambda car: car.limits.voltage_min_V,
    ("DCVoltage", _MAX): lambda car: car.limits.voltage_max_V,
    ("ACVoltage", _MIN): lambda car: car.limits.voltage_min_V,
    ("ACVoltage", _MAX): lambda car: car.limits.voltage_max_V,
    ("EnergyImport", _TARGET): lambda car: car.energy.target_Wh,
    ("EnergyImport", _MIN): lambda car: car.energy.min_Wh,
    ("EnergyImport", _MAX): lambda car: car.energy.max_Wh,
    ("BatteryCapacity", _ACTUAL): lambda car: car.display.capacity_Wh,
    ("StateOfCharge", _ACTUAL): lambda car: car.energy.soc_percent,
    ("StateOfCharge", _TARGET): lambda car: car.energy.target_soc_percent,
    ("StateOfCharge", _MIN): lambda car: car.energy.minimum_soc_percent,
    ("StateOfCharge", _MAX): lambda car: car.display.maximum_soc_percent,
}


class ConnectedEvBlock(FunctionalBlock):
    """Values of ConnectedEV. What the car did not say is unknown, never 0."""

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """The value of one row; None: another component, no car, or the car did not say."""
        evse = now.evse(row.evse_id) if row.component == COMPONENT and row.evse_id is not None else None
        if evse is None:
            return None
        if row.name == "Available":
            return "true" if evse.car is not None else "false"
        return None if evse.car is None else _said(row, evse, evse.car, now)


def _said(row: Variable, evse: EvseState, car: CarDemand, now: StationNow) -> str | None:
    number = _NUMBERS.get((row.name, row.attribute))
    if number is not None:
        value = number(car)
        return None if value is None else f"{value:.1f}"
    match row.name:
        case "ProtocolAgreed":
            return evse.car_protocol
        case "VehicleID":
            return evse.evcc_id
        case "EnergyTransferMode":
            return car.service.value
        case "ControlMode":
            return car.control_mode.value
        case "DepartureTime":
            leaves_at_s = car.energy.departure_at_s
            return None if leaves_at_s is None else to_wire(utc_from_s(now.utc_s + leaves_at_s - now.monotonic_s))
        case "RemainingTimeFull":
            left_s = car.display.to_maximum_soc_s
            return None if left_s is None else str(round(left_s))
        case "ChargingCompleteFull":
            complete = car.display.charging_complete
            return None if complete is None else str(complete).lower()
        case _:
            return None
