"""What the station decides for one EVSE before any car comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from chargepoint.iso15118.conversation.timeouts import ON_VOLTAGE_SILENCE_S, V2G_SECC_CHARGE_LOOP_SEQUENCE_TIMEOUT_S
from chargepoint.model.car import ControlMode, EnergyService
from chargepoint.security.certificates import CertificateFacts


class ProtocolName(Enum):
    """A car protocol by its name in the configuration."""

    ISO20 = "iso15118-20"
    ISO2 = "iso15118-2"
    DIN = "din70121"


@dataclass(frozen=True, slots=True)
class SeccSettings:
    """Settings of one SECC. Times in seconds. Orders are orders of preference: some cars take the first of everything."""

    evse_id: int
    evse_id_text: str
    services: tuple[EnergyService, ...]
    control_modes: tuple[ControlMode, ...]
    charge_loop_timeout_s: float = V2G_SECC_CHARGE_LOOP_SEQUENCE_TIMEOUT_S
    on_voltage_timeout_s: float = ON_VOLTAGE_SILENCE_S
    negative_discharge_limits: bool = True
    """The sign of our discharge limits on the wire: negative as ISO 15118-20 has it, or magnitudes for cars that want these."""
    nominal_voltage_V: float = 230.0
    """AC: RMS, phase to neutral."""
    phases: int = 3
    """AC: 1 or 3."""
    internet: bool = False
    """The value-added service Internet is offered."""
    parking_status: bool = False
    """The value-added service ParkingStatus is offered."""
    plug_and_charge: bool = False
    """Contract certificates are accepted. Only over TLS in which the car showed its certificate."""
    plug_and_charge_without_tls: bool = False
    """Bench: contracts and their installation are offered on plain TCP, too."""
    allow_p256: bool = False
    """Bench: contracts on secp256r1 are accepted."""
    contract_roots: Callable[[], tuple[CertificateFacts, ...]] = tuple
    """Gives the roots that vouch for contracts, as they are now."""
    certificate_installation: bool = False
    """CertificateInstallationReq is relayed to the central system."""
    emsp_ids: tuple[str, ...] = ()
    """SupportedProviders of AuthorizationSetupRes; empty: not sent."""
    protocols: tuple[ProtocolName, ...] = tuple(ProtocolName)
    """What cars may speak here."""
    iso20_without_tls: bool = False
    """Bench: ISO 15118-20 is spoken on plain TCP, too."""
    least_answer_time_s: float = 0.02
    """-2 and DIN: from a request to its answer at least; cars ask again at once, and an instant station is asked 80 times a second."""
    iso2_discharge: bool = False
    """Outside the standard: a DC car of -2 that tolerates an outflow is discharged."""
    sae_services: tuple[Literal["V2H", "V2G"], ...] = ()
    """Outside the standard: discharge services of SAE J2847/2 that DC cars of -2 may select."""
    din_discharge: bool = False
    """As `iso2_discharge`, for a car of DIN."""
    standby: bool = True
    """A car may pause the transfer in standby."""

    @property
    def is_ac(self) -> bool:
        """The outlet gives alternating current."""
        return any(service.is_ac for service in self.services)
