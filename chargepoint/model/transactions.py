"""Transactions: the words of what is billed. Values of the enumerations are OCPP 2.0.1 Part 2's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from chargepoint.model.ids import EvseId, IdToken, TransactionId


class TransactionEventType(Enum):
    """TransactionEventEnumType."""

    STARTED = "Started"
    UPDATED = "Updated"
    ENDED = "Ended"


class TriggerReason(Enum):
    """TriggerReasonEnumType; the OCPP 2.1 additions at the end are sent over 2.1 only."""

    AUTHORIZED = "Authorized"
    CABLE_PLUGGED_IN = "CablePluggedIn"
    CHARGING_RATE_CHANGED = "ChargingRateChanged"
    CHARGING_STATE_CHANGED = "ChargingStateChanged"
    DEAUTHORIZED = "Deauthorized"
    ENERGY_LIMIT_REACHED = "EnergyLimitReached"
    EV_COMMUNICATION_LOST = "EVCommunicationLost"
    EV_CONNECT_TIMEOUT = "EVConnectTimeout"
    METER_VALUE_CLOCK = "MeterValueClock"
    METER_VALUE_PERIODIC = "MeterValuePeriodic"
    TIME_LIMIT_REACHED = "TimeLimitReached"
    TRIGGER = "Trigger"
    UNLOCK_COMMAND = "UnlockCommand"
    STOP_AUTHORIZED = "StopAuthorized"
    EV_DEPARTED = "EVDeparted"
    EV_DETECTED = "EVDetected"
    REMOTE_STOP = "RemoteStop"
    REMOTE_START = "RemoteStart"
    ABNORMAL_CONDITION = "AbnormalCondition"
    SIGNED_DATA_RECEIVED = "SignedDataReceived"
    RESET_COMMAND = "ResetCommand"
    OPERATION_MODE_CHANGED = "OperationModeChanged"


class ChargingState(Enum):
    """ChargingStateEnumType."""

    CHARGING = "Charging"
    EV_CONNECTED = "EVConnected"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    IDLE = "Idle"


class StopReason(Enum):
    """ReasonEnumType."""

    DEAUTHORIZED = "DeAuthorized"
    EMERGENCY_STOP = "EmergencyStop"
    ENERGY_LIMIT_REACHED = "EnergyLimitReached"
    EV_DISCONNECTED = "EVDisconnected"
    GROUND_FAULT = "GroundFault"
    IMMEDIATE_RESET = "ImmediateReset"
    LOCAL = "Local"
    LOCAL_OUT_OF_CREDIT = "LocalOutOfCredit"
    MASTER_PASS = "MasterPass"  # noqa: S105 (an OCPP word, no password)
    OTHER = "Other"
    OVERCURRENT_FAULT = "OvercurrentFault"
    POWER_LOSS = "PowerLoss"
    POWER_QUALITY = "PowerQuality"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    SOC_LIMIT_REACHED = "SOCLimitReached"
    STOPPED_BY_EV = "StoppedByEV"
    TIME_LIMIT_REACHED = "TimeLimitReached"
    TIMEOUT = "Timeout"


class ReadingContext(Enum):
    """ReadingContextEnumType, as far as used."""

    TRANSACTION_BEGIN = "Transaction.Begin"
    TRANSACTION_END = "Transaction.End"
    SAMPLE_PERIODIC = "Sample.Periodic"
    SAMPLE_CLOCK = "Sample.Clock"
    TRIGGER = "Trigger"
    OTHER = "Other"


@dataclass(frozen=True, slots=True)
class MeterSample:
    """Registers and momentary values at one UTC instant. Import flows into the car; both registers always together.

    None: not known at that instant (never 0 in its place).
    """

    at_utc: datetime
    context: ReadingContext
    import_Wh: float
    export_Wh: float
    power_W: float | None = None
    voltage_V: float | None = None
    current_A: float | None = None
    soc_percent: float | None = None
    setpoint_W: float | None = None


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """One event of one transaction, numbered without gaps from 0. What is billed is made of these alone."""

    transaction_id: TransactionId
    evse_id: EvseId
    connector_id: int
    type: TransactionEventType
    seq_no: int
    trigger: TriggerReason
    at_utc: datetime
    charging_state: ChargingState
    id_token: IdToken | None = None
    remote_start_id: int | None = None
    stopped_reason: StopReason | None = None
    samples: tuple[MeterSample, ...] = ()
    offline: bool = False
