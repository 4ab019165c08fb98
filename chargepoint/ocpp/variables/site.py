"""What the rows of the device model are made from: the configuration and the EVSEs."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.status import EvseState
from chargepoint.ocpp.device_model import DataType, Mutability


@dataclass(frozen=True, slots=True)
class Site:
    """One station as configured."""

    csms: CsmsSection
    station: StationSection
    evses: tuple[EvseState, ...]


STRING, INTEGER, BOOLEAN, DECIMAL = DataType.STRING, DataType.INTEGER, DataType.BOOLEAN, DataType.DECIMAL
DATE_TIME, OPTION = DataType.DATE_TIME, DataType.OPTION_LIST
MEMBERS, SEQUENCE = DataType.MEMBER_LIST, DataType.SEQUENCE_LIST
READ_WRITE, WRITE_ONLY = Mutability.READ_WRITE, Mutability.WRITE_ONLY
