"""The car as the SECC knows it: identity, abilities and demand of the car; and the inputs of the SECC's answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId
from chargepoint.model.image import MeterRegisters, Stage, StageCapabilities
from chargepoint.model.limits import ZERO, Interval


class EnergyService(Enum):
    """Energy transfer services, by ISO 15118-20 service name."""

    AC = "AC"
    DC = "DC"
    AC_BPT = "AC_BPT"
    DC_BPT = "DC_BPT"

    @property
    def bidirectional(self) -> bool:
        """The car may give power back."""
        return self in (EnergyService.AC_BPT, EnergyService.DC_BPT)


class ControlMode(Enum):
    """ISO 15118-20 ControlMode parameter: 1 Scheduled (the car follows a schedule), 2 Dynamic (the station decides)."""

    SCHEDULED = "scheduled"
    DYNAMIC = "dynamic"


@dataclass(frozen=True, slots=True)
class CarLimits:
    """What the car announced it can take and give. All magnitudes >= 0 whatever sign the wire had (safety.md 4.1)."""

    voltage_max_V: float
    voltage_min_V: float
    charge_power_max_W: float
    charge_current_max_A: float
    discharge_power_max_W: float = 0.0
    discharge_current_max_A: float = 0.0
    charge_power_min_W: float = 0.0
    discharge_power_min_W: float = 0.0


@dataclass(frozen=True, slots=True)
class CarEnergy:
    """State of charge and energy requests; None: the car did not say. Energies in Wh, signed as on the wire.

    `min_v2x_Wh` > 0: below the V2X window, charge only; `max_v2x_Wh` < 0: above it (docs/sources/safety.md 4.1).
    """

    soc_percent: float | None = None
    target_soc_percent: float | None = None
    minimum_soc_percent: float | None = None
    target_Wh: float | None = None
    max_Wh: float | None = None
    min_Wh: float | None = None
    max_v2x_Wh: float | None = None
    min_v2x_Wh: float | None = None
    departure_s: float | None = None


@dataclass(frozen=True, slots=True)
class CarDemand:
    """What the car asks at this moment, and how fresh that is. `phase` follows its messages: CABLE_CHECK from the first
    CableCheckReq, PRE_CHARGE from the first PreChargeReq, TRANSFER from PowerDelivery(Start), OFF from (Stop) on."""

    evse_id: EvseId
    at_s: float
    phase: Phase
    service: EnergyService
    control_mode: ControlMode
    limits: CarLimits
    energy: CarEnergy
    target_voltage_V: float | None = None
    target_current_A: float | None = None
    """Signed, positive into the car; Scheduled only."""
    present_voltage_V: float | None = None

    @property
    def allows_power(self) -> bool:
        """Its limits leave room in at least one direction."""
        limits = self.limits
        return limits.charge_power_max_W > 0 or (self.service.bidirectional and limits.discharge_power_max_W > 0)


@dataclass(frozen=True, slots=True)
class SeccInputs:
    """What the SECC answers from: always the last process image and arbiter result, never an awaited one.

    `authorized` None: not decided yet. `stop_requested`: ask the car to end (EVSEStatus notification).
    """

    authorized: bool | None = None
    pilot_ready: bool = False
    stage: Stage = Stage.OFF
    permitted: bool = False
    cable_check_failed: bool = False
    emergency: bool = False
    voltage_V: float | None = None
    current_A: float | None = None
    capabilities: StageCapabilities | None = None
    limits_W: Interval = ZERO
    setpoint_W: float = 0.0
    stop_requested: bool = False
    meter: MeterRegisters | None = None
    minimum_soc_percent: float | None = None
    target_soc_percent: float | None = None
    departure_s: float | None = None


@dataclass(frozen=True, slots=True)
class CarConnected:
    """A TCP or TLS connection came after discovery, and a protocol was agreed."""

    evse_id: EvseId
    protocol: str
    tls: str | None
    """«TLSv1.3», or None for plain TCP."""
    peer: str


@dataclass(frozen=True, slots=True)
class CarIdentified:
    """SessionSetupReq named the car."""

    evse_id: EvseId
    evcc_id: str
    session_id: bytes


@dataclass(frozen=True, slots=True)
class AuthorizationWanted:
    """The car chose EIM and waits; the station decides (`SeccInputs.authorized`)."""

    evse_id: EvseId


@dataclass(frozen=True, slots=True)
class ServiceSelected:
    """Energy service and control mode are agreed."""

    evse_id: EvseId
    service: EnergyService
    control_mode: ControlMode


@dataclass(frozen=True, slots=True)
class CarDemandChanged:
    """A message of the car changed what it asks; comes with every charge loop too (its freshness is the point)."""

    demand: CarDemand


class SessionEnd(Enum):
    """Why the car's session ended."""

    TERMINATED = "terminated"  # SessionStop(Terminate) by the car
    PAUSED = "paused"
    TIMEOUT = "timeout"  # the car fell silent
    CONNECTION_LOST = "connection lost"
    PROTOCOL_ERROR = "protocol error"
    STOPPED_BY_STATION = "stopped by station"


@dataclass(frozen=True, slots=True)
class CarSessionEnded:
    """The connection is over; `detail` is one sentence for the journal."""

    evse_id: EvseId
    end: SessionEnd
    detail: str


CarEvent = CarConnected | CarIdentified | AuthorizationWanted | ServiceSelected | CarDemandChanged | CarSessionEnded
