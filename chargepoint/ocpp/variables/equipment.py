"""The equipment of each EVSE: what the power process measures. Names and units: OCPP 2.0.1 appendices."""

from __future__ import annotations

from chargepoint.model.status import EvseState
from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables.site import BOOLEAN, DECIMAL, STRING, Site


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of the meter, contactor, lock, power modules and insulation monitor of each EVSE."""
    return tuple(row for evse in site.evses for row in _of(evse))


def _of(evse: EvseState) -> tuple[Variable, ...]:
    n = int(evse.evse_id)
    common = (
        Variable("FiscalMetering", "EnergyImportRegister", DECIMAL, evse_id=n, unit="Wh"),
        Variable("FiscalMetering", "EnergyExportRegister", DECIMAL, evse_id=n, unit="Wh"),
        Variable("FiscalMetering", "Power", DECIMAL, evse_id=n, unit="W"),
        Variable("PowerContactor", "Active", BOOLEAN, evse_id=n),
        Variable("PowerContactor", "State", STRING, evse_id=n),
        Variable("ConnectorPlugRetentionLock", "Active", BOOLEAN, evse_id=n, connector_id=1),
        Variable("ConnectorPlugRetentionLock", "Problem", BOOLEAN, evse_id=n, connector_id=1),
        Variable("CPPWMController", "State", STRING, evse_id=n, connector_id=1),
    )
    if evse.outlet_is_ac:
        return (*common, Variable("EVSE", "Frequency", DECIMAL, evse_id=n, unit="Hz"))
    return (
        *common,
        Variable("FiscalMetering", "DCVoltage", DECIMAL, evse_id=n, unit="V"),
        Variable("FiscalMetering", "DCCurrent", DECIMAL, evse_id=n, unit="A"),
        Variable("AcDcConverter", "DCVoltage", DECIMAL, evse_id=n, unit="V"),
        Variable("AcDcConverter", "DCCurrent", DECIMAL, evse_id=n, unit="A"),
        Variable("AcDcConverter", "Temperature", DECIMAL, evse_id=n, unit="Celsius"),
        Variable("AcDcConverter", "State", STRING, evse_id=n),
        Variable("GroundIsolationProtection", "Impedance", DECIMAL, evse_id=n, unit="Ohm"),
    )
