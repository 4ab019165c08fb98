"""The equipment of an EVSE as variables: what its meter, contactor, lock, modules and insulation monitor show now."""

from __future__ import annotations

from collections.abc import Callable

from chargepoint.model.image import Contactor, ControlPilot, EvseImage, Lock, MeterRegisters
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.device_model import Variable

_METER: dict[str, Callable[[MeterRegisters], float]] = {
    "EnergyImportRegister": lambda meter: meter.import_Wh,
    "EnergyExportRegister": lambda meter: meter.export_Wh,
    "Power": lambda meter: meter.power_W,
    "DCVoltage": lambda meter: meter.voltage_V,
    "DCCurrent": lambda meter: meter.current_A,
}
_MEASURED: dict[tuple[str, str], Callable[[EvseImage], float | None]] = {
    ("EVSE", "Power"): lambda image: image.power_W,
    ("EVSE", "Frequency"): lambda image: image.frequency_Hz,
    ("AcDcConverter", "DCVoltage"): lambda image: image.voltage_V,
    ("AcDcConverter", "DCCurrent"): lambda image: image.current_A,
    ("AcDcConverter", "Temperature"): lambda image: image.temperature_degC,
    ("GroundIsolationProtection", "Impedance"): lambda image: image.insulation_ohm,
}
_STATES: dict[tuple[str, str], Callable[[EvseImage], str | None]] = {
    ("PowerContactor", "State"): lambda image: image.contactor.name,
    ("PowerContactor", "Active"): lambda image: _flag(
        None if image.contactor is Contactor.UNKNOWN else image.contactor is not Contactor.OPEN
    ),
    ("ConnectorPlugRetentionLock", "Active"): lambda image: _flag(
        image.lock is Lock.LOCKED if image.lock in (Lock.LOCKED, Lock.UNLOCKED) else None
    ),
    ("CPPWMController", "State"): lambda image: None if image.pilot is ControlPilot.UNKNOWN else image.pilot.name,
    ("AcDcConverter", "State"): lambda image: image.stage.name,
}


class EquipmentBlock(FunctionalBlock):
    """Values that the power process measures. What is unknown or too old has no value."""

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """The value of one row; None: of another component, or unknown now."""
        if row.evse_id is None or row.component not in _COMPONENTS:
            return None
        evse = now.evse(row.evse_id)
        image = None if evse is None else evse.image
        if image is None:
            return None
        if row.component == "FiscalMetering":
            return None if image.meter is None else f"{_METER[row.name](image.meter):.1f}"
        place = (row.component, row.name)
        if (state := _STATES.get(place)) is not None:
            return state(image)
        measured = _MEASURED.get(place)
        value = None if measured is None else measured(image)
        return None if value is None else f"{value:.1f}"


_COMPONENTS = {"FiscalMetering", *(component for component, _ in (*_MEASURED, *_STATES))}


def _flag(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()
