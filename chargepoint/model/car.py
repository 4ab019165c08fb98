"""The car as the SECC knows it: identity, abilities and demand of the car, and what happened in its conversation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chargepoint.model.car_questions import Question
from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import PowerLimits
from chargepoint.model.schedule_offer import ScheduleOffer
from chargepoint.model.station_view import Wish


class EnergyService(Enum):
    """Energy transfer services, by ISO 15118-20 service name."""

    AC = "AC"
    DC = "DC"
    AC_BPT = "AC_BPT"
    DC_BPT = "DC_BPT"
    MCS = "MCS"
    MCS_BPT = "MCS_BPT"

    @property
    def bidirectional(self) -> bool:
        """The car may give power back."""
        return self in (EnergyService.AC_BPT, EnergyService.DC_BPT, EnergyService.MCS_BPT)

    @property
    def is_ac(self) -> bool:
        """The car's own charger converts. All others are direct current."""
        return self in (EnergyService.AC, EnergyService.AC_BPT)


class ControlMode(Enum):
    """ISO 15118-20 ControlMode parameter: 1 Scheduled (the car follows a schedule), 2 Dynamic (the station decides)."""

    SCHEDULED = "scheduled"
    DYNAMIC = "dynamic"


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
    departure_at_s: float | None = None
    """When the car leaves, in monotonic seconds: its DepartureTime counts from the message that brought it."""


NOTHING_SAID = CarEnergy()
"""Of a car that has not said anything yet."""


@dataclass(frozen=True, slots=True)
class CarDisplay:
    """What the car says for people and for load management (DisplayParameters of ISO 15118-20); None: the car did not say.

    State of charge and its bounds are in `CarEnergy`. Times in seconds from the moment the car said them.
    """

    maximum_soc_percent: float | None = None
    to_minimum_soc_s: float | None = None
    to_target_soc_s: float | None = None
    to_maximum_soc_s: float | None = None
    charging_complete: bool | None = None
    capacity_Wh: float | None = None
    inlet_hot: bool | None = None


NO_DISPLAY = CarDisplay()


@dataclass(frozen=True, slots=True)
class CarDemand:
    """What the car asks at this moment, and how fresh that is. `phase` follows its messages: CABLE_CHECK from the first
    CableCheckReq, PRE_CHARGE from the first PreChargeReq, TRANSFER from PowerDelivery(Start), OFF from (Stop) on.

    `good_for_s`: a car silent for longer in TRANSFER gets no power until it speaks again.
    """

    evse_id: EvseId
    at_s: float
    phase: Phase
    service: EnergyService
    control_mode: ControlMode
    limits: PowerLimits
    """What the car announced it can take and give; magnitudes, whatever sign the wire had (docs/sources/safety.md 4.1)."""
    energy: CarEnergy
    target_voltage_V: float | None = None
    target_current_A: float | None = None
    """Signed, positive into the car; Scheduled only."""
    present_voltage_V: float | None = None
    present_power_W: float | None = None
    """AC: the active power that the car says it draws now, signed, sum of all phases."""
    planned_power_W: float | None = None
    """AC, Scheduled only: the power that the car plans for this moment by its EVPowerProfile, signed, sum of all phases."""
    phases: int = 3
    """AC: the phases of the outlet that the car agreed to use, 1 or 3; the outlet itself may have fewer."""
    phase_powers_max_W: tuple[float, float, float] | None = None
    """AC: what each phase may carry at most in either direction, where the car named each phase on its own; magnitudes, L1 first."""
    display: CarDisplay = NO_DISPLAY
    standby: bool = False
    """The car is in standby: connected, no power either way."""
    good_for_s: float = 0.5

    @property
    def allows_power(self) -> bool:
        """Its limits leave room in at least one direction."""
        limits = self.limits
        return limits.charge_power_max_W > 0 or (self.service.bidirectional and limits.discharge_power_max_W > 0)


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
    """SessionSetupReq named the car. `joined`: the car goes on with a session that the station kept.

    `known`: its certificate is that of the car whose session the station kept. A joined car is always known.
    """

    evse_id: EvseId
    evcc_id: str
    session_id: bytes
    joined: bool = False
    known: bool = False


@dataclass(frozen=True, slots=True)
class AuthorizationWanted:
    """The car waits for authorisation by external means; the station decides (`StationView.authorized`)."""

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


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """The conversation asks the station. The answer goes back with the same number, until `until_s` (monotonic) or never."""

    evse_id: EvseId
    number: int
    question: Question
    until_s: float


@dataclass(frozen=True, slots=True)
class WishFollowed:
    """The car does what `StationView.wish` asked for."""

    evse_id: EvseId
    wish: Wish


@dataclass(frozen=True, slots=True)
class ScheduleOffered:
    """What the car may plan with from now on (Scheduled mode).

    `renegotiable`: the station may ask the car for a new schedule. False where the protocol knows no renegotiation (DIN 70121).
    """

    evse_id: EvseId
    offer: ScheduleOffer
    renegotiable: bool = True


@dataclass(frozen=True, slots=True)
class ProfileNamed:
    """The car named its own power profile within the schedule: (duration_s, power_W) from the anchor on, power signed."""

    evse_id: EvseId
    schedule_id: int
    anchor_utc_s: int
    pieces: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class CarRemark:
    """One sentence for the log about what a message of the car led to, where the response alone does not say it."""

    evse_id: EvseId
    text: str


@dataclass(frozen=True, slots=True)
class MeterReadingConfirmed:
    """The car confirmed the meter reading it was sent. Energies of this session in Wh, as the car signed them.

    `signed`: with the key of its contract; False: a car without a contract, so nobody vouches for the confirmation.
    """

    evse_id: EvseId
    charged_Wh: int
    discharged_Wh: int
    signed: bool


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
    """The connection is over; `detail` is one sentence for the journal.

    `resumable`: the session is kept, the same car may come back and go on.
    """

    evse_id: EvseId
    end: SessionEnd
    detail: str
    resumable: bool = False


CarEvent = (
    CarConnected
    | CarIdentified
    | AuthorizationWanted
    | ServiceSelected
    | CarDemandChanged
    | QuestionAsked
    | WishFollowed
    | ScheduleOffered
    | ProfileNamed
    | CarRemark
    | MeterReadingConfirmed
    | CarSessionEnded
)
