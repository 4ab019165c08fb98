"""The station's status as readers get it: typed, JSON-able, units in every name. `docs/status.schema.json` is made from it.

None: not known, or there is none. Positive power and current flow into the car. No secrets.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MeterStatus:
    """The energy meter as last read; both registers always together. `taken_at_s` is monotonic."""

    import_Wh: float
    export_Wh: float
    voltage_V: float
    current_A: float
    power_W: float
    taken_at_s: float


@dataclass(frozen=True, slots=True)
class AcSupplyStatus:
    """What an AC outlet offers: RMS voltage from phase to neutral, and the highest current of each of its phases."""

    nominal_voltage_V: float
    nominal_frequency_Hz: float
    phases: int
    current_max_A: float


@dataclass(frozen=True, slots=True)
class StageStatus:
    """The power stage by its last process image, `age_s` seconds old."""

    age_s: float
    stage: str
    pilot: str
    contactor: str
    lock: str
    voltage_V: float | None
    current_A: float | None
    power_W: float | None
    applied_W: float
    target_W: float
    limited_by_stage: str
    insulation_ohm: float | None
    temperature_degC: float | None
    permitted: bool
    faults: dict[str, str]
    """Name of each latched fault, and its title."""
    fault_remedies: dict[str, str]
    """What a person does about each of them."""
    meter: MeterStatus | None
    frequency_Hz: float | None
    """Of the grid, where something measures it."""
    ac: AcSupplyStatus | None
    """None at a DC outlet."""


@dataclass(frozen=True, slots=True)
class SetpointStatus:
    """What the arbiter decided: `low_W` and `high_W` bound what may flow at all."""

    power_W: float
    low_W: float
    high_W: float
    decided_by: str
    limited_by: str | None
    explanation: str


@dataclass(frozen=True, slots=True)
class CarStatus:
    """What the car asks."""

    phase: str
    service: str
    control_mode: str
    soc_percent: float | None
    minimum_soc_percent: float | None
    target_soc_percent: float | None
    departure_s: float | None
    """Seconds from now until it leaves; negative: it should have left."""
    standby: bool
    to_target_soc_s: float | None
    charging_complete: bool | None
    capacity_Wh: float | None
    inlet_hot: bool | None


@dataclass(frozen=True, slots=True)
class TransactionStatus:
    """The running transaction. Energies by the meter as last read; what is billed is in the records."""

    id: str
    charging_state: str
    next_seq_no: int
    import_Wh: float
    export_Wh: float


@dataclass(frozen=True, slots=True)
class LastSessionStatus:
    """The last transaction that ended, why, and what it moved."""

    transaction_id: str
    token: str | None
    """The last four characters."""
    started_utc: str
    ended_utc: str
    duration_s: float
    reason: str
    detail: str
    import_Wh: float
    export_Wh: float


@dataclass(frozen=True, slots=True)
class RefusalStatus:
    """The last token that was refused, and why. `token_hint`: its last four characters."""

    token_hint: str
    reason: str
    age_s: float


@dataclass(frozen=True, slots=True)
class ConfirmedReadingStatus:
    """The meter reading that the car confirmed last, for this session. `signed`: with the key of its contract."""

    charged_Wh: int
    discharged_Wh: int
    signed: bool


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """One message of the car's conversation. `dir` is `<` from the car, `>` to the car, `!` undecodable."""

    at_s: float
    dir: str
    name: str
    note: str


@dataclass(frozen=True, slots=True)
class ConversationStatus:
    """The car's conversation: its state by the standard's name, and the last messages."""

    connected: bool
    state: str | None
    evcc_id: str | None
    messages: tuple[MessageStatus, ...]


@dataclass(frozen=True, slots=True)
class DataLinkStatus:
    """The PLC modem of this connector, and the car it is joined with by SLAC (docs/slac.md)."""

    state: str
    detail: str
    """Why it is so; empty where the state says all."""
    car_mac: str | None
    """None before a car has the key."""
    attenuation_dB: float | None
    """Mean of what the modem measured of this car's sounds, the charger's own wires taken off."""
    modem: str | None
    """Vendor and firmware; None while unknown."""


@dataclass(frozen=True, slots=True)
class EvseStatus:
    """One EVSE."""

    status: str
    plugged: bool
    permission: str
    obstacle: str | None
    """Why nothing can begin now."""
    image: StageStatus | None
    setpoint: SetpointStatus
    car: CarStatus | None
    paused: bool
    """The car paused its session; its transaction goes on."""
    asked_of_car: str | None
    """What the station asks the car to do, beside a stop."""
    evcc_id: str | None
    protocol: str | None
    tls: str | None
    secc: ConversationStatus | None
    transaction: TransactionStatus | None
    stopping: str | None
    """The reason, while the transaction is stopping."""
    last_session: LastSessionStatus | None
    refusal: RefusalStatus | None
    confirmed_reading: ConfirmedReadingStatus | None
    data_link: DataLinkStatus | None = None
    """None where this station does not match its cars."""


@dataclass(frozen=True, slots=True)
class BusStatus:
    """One bus of the power process: counters since its start. `trouble` in words; empty while the wire is there."""

    name: str
    ok: int
    timeouts: int
    crc_errors: int
    mismatches: int
    late: int
    connected: bool
    trouble: str


@dataclass(frozen=True, slots=True)
class ContactorStatus:
    """Counts of an EVSE's contactor since it was new (`chargepoint.model.contactor_wear.ContactorWear`). Under load: more than 5 A."""

    closings: int
    load_closings: int
    load_openings: int
    operations_max: int
    """From so many closings on it is to be replaced."""
    load_openings_max: int
    """From so many openings under load on it is to be inspected."""


@dataclass(frozen=True, slots=True)
class PowerProcessStatus:
    """Counters since the start of the power process (`chargepoint.model.process_health.ProcessHealth`). Milliseconds."""

    wakeups: int
    """Wake-ups that had a deadline."""
    over_5_ms: int
    """Of these, how many came more than 5 ms late."""
    worst_ms: float
    worst_lately_ms: float
    """The latest wake-up of the last second."""
    overruns: int
    """Turns of the loop that computed for longer than a tick."""
    overrun_lately_ms: float
    """The longest turn of the last second."""
    suspended_s: float
    """How long the computer was suspended since the start, in seconds."""
    realtime: bool
    """The process has SCHED_FIFO."""
    late_counts: tuple[int, ...]
    """Wake-ups that were late by at most 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100 and 200 ms, and by more."""


@dataclass(frozen=True, slots=True)
class SiteBusStatus:
    """The site bus. Counters since the start of the daemon."""

    connected: bool
    trouble: str
    """Why it is not connected; empty: it is, or has not tried yet."""
    refused_orders: int
    dropped_messages: int
    """Incoming messages that came too fast; they had no answer."""


@dataclass(frozen=True, slots=True)
class StationStatus:
    """The whole station at `monotonic_s`."""

    monotonic_s: float
    pid: int
    rss_MB: float | None
    """Resident memory of the daemon."""
    loop_lag: dict[str, float | int]
    """How late the daemon's loop was in the last minute, in milliseconds."""
    power_link: bool
    """The power process is connected."""
    ocpp: dict[str, object]
    """The central system's side: connection, registration, counters, last messages."""
    buses: dict[str, BusStatus]
    evses: dict[str, EvseStatus]
    power_process: PowerProcessStatus | None = None
    """How punctual the power process is; None while it is away."""
    site_bus: SiteBusStatus | None = None
    """None where no broker is configured."""
    contactors: dict[str, ContactorStatus] = field(default_factory=dict)
    """By the number of the EVSE; empty until the power process reported."""
