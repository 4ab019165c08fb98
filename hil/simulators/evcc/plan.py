"""What one session of the simulated car does, as frozen data that can be read from JSON or TOML text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from hil.simulators.evcc.habits import ORDINARY, Habits
from hil.simulators.evcc.misbehaviour import Misbehaviour

ENERGY_KINDS = ("DC", "AC", "MCS")
WISHES = (
    "stop",
    "pause",
    "standby",
    "leave_standby",
    "schedule_renegotiation",
    "service_renegotiation",
    "lose_tcp",
    "change",
)
PROFILES = ("fitting", "too_high", "across_borders", "zero", "none")
NOTIFICATIONS = (
    "Pause",
    "ExitStandby",
    "Terminate",
    "ScheduleRenegotiation",
    "ServiceRenegotiation",
    "MeteringConfirmation",
)


class PlanError(ValueError):
    """A plan that cannot be: the message says what, where, the value and its bound."""


@dataclass(frozen=True, slots=True)
class CarWish:
    """Something the car does on its own in the charge loop. `at_loop` counts the answers of the session from 1."""

    what: str
    """One of `WISHES`."""
    at_loop: int = 1
    every_loops: int = 0
    """0: once. n: at `at_loop` and at each n-th loop after it."""
    for_s: float = 1.0
    """How long a pause or a lost connection lasts."""
    change: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the `CarSpec` that change when the wish is due."""

    def __post_init__(self) -> None:
        _one_of("wish.what", self.what, WISHES)
        _at_least("wish.at_loop", self.at_loop, 1)

    def due(self, loops: int) -> bool:
        """Whether the wish is due after this many answers."""
        if loops == self.at_loop:
            return True
        return self.every_loops > 0 and loops > self.at_loop and (loops - self.at_loop) % self.every_loops == 0


@dataclass(frozen=True, slots=True)
class OfferedProtocol:
    """One line of supportedAppProtocolReq. Priority 1 is the highest."""

    namespace: str
    major: int = 1
    minor: int = 0
    priority: int = 1
    schema_id: int | None = None
    """None: the place in the offer, from 1."""


@dataclass(frozen=True, slots=True)
class CarPlan:
    """One session. The default is a plain DC session with external identification until someone stops it."""

    energy: tuple[str, ...] = ("DC",)
    """Which kinds of energy transfer the car can take, in order of preference; of `ENERGY_KINDS`."""
    protocols: tuple[OfferedProtocol, ...] = ()
    """What supportedAppProtocolReq offers; empty: the -20 namespaces that `energy` needs."""
    authorization: str = "EIM"
    """`EIM` or `PnC`. PnC needs `Credentials` and a station that offers it, else the car takes EIM."""
    falls_back_to_eim: bool = True
    """After a refused contract the car tries EIM in the same session."""
    installs_certificate: bool = False
    """CertificateInstallationReq before the authorization."""
    has_contract: bool = True
    """False: the car authorises by its contract only after a certificate was installed in this session."""
    installs_unasked: bool = False
    """The request is sent even where the station does not offer the service."""
    installation_payload_type: int = 0x8002
    """0x8001 is what EcoG's car uses for this message."""
    contract_chains_max: int = 1
    prioritized_emaids: tuple[str, ...] = ()
    supported_service_ids: tuple[int, ...] = ()
    """SupportedServiceIDs of ServiceDiscoveryReq; empty: the field is left out."""
    vas: tuple[int, ...] = ()
    """Value-added services the car asks details of and selects where they are offered (65 Internet, 66 ParkingStatus)."""
    asks_every_detail: bool = False
    """ServiceDetailReq for each offered service, not only for the preferred ones."""
    mobility_needs_mode: int = 1
    """1: the car gives the mobility needs. 2: the station may give them; taken where it is offered with Dynamic."""
    discharge_sign: int = 1
    """1: discharge limits are sent as positive numbers; -1: as negative numbers (docs/sources/iso15118-20.md 0)."""
    gives_departure_time: bool = True
    supporting_points_max: int = 1024
    energy_offer: bool = False
    """EVEnergyOffer in a Scheduled ScheduleExchangeReq."""
    schedule_tuple: str = "first"
    """`first`, `last`, or `unknown`: an id that was not offered."""
    profile: str = "fitting"
    """EVPowerProfile of PowerDeliveryReq(Start), one of `PROFILES`."""
    power_tolerance: str = "none"
    """PowerToleranceAcceptance: `none`, `confirmed` or `not_confirmed`."""
    power_delivery_polls: int = 0
    """How many PowerDeliveryReq(Start) with EVProcessing Ongoing come before the one with Finished."""
    wishes: tuple[CarWish, ...] = ()
    stops_at_target: bool = False
    """The car stops when its state of charge has reached `CarSpec.target_soc_percent`."""
    ignores: tuple[str, ...] = ()
    """EVSE notifications the car does not obey; of `NOTIFICATIONS`."""
    reaction_s: float = 0.0
    """From a notification to the car's reaction; at most the station's NotificationMaxDelay."""
    display_parameters: str = "full"
    """`full`, `soc` (PresentSOC alone) or `none`."""
    inlet_hot_from_loop: int = 0
    """0: never. n: InletHot is true from the n-th loop."""
    meter_info_every_loops: int = 0
    """0: never. n: MeterInfoRequested in each n-th loop."""
    termination_code: str = ""
    termination_explanation: str = ""
    wake_up_pulses: int = 1
    """After a pause the car toggles the pilot between B and C this many times (B-C-B), to wake the station."""
    listens_after_end_s: float = 0.0
    """How long the car keeps the connection after the last answer, to see what the station still sends."""
    misbehaviours: tuple[Misbehaviour, ...] = ()
    habits: Habits = ORDINARY
    """What the car does differently from an ordinary one."""

    def __post_init__(self) -> None:
        for kind in self.energy:
            _one_of("energy", kind, ENERGY_KINDS)
        for name in self.ignores:
            _one_of("ignores", name, NOTIFICATIONS)
        _one_of("authorization", self.authorization, ("EIM", "PnC"))
        _one_of("schedule_tuple", self.schedule_tuple, ("first", "last", "unknown"))
        _one_of("profile", self.profile, PROFILES)
        _one_of("power_tolerance", self.power_tolerance, ("none", "confirmed", "not_confirmed"))
        _one_of("display_parameters", self.display_parameters, ("full", "soc", "none"))
        _one_of("discharge_sign", self.discharge_sign, (1, -1))
        _one_of("mobility_needs_mode", self.mobility_needs_mode, (1, 2))
        _at_least("energy", len(self.energy), 1)


_PARTS: dict[str, type] = {"protocols": OfferedProtocol, "wishes": CarWish, "misbehaviours": Misbehaviour}


def plan_from(data: Mapping[str, Any]) -> CarPlan:
    """The plan of decoded JSON or TOML: tables become parts, lists become tuples. Raises PlanError."""
    values = {}
    for name, value in data.items():
        if name == "habits":
            values[name] = _make(Habits, name, _with_tuples(value))
        elif (part := _PARTS.get(name)) is not None:
            if not isinstance(value, list):
                raise PlanError(f"plan.{name} = {value!r}: a list")
            values[name] = tuple(_make(part, f"{name}[{index}]", item) for index, item in enumerate(value))
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    made: CarPlan = _make(CarPlan, "plan", values)
    return made


def _with_tuples(values: Any) -> Any:
    if not isinstance(values, Mapping):
        return values
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _make(kind: Any, where: str, values: Mapping[str, Any]) -> Any:
    if not isinstance(values, Mapping):
        raise PlanError(f"{where} = {values!r}: a table of fields")
    known = [f.name for f in fields(kind)]
    for name in values:
        if name not in known:
            raise PlanError(f"{where}.{name} = {values[name]!r}: no such field; one of {', '.join(known)}")
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise PlanError(f"{where}: {error}") from error


def _one_of(where: str, value: object, known: tuple[object, ...]) -> None:
    if value not in known:
        raise PlanError(f"{where} = {value!r}: one of {', '.join(map(str, known))}")


def _at_least(where: str, value: int, low: int) -> None:
    if value < low:
        raise PlanError(f"{where} = {value}: at least {low}")
