"""What the simulated car knows during a session: agreements, the last answers, the latest body reading, pending orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import EvseNotification, MessageHeader, MeterInfo, RationalNumber
from chargepoint.iso15118.messages.xmldsig import Signature, X509IssuerSerial
from chargepoint.iso15118.rational import rational
from hil.simulators.evcc.body import NOTHING_MEASURED, Inlet
from hil.simulators.evcc.orders import CarOrder
from hil.simulators.evcc.plan import CarPlan, CarWish
from hil.simulators.evcc.progress import Progress
from hil.simulators.evcc.spec import CarSpec


@dataclass(frozen=True, slots=True)
class Credentials:
    """Certificates of the car as DER bytes, leaf first, and what signs with their keys.

    `sign` takes the message part to sign (it has an `Id`) and returns the Signature for the header.
    """

    contract_chain: tuple[bytes, ...] = ()
    sign: Callable[[Any], Signature] | None = None
    provisioning_chain: tuple[bytes, ...] = ()
    sign_provisioning: Callable[[Any], Signature] | None = None
    root_ids: tuple[X509IssuerSerial, ...] = ()


@dataclass(frozen=True, slots=True)
class SelectedSet:
    """The service and parameter set the session uses."""

    service_id: int
    parameter_set_id: int
    parameters: dict[str, Any]

    @property
    def scheduled(self) -> bool:
        """Scheduled control mode, else Dynamic."""
        return bool(self.parameters.get("ControlMode") == 1)

    @property
    def bidirectional(self) -> bool:
        """A BPT service."""
        return self.service_id in BPT_SERVICES

    @property
    def is_ac(self) -> bool:
        """An AC service; else a service with DC messages."""
        return self.service_id in AC_SERVICES


AC, DC, AC_BPT, DC_BPT, MCS, MCS_BPT = 1, 2, 5, 6, 8, 9
SERVICES = {"AC": (AC, AC_BPT), "DC": (DC, DC_BPT), "MCS": (MCS, MCS_BPT)}
"""ServiceIDs by kind of energy transfer: one direction, both (docs/sources/iso15118-20.md 1.2)."""

BPT_SERVICES = (AC_BPT, DC_BPT, MCS_BPT)
AC_SERVICES = (AC, AC_BPT)
PLAIN_DC = SelectedSet(DC, 1, {"ControlMode": 2})
"""Stands in before ServiceSelection, so that a misbehaving car can send any request at any time."""


@dataclass(slots=True)
class Ending:
    """How SessionStopReq will end, pause or renegotiate the session, and what the car reports about it."""

    session: cm.ChargingSession = cm.ChargingSession.Terminate
    code: str | None = None
    explanation: str | None = None
    error: str | None = None
    """What `Progress.error` becomes; None for an end that was wanted."""
    away_s: float = 0.0
    """Of a pause: until the car connects again."""


@dataclass(slots=True)
class Notice:
    """An EVSE notification that the car has not obeyed yet."""

    notification: EvseNotification
    seen_s: float
    max_delay_s: float


@dataclass(slots=True)
class CarMemory:
    """One session's knowledge. The core keeps `now_s`, `utc_s`, `inlet` and `sent_s` up to date."""

    spec: CarSpec
    plan: CarPlan
    credentials: Credentials | None = None
    now_s: float = 0.0
    utc_s: float = 0.0
    inlet: Inlet = NOTHING_MEASURED
    sent_s: float = 0.0
    """When the last request left."""
    progress: Progress = field(default_factory=Progress)
    orders: list[CarOrder] = field(default_factory=list)
    stop_wanted: bool = False
    ending: Ending = field(default_factory=Ending)

    session_id: bytes = bytes(8)
    setup: cm.AuthorizationSetupRes | None = None
    authorization: cm.AuthorizationReq | None = None
    """The request as it was first sent: a repetition may change its time stamp only (V2G20-1582)."""
    refused_contract: bool = False
    installation: cm.CertificateInstallationReq | None = None
    installed: list[cm.SignedInstallationData] = field(default_factory=list)
    offered: tuple[int, ...] = ()
    offered_vas: tuple[int, ...] = ()
    details_to_ask: list[int] = field(default_factory=list)
    sets: dict[int, dict[int, dict[str, Any]]] = field(default_factory=dict)
    """ServiceID, ParameterSetID, parameter name: value."""
    selected: SelectedSet = PLAIN_DC
    selected_vas: tuple[cm.SelectedService, ...] = ()
    schedule: cm.ScheduleTuple | None = None
    energised: bool = False
    """Contactors are closed (DC), or PowerDelivery(Start) was answered OK (AC)."""
    standby: bool = False
    starts_polled: int = 0
    welding_asked: int = 0
    announced: dict[str, float] = field(default_factory=dict)
    """Limits of ChargeParameterDiscoveryRes, in W as magnitudes: `charge_W`, `discharge_W`."""
    charge_limit_W: float | None = None
    """Of the last answer that gave one."""
    discharge_limit_W: float | None = None
    meter: MeterInfo | None = None
    notice: Notice | None = None
    obeyed: EvseNotification | None = None
    """The last notification that was obeyed: while the station repeats it, it is no new one."""

    @property
    def is_ac(self) -> bool:
        """An AC service is selected."""
        return self.selected.is_ac

    def header(self, signature: Signature | None = None) -> MessageHeader:
        """The header of a request sent now."""
        return MessageHeader(SessionID=self.session_id, TimeStamp=int(self.utc_s), Signature=signature)

    def discharge(self, magnitude: float) -> RationalNumber:
        """A discharge limit with the sign this car uses."""
        return rational(self.plan.discharge_sign * magnitude)

    def announce(self, charge_W: float, discharge_W: float | None) -> None:
        """Keep the limits of ChargeParameterDiscoveryRes."""
        self.charge_limit_W, self.discharge_limit_W = charge_W, None if discharge_W is None else abs(discharge_W)
        self.announced = {"charge_W": charge_W}
        if discharge_W is not None:
            self.announced["discharge_W"] = abs(discharge_W)

    def mark(self, phase: str) -> None:
        """A phase begins now."""
        self.progress.mark(phase, self.now_s)

    def forget_selection(self) -> None:
        """Before a new session, or a service renegotiation."""
        self.details_to_ask, self.sets, self.selected_vas, self.schedule = [], {}, (), None
        self.selected, self.energised, self.standby = PLAIN_DC, False, False
        self.charge_limit_W = self.discharge_limit_W = None
        self.announced = {}
        self.starts_polled = self.welding_asked = 0

    def due_wishes(self) -> list[CarWish]:
        """The plan's wishes that are due after the loop just answered."""
        return [wish for wish in self.plan.wishes if wish.due(self.progress.loops)]
