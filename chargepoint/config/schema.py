"""The configuration's schema: every key with its unit, bound and default. What is not here is refused.

Bounds that need two keys (a name that must exist, a maximum above a minimum) are in `check.py`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A table of the file: unknown keys are mistakes, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]
Scalar = float | int | str | bool


class StationSection(Section):
    """[station]: who this is, as told in BootNotification."""

    model: str = Field("bidi-1", min_length=1, max_length=20)
    vendor_name: str = Field("open-chargepoint", min_length=1, max_length=50)
    serial_number: str = Field("", max_length=25)
    state_dir: Path = Field(Path("/var/lib/chargepoint"), description="database, profiles, issued certificates")
    runtime_dir: Path = Field(Path("/run/chargepoint"), description="Unix sockets")


class BusSection(Section):
    """[bus.NAME]: one wire, owned by the power process."""

    kind: Literal["serial", "line"] = Field(
        "serial", description="serial: Modbus RTU; line: lines of text (token reader)"
    )
    port: str = Field(min_length=1, description="stable device path, e.g. /dev/serial/by-id/… or /dev/chargepoint/…")
    baud: int = Field(19200, ge=1200, le=921600)
    format: Literal["8N1", "8E1", "8O1", "8N2"] = "8E1"
    gap_ms: float = Field(0.0, ge=0, le=500, description="silence before each request above t3.5")


class DeviceSection(Section):
    """[power_module.NAME], [meter.NAME], …: one device on a bus."""

    driver: str = Field(min_length=1)
    bus: Name
    unit: int = Field(1, ge=1, le=247)
    profile: str | None = None
    params: dict[str, Scalar] = Field(default_factory=dict)


class TokenReaderSection(Section):
    """[token_reader.NAME]: an RFID reader on a serial line of its own."""

    driver: Literal["line"] = "line"
    bus: Name
    params: dict[str, Scalar] = Field(default_factory=dict)


class EvseSection(Section):
    """[evse.N]: one connector with its hardware and ratings."""

    pilot: Name
    power_modules: tuple[Name, ...] = Field(min_length=1, max_length=16)
    meter: Name
    insulation: Name
    token_reader: Name | None = None
    interface: str | None = Field(
        None,
        min_length=1,
        max_length=15,
        description="network interface of this connector's PLC modem; none: no car protocol",
    )
    connector_type: Literal["cCCS1", "cCCS2"] = "cCCS2"
    voltage_max_V: float = Field(1000.0, ge=60, le=1500)
    voltage_min_V: float = Field(150.0, ge=0, le=1500)
    current_max_A: float = Field(32.0, gt=0, le=500)
    charge_power_max_W: float = Field(22_000.0, gt=0, le=1_000_000)
    discharge_power_max_W: float = Field(0.0, ge=0, le=1_000_000, description="0: this EVSE never discharges")
    ramp_A_per_s: float = Field(100.0, gt=0, le=2000)


class AuthorizationMode(StrEnum):
    """Who is asked before energy flows."""

    CSMS = "csms"
    NONE = "none"  # bench only: everybody is authorised as NoAuthorization


class CsmsSection(Section):
    """[csms]: the central system."""

    enabled: bool = True
    url: str = Field("ws://127.0.0.1:9000", pattern=r"^wss?://", description="without the identity")
    identity: str = Field("CP1", min_length=1, max_length=48, pattern=r"^[A-Za-z0-9*+=:|@._-]+$")
    versions: tuple[Literal["ocpp2.0.1"], ...] = Field(("ocpp2.0.1",), min_length=1)
    password_file: Path | None = Field(None, description="Basic authentication; 16 to 40 characters, mode 0600")
    ca_file: Path | None = None
    certificate_file: Path | None = Field(None, description="the station's own chain, security profile 3")
    key_file: Path | None = Field(None, description="its private key, mode 0600")
    security_profile: int = Field(1, ge=1, le=3)
    reconnect_min_s: float = Field(1.0, ge=0.05, le=600)
    reconnect_max_s: float = Field(120.0, ge=1, le=3600)
    call_timeout_s: float = Field(30.0, ge=1, le=300)
    ping_interval_s: float = Field(30.0, ge=0, le=3600, description="0: no ping")
    sampled_interval_s: int = Field(60, ge=0, le=86400, description="TxUpdatedInterval default; 0: none")
    v2x_over_201: bool = Field(
        True, description="accept 2.1 set-point fields in customData, DataTransfer, negative limit"
    )
    negative_limit_meaning: Literal["Setpoint", "DischargeLimit"] = "DischargeLimit"


class TlsPolicy(StrEnum):
    """[iso15118] tls: what a car may connect with."""

    REQUIRED = "required"  # TLS 1.3 mutual only, as ISO 15118-20 demands
    OPTIONAL = "optional"  # bench: whatever the car asks for in SDP
    OFF = "off"  # bench: plain TCP only


class Iso15118Section(Section):
    """[iso15118]: the car's side of the wire."""

    enabled: bool = True
    evse_id_prefix: str = Field("DE*OCP*E", max_length=30)
    tls: TlsPolicy = TlsPolicy.REQUIRED
    certificate_dir: Path | None = Field(None, description="secc_chain.pem, secc.key, v2g_roots/, oem_roots/")
    allow_p256: bool = Field(
        False, description="bench: accept secp256r1 certificates although -20 wants P-521 or Ed448"
    )
    control_modes: tuple[Literal["dynamic", "scheduled"], ...] = Field(
        ("dynamic", "scheduled"), min_length=1, max_length=2
    )
    charge_loop_timeout_s: float = Field(
        0.5, ge=0.5, le=3.0, description="V2G_SECC_Sequence_Timeout in the charge loop"
    )
    sdp_port: int = Field(15118, ge=1, le=65535)


class EnergySection(Section):
    """[energy]: local bounds the arbiter keeps whatever anybody asks."""

    site_import_max_W: float = Field(1_000_000.0, ge=0)
    site_export_max_W: float = Field(1_000_000.0, ge=0)
    minimum_soc_percent: float = Field(
        20.0, ge=0, le=100, description="never discharged below, unless the driver says so"
    )
    authorization: AuthorizationMode = AuthorizationMode.CSMS
    default_power_W: float | None = Field(
        None, ge=0, description="charge at this when nobody has an opinion; none: at the limit"
    )
    fallback_ramp_W_per_s: float = Field(
        1000.0,
        ge=10,
        le=1_000_000,
        description="how fast the set-point moves to the next voice's when the deciding one was withdrawn",
    )


class PowerSection(Section):
    """[power]: the power process."""

    tick_ms: float = Field(10.0, ge=2, le=100)
    lease_s: float = Field(0.5, ge=0.1, le=2.0)
    realtime: bool = Field(False, description="SCHED_FIFO and locked memory; needs the rights of the systemd unit")
    insulation_limit_ohm: float = Field(100_000.0, ge=10_000, le=10_000_000)


class Config(Section):
    """The whole file."""

    station: StationSection = StationSection()
    bus: dict[Name, BusSection] = Field(default_factory=dict)
    power_module: dict[Name, DeviceSection] = Field(default_factory=dict)
    meter: dict[Name, DeviceSection] = Field(default_factory=dict)
    insulation_monitor: dict[Name, DeviceSection] = Field(default_factory=dict)
    pilot_board: dict[Name, DeviceSection] = Field(default_factory=dict)
    token_reader: dict[Name, TokenReaderSection] = Field(default_factory=dict)
    evse: dict[Annotated[int, Field(ge=1, le=64)], EvseSection] = Field(default_factory=dict)
    csms: CsmsSection = CsmsSection()
    iso15118: Iso15118Section = Iso15118Section()
    energy: EnergySection = EnergySection()
    power: PowerSection = PowerSection()
