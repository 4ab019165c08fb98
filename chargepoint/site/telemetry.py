"""What the station publishes: typed, JSON-able, units in every name. A core. `docs/site-bus.schema.json` is made from these types.

Positive power and current flow into the car. None: not known, or there is none. No secrets, and no whole token.
"""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.control.last_session import LastSession
from chargepoint.energy.connection import ConnectionBound
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import Interval
from chargepoint.model.site_meter import SiteMeterReading
from chargepoint.model.station_status import EvseStatus
from chargepoint.model.status import EvseState
from chargepoint.store.rows import JournalEntry

RESPONSE_S = 0.5
"""How soon power begins to follow an order, at most: one lease of the power process (own figure, `./run bench site`)."""


@dataclass(frozen=True, slots=True)
class FaultTelemetry:
    """One fault that is present or latched, and what a person does about it."""

    code: str
    title: str
    remedy: str


@dataclass(frozen=True, slots=True)
class EvseTelemetry:
    """One EVSE as it is."""

    state: str
    """Available, Plugged, Preparing, Charging, Discharging, Idle, Finishing, Reserved, Unavailable or Faulted."""
    plugged: bool
    car: str | None
    """The car's own name (EVCCID)."""
    protocol: str | None
    power_W: float | None
    voltage_V: float | None
    current_A: float | None
    soc_percent: float | None
    reserve_soc_percent: float
    """At or below it the car is not discharged."""
    imported_Wh: float | None
    """Register of the meter: into cars, ever."""
    exported_Wh: float | None
    """Register of the meter: out of cars, ever."""
    session_imported_Wh: float | None
    session_exported_Wh: float | None
    setpoint_W: float
    decided_by: str
    limited_by: str | None
    explanation: str
    obstacle: str | None
    """Why nothing can begin now."""
    paused: bool
    """By an order of the site bus."""
    faults: tuple[FaultTelemetry, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """What one party allows all EVSEs together. Magnitudes in W."""

    by: str
    import_max_W: float
    export_max_W: float


@dataclass(frozen=True, slots=True)
class StationTelemetry:
    """The station as it is."""

    power_W: float
    """Of all EVSEs together."""
    site_power_W: float | None
    """At the site's connection, positive from the grid; None: no meter, or it is silent."""
    bounds: tuple[Bound, ...]
    setpoint_W: float | None
    """Of the whole station, as the site ordered it; None: no order."""
    central_system: str
    """connected, disconnected or none."""
    firmware_version: str


@dataclass(frozen=True, slots=True)
class Capability:
    """What one EVSE could do from now on, for whoever plans with it. Powers signed, energies magnitudes."""

    power_W: float
    """The set-point of now."""
    low_W: float
    """The lowest power that may be ordered now; negative: out of the car."""
    high_W: float
    """The highest power that may be ordered now."""
    up_W: float
    """How much more it can take."""
    down_W: float
    """How much less it can take, down to giving back."""
    energy_up_Wh: float | None
    """How much more fits into the car until its target, or until it is full."""
    energy_down_Wh: float | None
    """How much the car can give back until its reserve."""
    soc_percent: float | None
    reserve_soc_percent: float
    target_soc_percent: float | None
    capacity_Wh: float | None
    until_departure_s: float | None
    """As the car or its driver says it, in whole minutes; None: nobody said when it leaves."""
    ramp_W_per_s: float | None
    response_s: float
    """How soon the power begins to follow, at most."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One finished session. Energies by the billed meter."""

    evse: int
    transaction_id: str
    token_hint: str | None
    """The last four characters."""
    started_utc: str
    ended_utc: str
    duration_s: float
    reason: str
    detail: str
    imported_Wh: float
    exported_Wh: float


@dataclass(frozen=True, slots=True)
class SiteEvent:
    """One line of the journal. `kind`: `*` life cycle and orders, `!` a fault or a refusal."""

    number: int
    """Rises with every event; a receiver that has seen a number may drop it."""
    at_utc: str
    kind: str
    text: str


def evse_telemetry(status: EvseStatus, state: EvseState, *, paused: bool) -> EvseTelemetry:
    """From the station's status of this moment."""
    image, transaction = status.image, status.transaction
    meter = None if image is None else image.meter
    return EvseTelemetry(
        state=state_word(status),
        plugged=status.plugged,
        car=status.evcc_id,
        protocol=status.protocol,
        power_W=None if image is None else _rounded(image.power_W, 0),
        voltage_V=None if image is None else _rounded(image.voltage_V, 1),
        current_A=None if image is None else _rounded(image.current_A, 1),
        soc_percent=None if status.car is None else _rounded(status.car.soc_percent, 1),
        reserve_soc_percent=state.reserve_soc_percent,
        imported_Wh=None if meter is None else round(meter.import_Wh, 1),
        exported_Wh=None if meter is None else round(meter.export_Wh, 1),
        session_imported_Wh=None if transaction is None else round(transaction.import_Wh, 1),
        session_exported_Wh=None if transaction is None else round(transaction.export_Wh, 1),
        setpoint_W=round(status.setpoint.power_W),
        decided_by=status.setpoint.decided_by,
        limited_by=status.setpoint.limited_by,
        explanation=status.setpoint.explanation,
        obstacle=status.obstacle,
        paused=paused,
        faults=()
        if image is None
        else tuple(
            FaultTelemetry(code, title, image.fault_remedies.get(code, "")) for code, title in image.faults.items()
        ),
    )


STANDING_W = 50.0
"""Less than this is no transfer."""


def state_word(status: EvseStatus) -> str:
    """One word for what happens at this EVSE."""
    if status.status in ("Faulted", "Unavailable", "Reserved", "Available"):
        return status.status
    if status.stopping is not None:
        return "Finishing"
    if status.transaction is None:
        return "Preparing" if status.permission in ("asked", "granted") else "Plugged"
    power_W = 0.0 if status.image is None else status.image.power_W or 0.0
    if abs(power_W) < STANDING_W:
        return "Idle"
    return "Charging" if power_W > 0 else "Discharging"


def capability(status: EvseStatus, state: EvseState, ramp_A_per_s: float, departure_s: float | None) -> Capability:
    """From the station's status of this moment. `departure_s`: seconds until the driver leaves, by an order; None: no order."""
    setpoint, car = status.setpoint, status.car
    allowed = Interval(setpoint.low_W, setpoint.high_W)
    power_W = allowed.clamp(setpoint.power_W)
    soc_percent = None if car is None else car.soc_percent
    capacity_Wh = None if car is None else car.capacity_Wh
    up_Wh = down_Wh = None
    if car is not None and soc_percent is not None and capacity_Wh is not None:
        full_percent = 100.0 if car.target_soc_percent is None else car.target_soc_percent
        up_Wh = round(max(0.0, full_percent - soc_percent) / 100 * capacity_Wh)
        down_Wh = round(max(0.0, soc_percent - state.reserve_soc_percent) / 100 * capacity_Wh)
    voltage_V = state.voltage_V
    leaves = [one_s for one_s in (departure_s, None if car is None else car.departure_s) if one_s is not None]
    return Capability(
        power_W=round(power_W),
        low_W=round(allowed.low),
        high_W=round(allowed.high),
        up_W=round(allowed.high - power_W),
        down_W=round(power_W - allowed.low),
        energy_up_Wh=up_Wh,
        energy_down_Wh=down_Wh,
        soc_percent=_rounded(soc_percent, 1),
        reserve_soc_percent=state.reserve_soc_percent,
        target_soc_percent=None if car is None else car.target_soc_percent,
        capacity_Wh=capacity_Wh,
        until_departure_s=60 * round(min(leaves) / 60) if leaves else None,
        ramp_W_per_s=None if not voltage_V else round(ramp_A_per_s * voltage_V),
        response_s=RESPONSE_S,
    )


def session_record(evse_id: EvseId, last: LastSession) -> SessionRecord:
    """Of a session that ended."""
    return SessionRecord(
        evse=int(evse_id),
        transaction_id=last.transaction_id,
        token_hint=None if last.token is None else f"…{last.token[-4:]}",
        started_utc=last.started_utc.isoformat(),
        ended_utc=last.ended_utc.isoformat(),
        duration_s=last.duration_s,
        reason=last.reason.value,
        detail=last.detail,
        imported_Wh=round(last.import_Wh, 1),
        exported_Wh=round(last.export_Wh, 1),
    )


def site_event(number: int, entry: JournalEntry) -> SiteEvent:
    """Of a line of the journal."""
    return SiteEvent(number, entry.at_utc.isoformat(), entry.kind, entry.text)


def station_telemetry(
    statuses: tuple[EvseStatus, ...],
    bounds: tuple[ConnectionBound, ...],
    reading: SiteMeterReading | None,
    setpoint_W: float | None,
    central_system: str,
    firmware_version: str,
) -> StationTelemetry:
    """From the station's status of this moment. `reading` None: no meter, or it is silent."""
    powers_W = [status.image.power_W or 0.0 for status in statuses if status.image is not None]
    return StationTelemetry(
        power_W=round(sum(powers_W)),
        site_power_W=None if reading is None else round(reading.power_W),
        bounds=tuple(Bound(one.reason, round(one.import_max_W), round(one.export_max_W)) for one in bounds),
        setpoint_W=setpoint_W,
        central_system=central_system,
        firmware_version=firmware_version,
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
