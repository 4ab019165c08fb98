"""[iso15118]: what cars may speak, and how."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field

from chargepoint.config.section import Section


class TlsPolicy(StrEnum):
    """[iso15118] tls: what a car may connect with."""

    REQUIRED = "required"  # TLS for every car
    OPTIONAL = "optional"  # what the car asks for in SDP
    OFF = "off"  # plain TCP only


class Iso15118Section(Section):
    """[iso15118]: the car's side of the wire."""

    enabled: bool = Field(True, description="false: no car protocol on any connector")
    protocols: tuple[Literal["iso15118-20", "iso15118-2", "din70121"], ...] = Field(
        ("iso15118-20", "iso15118-2", "din70121"),
        min_length=1,
        max_length=3,
        description="what cars may speak; among these the car's own preference decides; DIN at DC outlets only",
    )
    iso20_without_tls: bool = Field(
        False, description="bench: ISO 15118-20 on plain TCP, too; the standard knows it over TLS 1.3 alone"
    )
    least_answer_time_s: float = Field(
        0.02,
        ge=0,
        le=0.1,
        description="-2 and DIN: an answer leaves this long after its request at the earliest; cars ask again at once",
    )
    discharge_on_iso2: Literal["off", "tolerated"] = Field(
        "off",
        description="outside the standard, for cars known to bear it: tolerated: a DC car of ISO 15118-2 that asks to be charged is discharged, "
        "with at most the current it asks for; docs/iso15118-2.md",
    )
    sae_j2847_on_iso2: tuple[Literal["V2H", "V2G"], ...] = Field(
        (),
        max_length=2,
        description="outside ISO 15118-2: discharge services of SAE J2847/2 that its DC cars may select; V2H: the car only gives, V2G: both ways; "
        "no car was tried; docs/iso15118-2.md",
    )
    discharge_on_din: Literal["off", "tolerated"] = Field(
        "off",
        description="outside the standard, for cars known to bear it: tolerated: a car of DIN 70121 that asks to be charged is discharged, "
        "with at most the current it asks for; docs/din70121.md",
    )
    evse_id_prefix: str = Field(
        "DE*OCP*E",
        max_length=30,
        pattern=r"^[A-Za-z0-9*]+$",
        description="EVSEID towards the car, before the EVSE's number: letters, digits and *",
    )
    tls: TlsPolicy = Field(
        TlsPolicy.OPTIONAL,
        description="optional: as the car asks; required: every car gets TLS, which no DIN car and few -2 cars speak; off: plain TCP",
    )
    certificate_dir: Path | None = Field(
        None, description="secc_chain.pem, secc.key, v2g_roots/, oem_roots/; docs/tls.md"
    )
    allow_p256: bool = Field(
        False, description="bench: accept secp256r1 certificates although -20 wants P-521 or Ed448"
    )
    plug_and_charge: bool | None = Field(
        None,
        description="contracts of cars are accepted; none: where certificate_dir has mo_roots, and tls is not off; docs/plug-and-charge.md",
    )
    certificate_installation: bool | None = Field(
        None,
        description="a car's request for a contract certificate goes to the central system; none: where [csms] is enabled",
    )
    plug_and_charge_without_tls: bool = Field(
        False, description="bench: offer contracts on plain TCP, too; ISO 15118-20 forbids it"
    )
    tls_key_log_file: Path | None = Field(
        None,
        description="bench: write the secrets of each TLS session here, for Wireshark; whoever has them reads the session",
    )
    control_modes: tuple[Literal["dynamic", "scheduled"], ...] = Field(
        ("dynamic", "scheduled"),
        min_length=1,
        max_length=2,
        description="preferred first; both are offered, as ISO 15118-20 wants",
    )
    charge_loop_timeout_s: float = Field(
        0.5,
        ge=0.5,
        le=3.0,
        description="V2G_SECC_Sequence_Timeout in the charge loop; 0.5 is the standard's, some cars need more: one was seen to send an AC loop each 0.54 s",
    )
    on_voltage_timeout_s: float = Field(
        10.0, ge=2.0, le=60.0, description="a car silent for longer while its wires are under voltage is switched off"
    )
    discharge_sign: Literal["negative", "positive"] = Field(
        "negative",
        description="sign of our discharge limits on the wire; negative as ISO 15118-20 has it, positive for cars that want magnitudes",
    )
    trace_dir: Path | None = Field(
        None,
        description="folder for traces of sessions: JSON lines and pcapng, the newest 50, without secrets; none: no trace",
    )
    added_services: tuple[Literal["internet", "parking_status"], ...] = Field(
        (),
        max_length=2,
        description="value-added services offered to the car beside energy transfer; over ISO 15118-2 internet alone, and only with TLS",
    )
    standby: bool = Field(True, description="a car may rest in standby: connected, no power either way")
    sdp_port: int = Field(
        15118, ge=1, le=65535, description="UDP port of discovery; another one only for tests side by side"
    )

    @property
    def discharge_outside(self) -> tuple[tuple[str, str, str], ...]:
        """The keys that discharge cars in a way that their protocol does not know; each with its value, and the name of the protocol."""
        switches = (
            ("discharge_on_iso2", repr(self.discharge_on_iso2), "ISO 15118-2", self.discharge_on_iso2 != "off"),
            ("sae_j2847_on_iso2", repr(list(self.sae_j2847_on_iso2)), "ISO 15118-2", bool(self.sae_j2847_on_iso2)),
            ("discharge_on_din", repr(self.discharge_on_din), "DIN 70121", self.discharge_on_din != "off"),
        )
        return tuple((key, value, protocol) for key, value, protocol, on in switches if on)
