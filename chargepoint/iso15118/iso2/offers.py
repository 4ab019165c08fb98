"""What this outlet offers over ISO 15118-2: payment options, the charge service and its energy transfer modes, certificates.

Source: docs/sources/iso15118-2-din.md 1.2.
"""

from __future__ import annotations

from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.sae_discharge import listed, offered_sae
from chargepoint.iso15118.messages.iso15118_2 import (
    ChargeService,
    EnergyTransferMode,
    Parameter,
    ParameterSet,
    PaymentOption,
    SelectedService,
    Service,
    ServiceCategory,
    SupportedEnergyTransferMode,
)
from chargepoint.model.car import EnergyService

CHARGE_SERVICE_ID = 1
CERTIFICATE_SERVICE_ID = 2
INTERNET_SERVICE_ID = 3
"""ServiceIDs by the service table of the standard; that of the Internet, and its parameter sets, unverified."""

INSTALLATION, UPDATE = 1, 2
"""ParameterSetIDs of the certificate service."""

CERTIFICATE_SERVICE = Service(
    ServiceID=CERTIFICATE_SERVICE_ID, ServiceCategory=ServiceCategory.ContractCertificate, FreeService=True
)
CERTIFICATE_SETS = tuple(
    ParameterSet(ParameterSetID=number, Parameter=(Parameter(Name="Service", stringValue=name),))
    for number, name in ((INSTALLATION, "Installation"), (UPDATE, "Update"))
)

_INTERNET = Service(ServiceID=INTERNET_SERVICE_ID, ServiceCategory=ServiceCategory.Internet, FreeService=True)
_INTERNET_SETS = tuple(
    ParameterSet(
        ParameterSetID=number,
        Parameter=(Parameter(Name="Protocol", stringValue=protocol), Parameter(Name="Port", intValue=port)),
    )
    for number, (protocol, port) in enumerate((("ftp", 20), ("ftp", 21), ("http", 80), ("https", 443)), 1)
)


def takes_contracts(at: Situation) -> bool:
    """Contracts are accepted over TLS alone; a bench does without. The car has no certificate of its own in ISO 15118-2."""
    return at.settings.plug_and_charge and (at.settings.plug_and_charge_without_tls or at.peer.tls is not None)


def relays_certificates(at: Situation) -> bool:
    """CertificateInstallationReq and CertificateUpdateReq go to the central system."""
    return at.settings.certificate_installation and takes_contracts(at)


def payment_options(at: Situation) -> tuple[PaymentOption, ...]:
    """In the order in which they are offered."""
    return (PaymentOption.ExternalPayment, *([PaymentOption.Contract] if takes_contracts(at) else []))


def services(at: Situation) -> tuple[int, ...]:
    """The ServiceIDs that a car may select."""
    return (CHARGE_SERVICE_ID, *(service.ServiceID for service in added_services(at)))


def added_services(at: Situation) -> tuple[Service, ...]:
    """The value-added services, in the order in which they are listed. The Internet over TLS alone."""
    certificates = (CERTIFICATE_SERVICE,) if relays_certificates(at) else ()
    internet = (_INTERNET,) if at.settings.internet and at.peer.tls is not None else ()
    return (*certificates, *internet, *(listed(service) for service in offered_sae(at.settings)))


def parameter_sets(service_id: int) -> tuple[ParameterSet, ...]:
    """Of a service that is offered; empty: it has none."""
    return {CERTIFICATE_SERVICE_ID: CERTIFICATE_SETS, INTERNET_SERVICE_ID: _INTERNET_SETS}.get(service_id, ())


def may_select(service: SelectedService, at: Situation) -> bool:
    """The service is offered, with this parameter set. A service without sets may be named with a set of the car's own making, and
    the certificate service without any."""
    if service.ServiceID not in services(at):
        return False
    numbers = [one.ParameterSetID for one in parameter_sets(service.ServiceID)]
    if not numbers or (service.ServiceID == CERTIFICATE_SERVICE_ID and service.ParameterSetID is None):
        return True
    return service.ParameterSetID in numbers


def discharges(settings: SeccSettings) -> bool:
    """Outside the standard: this outlet discharges DC cars that tolerate it. No car hears of it."""
    return settings.iso2_discharge and EnergyService.DC_BPT in settings.services


def energy_transfer_modes(settings: SeccSettings) -> tuple[EnergyTransferMode, ...]:
    """The preferred mode first. A DC outlet has a combined connector (extended); cars that name its contacts alone (core) fit, too."""
    if not settings.is_ac:
        return (EnergyTransferMode.DC_extended, EnergyTransferMode.DC_core)
    if settings.phases == 3:
        return (EnergyTransferMode.AC_three_phase_core, EnergyTransferMode.AC_single_phase_core)
    return (EnergyTransferMode.AC_single_phase_core,)


def charge_service(settings: SeccSettings) -> ChargeService:
    """As it goes into ServiceDiscoveryRes. What the energy costs is a matter of card and contract: the service is not free."""
    return ChargeService(
        ServiceID=CHARGE_SERVICE_ID,
        ServiceCategory=ServiceCategory.EVCharging,
        FreeService=False,
        SupportedEnergyTransferMode=SupportedEnergyTransferMode(EnergyTransferMode=energy_transfer_modes(settings)),
    )
