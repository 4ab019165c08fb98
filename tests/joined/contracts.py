"""Plug and Charge at the joined station: contracts of one tree of certificates, and the central system's answers about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.pki import Curve, Pki
from certs.tree import TREE, Node
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.messages.xmldsig import X509IssuerSerial
from chargepoint.iso15118.pnc.contract import read_roots
from chargepoint.model.car_questions import CertificateRelayed, ContractStatus, InstallCertificate
from chargepoint.security.certificates import CertificateFacts
from hil.simulators.csms.provisioning import ProvisioningService
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.signing import signed_by


def new_pki(now: datetime, tree: tuple[Node, ...] = TREE) -> Pki:
    """A tree whose certificates are valid from `now` on, as far as the tree says nothing else."""
    return Pki(Curve.P521, now, tree)


def credentials_of(pki: Pki, *, signing: Pki | None = None) -> Credentials:
    """The car's contract and provisioning certificate. `signing`: the tree whose keys sign; without it the car's own."""
    keys, root = (signing or pki).keys, pki.certificates["v2g_root"]
    return Credentials(
        contract_chain=tuple(pki.chain_der("contract")),
        sign=signed_by(keys["contract"]),
        provisioning_chain=tuple(pki.chain_der("provisioning")),
        sign_provisioning=signed_by(keys["provisioning"]),
        root_ids=(X509IssuerSerial(X509IssuerName=root.issuer.rfc4514_string(), X509SerialNumber=root.serial_number),),
    )


@dataclass(slots=True)
class ContractDesk:
    """What the station trusts, and what the central system answers. `status`: about each contract."""

    pki: Pki
    status: ContractStatus = ContractStatus.ACCEPTED

    def settings(self, plain: SeccSettings) -> SeccSettings:
        """The settings with contracts and their installation offered, also without TLS."""
        return replace(
            plain,
            plug_and_charge=True,
            plug_and_charge_without_tls=True,
            contract_roots=self._roots,
            certificate_installation=True,
        )

    def install(self, question: InstallCertificate) -> CertificateRelayed:
        """The central system's answer to a relayed request."""
        service = ProvisioningService(
            _ders(self.pki.chain("cps")), self.pki.keys["cps"], _ders(self.pki.chain("contract"))
        )
        return CertificateRelayed(service.answer(question.exi_request), 0)

    def _roots(self) -> tuple[CertificateFacts, ...]:
        return read_roots(_ders([self.pki.certificates["mo_root"]]))


def _ders(certificates: list[x509.Certificate]) -> tuple[bytes, ...]:
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in certificates)
