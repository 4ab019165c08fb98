"""CertificateInstallation: contract certificates from the car's operator, relayed by the station."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_messages import (
    CertificateInstallationReq,
    CertificateInstallationRes,
    EMAIDList,
    SignedCertificateChain,
    SubCertificates,
)
from chargepoint.iso15118.messages.common_types import ListOfRootCertificateIDs, Processing
from chargepoint.iso15118.messages.xmldsig import X509IssuerSerial
from hil.simulators.evcc.memory import CarMemory, Credentials
from hil.simulators.evcc.steps import Next, SessionStep

ONGOING_PAUSE_S = 0.1
_NO_ROOT = X509IssuerSerial(X509IssuerName="CN=none", X509SerialNumber=0)


def request(memory: CarMemory) -> CertificateInstallationReq:
    """The same request again while the answer is Ongoing or further chains remain; its time stamp alone changes."""
    if memory.installation is None:
        credentials = memory.credentials or Credentials()
        leaf, *above = credentials.provisioning_chain or (b"",)
        chain = SignedCertificateChain(
            Id="id1", Certificate=leaf, SubCertificates=SubCertificates(Certificate=tuple(above)) if above else None
        )
        sign = credentials.sign_provisioning
        emaids = memory.plan.prioritized_emaids
        memory.installation = CertificateInstallationReq(
            Header=memory.header(None if sign is None else sign(chain)),
            OEMProvisioningCertificateChain=chain,
            ListOfRootCertificateIDs=ListOfRootCertificateIDs(RootCertificateID=credentials.root_ids or (_NO_ROOT,)),
            MaximumContractCertificateChains=memory.plan.contract_chains_max,
            PrioritizedEMAIDs=EMAIDList(EMAID=emaids) if emaids else None,
        )
    same = memory.installation
    return replace(same, Header=replace(memory.header(), Signature=same.Header.Signature))


def answered(memory: CarMemory, answer: CertificateInstallationRes) -> Next:
    """Keep each chain that was installed; then authorize, with or without one."""
    if answer.EVSEProcessing is not Processing.Finished:
        return Next(SessionStep.CERTIFICATE_INSTALLATION, ONGOING_PAUSE_S)
    if not answer.ResponseCode.value.startswith("WARNING"):
        memory.installed.append(answer.SignedInstallationData)
        if answer.RemainingContractCertificateChains and len(memory.installed) < memory.plan.contract_chains_max:
            return Next(SessionStep.CERTIFICATE_INSTALLATION)
    return Next(SessionStep.AUTHORIZATION)
