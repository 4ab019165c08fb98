"""The car at each EVSE, as it described itself (component ConnectedEV). Names and units: OCPP 2.1 appendices, dm_components_vars.csv."""

from __future__ import annotations

from chargepoint.model.status import EvseState
from chargepoint.ocpp.device_model import AttributeType, DataType, Variable
from chargepoint.ocpp.variables.site import BOOLEAN, DATE_TIME, DECIMAL, INTEGER, STRING, Site

_ACTUAL, _TARGET = AttributeType.ACTUAL, AttributeType.TARGET
_MIN, _MAX = AttributeType.MIN_SET, AttributeType.MAX_SET

COMPONENT = "ConnectedEV"


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of ConnectedEV of each EVSE. Without a car they have no value."""
    return tuple(row for evse in site.evses for row in _of(evse))


def _of(evse: EvseState) -> tuple[Variable, ...]:
    n, prefix = int(evse.evse_id), "AC" if evse.outlet_is_ac else "DC"

    def row(name: str, kind: DataType, unit: str, *attributes: AttributeType) -> tuple[Variable, ...]:
        return tuple(Variable(COMPONENT, name, kind, evse_id=n, unit=unit, attribute=each) for each in attributes)

    return (
        *row("Available", BOOLEAN, "", _ACTUAL),
        *row("ProtocolAgreed", STRING, "", _ACTUAL),
        *row("VehicleID", STRING, "", _ACTUAL),
        *row(
            "EnergyTransferMode", STRING, "", _ACTUAL
        ),  # a vendor's addition: the service that car and station agreed on
        *row("ControlMode", STRING, "", _ACTUAL),  # a vendor's addition: scheduled or dynamic
        *row("Power", DECIMAL, "W", _MIN, _MAX),
        *row("DischargePower", DECIMAL, "W", _MIN, _MAX),
        *row(f"{prefix}Current", DECIMAL, "A", *((_TARGET, _MAX) if prefix == "DC" else (_MAX,))),
        *row(f"{prefix}Voltage", DECIMAL, "V", *((_TARGET, _MIN, _MAX) if prefix == "DC" else (_MIN, _MAX))),
        *row("EnergyImport", DECIMAL, "Wh", _TARGET, _MIN, _MAX),
        *row("BatteryCapacity", DECIMAL, "Wh", _ACTUAL),
        *row("StateOfCharge", DECIMAL, "Percent", _ACTUAL, _TARGET, _MIN, _MAX),
        *row("DepartureTime", DATE_TIME, "", _ACTUAL),
        *row("RemainingTimeFull", INTEGER, "s", _ACTUAL),
        *row("ChargingCompleteFull", BOOLEAN, "", _ACTUAL),
    )
