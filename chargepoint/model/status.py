"""What the station reports about an EVSE in the words of OCPP 2.0.1, and what authorisation answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from chargepoint.model.car import CarDemand
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId, IdToken, TransactionId
from chargepoint.model.image import EvseImage


class ConnectorStatus(Enum):
    """ConnectorStatusEnumType."""

    AVAILABLE = "Available"
    OCCUPIED = "Occupied"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class AuthorizationStatus(Enum):
    """AuthorizationStatusEnumType."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    CONCURRENT_TX = "ConcurrentTx"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    NO_CREDIT = "NoCredit"
    NOT_ALLOWED_TYPE_EVSE = "NotAllowedTypeEVSE"
    NOT_AT_THIS_LOCATION = "NotAtThisLocation"
    NOT_AT_THIS_TIME = "NotAtThisTime"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class TokenVerdict:
    """What was decided about a token. `why`: the reason in words, where the status alone would name a wrong one.

    `may_stop`: it belongs to the same group as the token of the running transaction that was named in the question (C09).
    `master_pass`: it belongs to the master pass group: it stops every transaction and starts none (C16).
    """

    status: AuthorizationStatus
    why: str = ""
    may_stop: bool = False
    master_pass: bool = False


@dataclass(frozen=True, slots=True)
class ConnectorStatusChanged:
    """A connector's status as it is to be reported (StatusNotification)."""

    evse_id: EvseId
    connector_id: int
    status: ConnectorStatus
    at_utc: datetime


@dataclass(frozen=True, slots=True)
class EvseState:
    """What the OCPP rooms need to know of one EVSE to answer requests: is there a transaction, may it discharge.

    `charge_max_W`, `discharge_max_W`: magnitudes of the ratings; `discharge_negotiated`: car and station agreed on BPT.
    """

    evse_id: EvseId
    status: ConnectorStatus
    plugged: bool
    transaction_id: TransactionId | None
    id_token: IdToken | None
    discharge_negotiated: bool
    charge_max_W: float
    discharge_max_W: float
    voltage_V: float | None
    transaction_started_s: float | None
    """Monotonic second of the transaction's start, for Relative profiles."""
    meter_fresh: bool
    """There is a reading that may be reported."""
    connector_type: str = "cCCS2"
    """ConnectorEnumType, for the device model."""
    faults: frozenset[FaultCode] = frozenset()
    """The faults that are present or latched now."""
    charged_Wh: float | None = None
    """Energy into the car since the transaction began, by the meter as last read. None: no transaction."""
    heard: bool = True
    """The power process has reported this EVSE since the start. Before that the status is a guess."""
    outlet_is_ac: bool = False
    ac_phases: int = 3
    """Phases that are wired to an AC outlet: 1 or 3. Without meaning at a DC outlet."""
    image: EvseImage | None = None
    """What the power process measured last."""
    car: CarDemand | None = None
    """What the car asks, while it talks."""
    car_protocol: str | None = None
    """The protocol agreed with the car (its XML namespace)."""
    evcc_id: str | None = None
    """How the car named itself."""
    reserve_soc_percent: float = 0.0
    """At or below this state of charge the station does not discharge the car: the driver's word, else the configuration's."""
