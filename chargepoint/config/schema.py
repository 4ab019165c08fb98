"""The configuration's schema: every key with its unit, bound and default. What is not here is refused.

Bounds that need two keys (a name that must exist, a maximum above a minimum) are in `check.py`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from chargepoint.config.car_section import Iso15118Section
from chargepoint.config.section import Name, Scalar, Section


class StationSection(Section):
    """[station]: what this station calls itself, and where it keeps its files."""

    model: str = Field(
        "bidi-1", min_length=1, max_length=20, description="model of this station, sent in BootNotification"
    )
    vendor_name: str = Field(
        "open-chargepoint", min_length=1, max_length=50, description="its manufacturer, sent in BootNotification"
    )
    serial_number: str = Field(
        "", max_length=25, description="its serial number, sent in BootNotification; empty: not sent"
    )
    state_dir: Path = Field(Path("/var/lib/chargepoint"), description="database, profiles, issued certificates")
    runtime_dir: Path = Field(Path("/run/chargepoint"), description="Unix sockets")
    firmware_command: tuple[str, ...] = Field(
        (),
        description="program and arguments that install a firmware file, whose path is added; ends with 0: installed, "
        "2: the file is no firmware for this station, else: failed. Empty: no firmware over OCPP",
    )
    firmware_root_file: Path | None = Field(
        None, description="the manufacturer's roots (PEM), which must have issued the certificates of firmware signers"
    )
    sftp_known_hosts_file: Path | None = Field(
        None,
        description="host keys of the servers that logs and firmware may come from or go to by SFTP, as OpenSSH has them; "
        "none: no SFTP",
    )
    sftp_key_file: Path | None = Field(
        None, description="the station's private key for SFTP, mode 0600; none: the location has the password"
    )
    firmware_unsigned: bool = Field(False, description="bench: install firmware that nobody signed")


class BusSection(Section):
    """[bus.NAME]: one wire, owned by the power process."""

    kind: Literal["serial", "tcp", "line", "bytes", "keyboard", "can", "gpio"] = Field(
        "serial",
        description="serial: Modbus RTU; tcp: Modbus TCP; line: lines of text (token reader); "
        "bytes: the frames of one reader chip; keyboard: a reader that types (/dev/input/by-id/…); can: CAN with 29-bit identifiers; "
        "gpio: the lines of one chip",
    )
    port: str = Field(
        min_length=1,
        description="stable device path, such as /dev/serial/by-id/… or /dev/chargepoint/…; of a CAN bus its interface, such "
        "as can0; of GPIO lines their chip, such as /dev/gpiochip0; of Modbus TCP ADDRESS:PORT, an IP address",
    )
    baud: int = Field(19200, ge=1200, le=921600, description="bits per second, as set in every device on this wire")
    format: Literal["8N1", "8E1", "8O1", "8N2"] = Field(
        "8E1", description="data bits, parity (None, Even, Odd) and stop bits, as set in every device on this wire"
    )
    gap_ms: float = Field(
        0.0,
        ge=0,
        le=500,
        description="silence before each request above t3.5; on CAN the least time between two frames, at least 2 ms",
    )


class DeviceSection(Section):
    """[power_module.NAME], [meter.NAME], …: one device on a bus."""

    driver: str = Field(min_length=1, description="see Drivers below")
    bus: Name = Field(description="the [bus.NAME] this device hangs on")
    unit: int = Field(
        1, ge=1, le=247, description="its unit address on Modbus or CAN; each device of a bus has its own"
    )
    profile: str | None = Field(
        None, description="its register profile, or the path of a .toml file; see Profiles below"
    )
    params: dict[str, Scalar] = Field(default_factory=dict, description="parameters of driver and profile; see below")


class TokenReaderSection(Section):
    """[token_reader.NAME]: an RFID reader on a serial line of its own."""

    driver: Literal["line", "pn532"] = Field("line", description="see Drivers below")
    bus: Name = Field(
        description="the [bus.NAME] this reader hangs on: of kind line or keyboard, for a PN532 of kind bytes; a reader has one of its own"
    )
    params: dict[str, Scalar] = Field(default_factory=dict, description="parameters of the driver; see below")


class StackSection(Section):
    """[stack.NAME]: power modules that several EVSEs use, one EVSE at a time."""

    modules: tuple[Name, ...] = Field(min_length=1, max_length=64, description="its [power_module.NAME]")
    matrix: Name = Field(description="the [matrix.NAME] that connects its modules to EVSEs")


class EvseSection(Section):
    """[evse.N]: one connector with its hardware and ratings."""

    outlet: Literal["dc", "ac"] = Field(
        "dc",
        description="dc: power modules of this station convert; ac: the car converts, and this station closes a contactor",
    )
    pilot: Name | None = Field(None, description="its [pilot_board.NAME]; required")
    contactors: Name | None = Field(
        None, description="the [pilot_board.NAME] that has its contactors; none: the one of `pilot`"
    )
    lock: Name | None = Field(
        None,
        description="the [pilot_board.NAME] that has its lock; none: the one of `pilot`. At an AC outlet with a fixed cable that one needs no lock",
    )
    discharge: Name | None = Field(
        None, description="the [pilot_board.NAME] that has its discharge resistor; none: the one of `pilot`"
    )
    safety_inputs: tuple[Name, ...] = Field(
        (),
        max_length=8,
        description="further [pilot_board.NAME] with safety inputs; all watch together with those of `pilot`",
    )
    power_modules: tuple[Name, ...] = Field(
        (),
        min_length=1,
        max_length=16,
        description="its [power_module.NAME], one or several in parallel; a DC outlet requires them or `stack`, an AC outlet has none",
    )
    stack: Name | None = Field(
        None, description="the [stack.NAME] whose power modules it shares with other EVSEs; none: it has its own"
    )
    meter: Name | None = Field(
        None,
        description="its [meter.NAME], required: what is billed comes from here; at an AC outlet a meter of alternating current, wired "
        "before the contactor",
    )
    insulation: Name | None = Field(
        None, description="its [insulation_monitor.NAME]; a DC outlet requires it, an AC outlet has none"
    )
    token_reader: Name | None = Field(None, description="its [token_reader.NAME]; none: no cards are read here")
    indicator: Name | None = Field(None, description="its [indicator.NAME], the lamps beside it; none: it has no lamps")
    interface: str | None = Field(
        None,
        min_length=1,
        max_length=15,
        description="network interface of this connector's PLC modem; none: no car protocol, and an AC outlet charges by the pilot's "
        "duty cycle (6 A per phase and more, no discharge)",
    )
    slac: Literal["none", "modem"] = Field(
        "none",
        description="modem: this station sets the PLC modem's key and matches the car by SLAC (docs/slac.md); none: something else "
        "does, or there is no modem",
    )
    slac_interface: str | None = Field(
        None,
        min_length=1,
        max_length=15,
        description="network interface at which the PLC modem takes SLAC frames; none: the one of `interface`",
    )
    slac_attenuation_offset_dB: float = Field(
        0.0,
        ge=0,
        le=40,
        description="attenuation of this charger's own wires from the connector to the modem: taken off what the modem measured of a "
        "car's sounds",
    )
    connector_type: Literal["cCCS1", "cCCS2", "cMCS", "cType1", "cType2", "sType2"] = Field(
        "cCCS2",
        description="OCPP name of the connector on the cable (c) or of the socket (s); an AC outlet has a Type 1 or Type 2; "
        "cMCS offers the services MCS and MCS_BPT instead of DC and DC_BPT",
    )
    voltage_max_V: float = Field(1000.0, ge=60, le=1500, description="DC: highest output voltage offered to a car")
    voltage_min_V: float = Field(150.0, ge=0, le=1500, description="DC: lowest output voltage offered to a car")
    ac_voltage_V: float = Field(
        230.0, ge=90, le=500, description="AC: nominal voltage, RMS from phase to neutral; 500 is the most a car takes"
    )
    ac_frequency_Hz: float = Field(50.0, ge=45, le=65, description="AC: nominal frequency of the grid")
    ac_phases: Literal[1, 3] = Field(3, description="AC: phases that are wired to the connector")
    ventilated: bool = Field(
        False, description="AC: cars that ask for ventilation (pilot state D) may charge here: outdoors, or with a fan"
    )
    ac_over_percent: float = Field(
        10.0,
        ge=0,
        le=50,
        description="AC: a phase may be so far above the current that the car was given; more for 5.5 s stops power",
    )
    current_max_A: float = Field(
        32.0,
        gt=0,
        le=3000,
        description="highest current in both directions, at an AC outlet of each phase: rating of cable and connector",
    )
    charge_power_max_W: float = Field(22_000.0, gt=0, le=4_000_000, description="highest power into the car")
    share_weight: float = Field(
        1.0,
        ge=0.1,
        le=10,
        description="its part where the site's connection has not enough for all: 2 gets twice as much as 1",
    )
    temperature: Literal["required", "none"] = Field(
        "required",
        description="contact sensors of the connector: required: one lost halves the current, both lost stop power; "
        "none: this charger has no sensors",
    )
    proximity: Literal["required", "none"] = Field(
        "none",
        description="proximity contact of the connector: required: it is wired to the pilot board, and open, short or a wrong "
        "resistance stops power; none: it is not wired",
    )
    discharge_power_max_W: float = Field(
        0.0, ge=0, le=4_000_000, description="highest power out of the car; 0: this EVSE never discharges"
    )
    contactor_operations: int = Field(
        10_000,
        ge=1,
        le=100_000_000,
        description="closings that its contactor is rated for, by the data sheet: from then on it is reported as worn",
    )
    contactor_load_openings: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="openings under more than 5 A that its contactor bears, by the data sheet: from then on it is reported as worn; "
        "none: 3 at a DC outlet, 1000 at an AC outlet",
    )
    ramp_A_per_s: float = Field(100.0, gt=0, le=2000, description="how fast the current changes at most")


class AuthorizationMode(StrEnum):
    """Who is asked before energy flows."""

    CSMS = "csms"
    NONE = "none"  # bench only: everybody is authorised as NoAuthorization


class CsmsSection(Section):
    """[csms]: the central system."""

    enabled: bool = Field(True, description="false: no central system; tokens are decided locally")
    url: str = Field(
        "ws://127.0.0.1:9000",
        pattern=r"^wss?://",
        description="its address, without the identity, which the station adds",
    )
    identity: str = Field(
        "CP1",
        min_length=1,
        max_length=48,
        pattern=r"^[A-Za-z0-9*+=:|@._-]+$",
        description="the station's name there; also the user name of Basic authentication",
    )
    versions: tuple[Literal["ocpp2.1", "ocpp2.0.1"], ...] = Field(
        ("ocpp2.0.1",), min_length=1, description="OCPP versions offered, the preferred one first"
    )
    password_file: Path | None = Field(None, description="Basic authentication; 16 to 40 characters, mode 0600")
    ca_file: Path | None = Field(
        None,
        description="roots that may have signed the central system's certificate; none: those of the operating system",
    )
    additional_root_check: bool = Field(
        False,
        description="a new root that comes over OCPP must be signed by the present one, and replaces it "
        "(AdditionalRootCertificateCheck)",
    )
    certificate_file: Path | None = Field(None, description="the station's own chain, security profile 3")
    key_file: Path | None = Field(None, description="its private key, mode 0600")
    security_profile: int = Field(
        1,
        ge=1,
        le=3,
        description="1: password over ws://, 2: password over wss://, 3: the station's certificate over wss://",
    )
    reconnect_min_s: float = Field(1.0, ge=0.05, le=600, description="wait before the first new attempt to connect")
    reconnect_max_s: float = Field(120.0, ge=1, le=3600, description="longest wait; it doubles with each attempt")
    call_timeout_s: float = Field(
        30.0, ge=1, le=300, description="wait for the answer to a message, and for a connection"
    )
    ping_interval_s: float = Field(30.0, ge=0, le=3600, description="time between WebSocket pings; 0: no ping")
    sampled_interval_s: int = Field(
        60, ge=0, le=86400, description="time between meter readings in a transaction (TxUpdatedInterval); 0: none"
    )
    v2x_over_201: bool = Field(
        True, description="accept 2.1 set-point fields in customData, DataTransfer, negative limit"
    )
    negative_limit_meaning: Literal["Setpoint", "DischargeLimit"] = Field(
        "DischargeLimit", description="what a negative limit of a charging profile means; docs/ocpp-reference.md"
    )


class EnergySection(Section):
    """[energy]: local bounds the arbiter keeps whatever anybody asks."""

    site_import_max_W: float = Field(
        1_000_000.0, ge=0, description="highest power all EVSEs together take from the grid"
    )
    site_export_max_W: float = Field(1_000_000.0, ge=0, description="highest power all EVSEs together give to the grid")
    minimum_soc_percent: float = Field(
        20.0,
        ge=0,
        le=100,
        description="a car is not discharged below this state of charge, unless its driver asks for less; "
        "a car that does not report its state of charge keeps its own reserve (its V2X window, its limits)",
    )
    authorization: AuthorizationMode = Field(
        AuthorizationMode.CSMS,
        description="csms: the central system decides about tokens; none: everybody charges (bench)",
    )
    default_power_W: float | None = Field(
        None, ge=0, description="charge at this when nobody has an opinion; none: at the limit"
    )
    fallback_ramp_W_per_s: float = Field(
        1000.0,
        ge=10,
        le=1_000_000,
        description="how fast the set-point moves to the next owner's when the deciding one was withdrawn",
    )
    ranking: tuple[Literal["csms", "site", "driver"], ...] = Field(
        ("csms", "site", "driver"),
        min_length=3,
        max_length=3,
        description="whose set-point counts first: central system (csms), site bus (site), driver; limits of all of them always hold",
    )


class FuseGuardSection(Section):
    """[fuse_guard]: keeps everything behind the station's connection to the grid within its fuse, by a meter there."""

    fuse_A: float | None = Field(
        None, gt=0, le=10_000, description="rated current of each phase of the connection; none: no fuse guard"
    )
    phases: Literal[1, 3] = Field(3, description="phases of the connection")
    voltage_V: float = Field(230.0, ge=50, le=1000, description="phase to neutral")
    meter: Literal["site_bus", "grid_meter"] = Field(
        "site_bus",
        description="where the meter's values come from: site_bus: the topic TOPIC/meter of [site_bus]; grid_meter: [grid] meter",
    )
    margin_A: float = Field(0.5, ge=0, le=1000, description="of each phase, stays free")
    export_max_A: float | None = Field(
        None, ge=0, le=10_000, description="highest current of each phase back into the grid; none: that of the fuse"
    )
    silent_import_A: float = Field(
        0.0, ge=0, le=10_000, description="what all EVSEs together may take of each phase while the meter is silent"
    )
    silent_export_A: float = Field(
        0.0, ge=0, le=10_000, description="what all EVSEs together may give to each phase while the meter is silent"
    )
    silent_after_s: float = Field(10.0, ge=1, le=300, description="a meter value is good for so long")
    meter_delay_s: float = Field(1.0, ge=0, le=10, description="how old a value of this meter can be when it arrives")
    give_back_A_per_s: float = Field(
        1.0, gt=0, le=1000, description="how fast all EVSEs together get current back, of each phase"
    )
    dead_band_A: float = Field(
        0.5, ge=0, le=100, description="less than this comes free: the EVSEs keep what they have"
    )


SiteOrder = Literal["setpoint", "limit", "driver", "pause", "start", "stop"]


class SiteBusSection(Section):
    """[site_bus]: MQTT to the site's energy management, an edge terminal and home automation; docs/site-bus.md."""

    url: str | None = Field(
        None,
        pattern=r"^mqtts?://[^/@\s]+$",
        description="the broker, such as mqtts://broker.example:8883, or mqtt:// without TLS; none: no site bus",
    )
    topic: str = Field(
        "chargepoint",
        min_length=1,
        max_length=128,
        pattern=r"^[^+#/\s][^+#\s]*[^+#/\s]$",
        description="the station's own topic, above all its topics; each station of a broker needs another one",
    )
    mqtt_version: Literal["5", "3.1.1"] = Field(
        "5", description="3.1.1 is for an old broker: it has no response topics, so answers go to TOPIC/answer"
    )
    client_id: str | None = Field(
        None, min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$", description="none: made from `topic`"
    )
    username: str | None = Field(None, min_length=1, max_length=128, description="where the broker wants a user")
    password_file: Path | None = Field(None, description="the user's password, mode 0600")
    ca_file: Path | None = Field(
        None, description="roots (PEM) that the broker's certificate must come from; none: those of the system"
    )
    certificate_file: Path | None = Field(None, description="the station's own chain (PEM), where the broker wants one")
    key_file: Path | None = Field(None, description="its private key, mode 0600")
    discovery_prefix: str = Field(
        "homeassistant",
        max_length=64,
        pattern=r"^[^+#\s]*$",
        description="where Home Assistant looks for devices; empty: no discovery",
    )
    state_interval_s: float = Field(
        1.0, ge=1, le=3600, description="least time between two messages about one state that changed"
    )
    repeat_interval_s: float = Field(
        60.0, ge=1, le=86_400, description="longest time between two messages about a state that did not change"
    )
    orders: tuple[SiteOrder, ...] = Field(
        ("setpoint", "limit", "driver", "pause"),
        max_length=6,
        description="what may be ordered over the bus: setpoint, limit, driver, pause, start, stop",
    )
    lease_max_s: float = Field(3600.0, ge=1, le=86_400, description="longest time that one order holds")
    orders_per_s: float = Field(
        20.0, ge=1, le=1000, description="more orders than this are refused; a burst may be ten times that"
    )
    keepalive_s: int = Field(15, ge=5, le=600, description="the broker takes the station for gone after 1.5 times this")
    reconnect_min_s: float = Field(1.0, ge=0.05, le=600, description="wait before the first new attempt to connect")
    reconnect_max_s: float = Field(60.0, ge=1, le=3600, description="longest wait; it doubles with each attempt")

    @property
    def enabled(self) -> bool:
        """A broker is named."""
        return self.url is not None


class PowerSection(Section):
    """[power]: the power process."""

    tick_ms: float = Field(
        20.0, ge=2, le=100, description="longest time between two ticks of the power process while an EVSE is not off"
    )
    lease_s: float = Field(
        0.5, ge=0.1, le=2.0, description="how long an order of the daemon holds; then power ramps to zero"
    )
    realtime: Literal["auto"] | bool = Field(
        "auto",
        description="SCHED_FIFO and locked memory, which need the rights of the systemd unit. auto: where they are permitted; "
        "true: an error in the log where they are not; false: never",
    )
    hardware_watchdog: Path | None = Field(
        None,
        description="the computer's watchdog, such as /dev/watchdog: it resets the computer when the power process no longer "
        "feeds it; none: not used",
    )
    hardware_watchdog_s: int = Field(
        10,
        ge=2,
        le=60,
        description="seconds without the power process after which the hardware watchdog resets the computer",
    )
    insulation_limit_ohm: float = Field(
        100_000.0,
        ge=10_000,
        le=10_000_000,
        description="below this resistance to earth power stops, or is not switched on",
    )
    insulation_reaction_s: float = Field(
        1.0,
        ge=0,
        le=20,
        description="how long the insulation monitor needs to show a fault: the cable check judges only what was measured so long "
        "after its test voltage was reached",
    )
    module_derate_degC: float = Field(
        70.0, ge=0, le=150, description="from this temperature of a power module on less current flows"
    )
    module_stop_degC: float = Field(85.0, ge=0, le=150, description="at this temperature of a power module power stops")
    cabinet_derate_degC: float = Field(
        55.0, ge=0, le=120, description="from this temperature of the cabinet on less current flows"
    )
    cabinet_stop_degC: float = Field(70.0, ge=0, le=120, description="at this temperature of the cabinet power stops")
    state_dir: Path | None = Field(
        None,
        description="folder of the power process alone, for its record of latched faults; "
        "none: [station] state_dir with -power behind it",
    )


class GridSection(Section):
    """[grid]: the window in which this charger stays connected. The converter's own trips are faster and come first."""

    meter: Name | None = Field(
        None,
        description="its [meter.NAME] at the station's connection, a meter of alternating current: frequency and phase voltages "
        "come from it; none: a law of the frequency asks for no power",
    )
    nominal_V: float = Field(
        230.0, ge=90, le=500, description="nominal voltage of a phase at the meter, phase to neutral"
    )
    voltage_low_percent: float = Field(
        80.0,
        ge=10,
        le=100,
        description="of the nominal voltage of a phase: below it power stops, where an AC meter shows it",
    )
    voltage_high_percent: float = Field(
        115.0,
        ge=100,
        le=150,
        description="of the nominal voltage of a phase: above it power stops, where an AC meter shows it",
    )
    frequency_low_Hz: float = Field(
        47.0, ge=40, le=70, description="below this frequency power stops, where it is measured"
    )
    frequency_high_Hz: float = Field(
        52.0, ge=40, le=70, description="above this frequency power stops, where it is measured"
    )


class Config(Section):
    """The whole file."""

    station: StationSection = StationSection()
    bus: dict[Name, BusSection] = Field(default_factory=dict)
    power_module: dict[Name, DeviceSection] = Field(default_factory=dict)
    meter: dict[Name, DeviceSection] = Field(default_factory=dict)
    insulation_monitor: dict[Name, DeviceSection] = Field(default_factory=dict)
    pilot_board: dict[Name, DeviceSection] = Field(default_factory=dict)
    matrix: dict[Name, DeviceSection] = Field(default_factory=dict)
    token_reader: dict[Name, TokenReaderSection] = Field(default_factory=dict)
    indicator: dict[Name, DeviceSection] = Field(default_factory=dict)
    stack: dict[Name, StackSection] = Field(default_factory=dict)
    evse: dict[Annotated[int, Field(ge=1, le=64)], EvseSection] = Field(default_factory=dict)
    grid: GridSection = GridSection()
    csms: CsmsSection = CsmsSection()
    iso15118: Iso15118Section = Iso15118Section()
    energy: EnergySection = EnergySection()
    fuse_guard: FuseGuardSection = FuseGuardSection()
    site_bus: SiteBusSection = SiteBusSection()
    power: PowerSection = PowerSection()
