"""What the station is, as its conversations with cars need it: one frozen picture, never awaited."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chargepoint.model.ids import TransactionId
from chargepoint.model.image import ControlPilot, MeterRegisters, Stage, StageCapabilities
from chargepoint.model.limits import ZERO, Interval


class Wish(Enum):
    """What the station asks the car to do (EVSENotification of ISO 15118-20)."""

    TERMINATE = "Terminate"
    PAUSE = "Pause"
    EXIT_STANDBY = "ExitStandby"
    SERVICE_RENEGOTIATION = "ServiceRenegotiation"
    SCHEDULE_RENEGOTIATION = "ScheduleRenegotiation"
    METERING_CONFIRMATION = "MeteringConfirmation"


@dataclass(frozen=True, slots=True)
class WishForCar:
    """A wish, and when (monotonic) the time ends in which the car shall follow it."""

    wish: Wish
    until_s: float


@dataclass(frozen=True, slots=True)
class StationView:
    """What the SECC answers from: always the last process image and arbiter result.

    `authorized` None: not decided yet; False: refused, also where the station cannot charge at all. `may_energise`: a
    transaction is open, so that the car's messages may lead to power. `emergency`: a fault opened the contactor at once.
    `setpoint_W`: the power that shall flow now, signed; at an AC outlet the car gets it as its target. `transaction_id`: the
    transaction with which a car may go on; None where there is none, or where it is stopping.
    """

    authorized: bool | None = None
    may_energise: bool = False
    pilot: ControlPilot = ControlPilot.UNKNOWN
    stage: Stage = Stage.OFF
    permitted: bool = False
    cable_check_failed: bool = False
    emergency: bool = False
    residual_current: bool = False
    """AC: the residual current device has tripped."""
    voltage_V: float | None = None
    current_A: float | None = None
    power_W: float | None = None
    frequency_Hz: float | None = None
    capabilities: StageCapabilities | None = None
    limits_W: Interval = ZERO
    setpoint_W: float = 0.0
    wish: WishForCar | None = None
    meter: MeterRegisters | None = None
    meter_id: str = ""
    meter_utc_s: int | None = None
    minimum_soc_percent: float | None = None
    target_soc_percent: float | None = None
    departure_s: float | None = None
    transaction_id: TransactionId | None = None
