"""The bench's certificate provisioning service: it makes a signed CertificateInstallationRes for a car's request.

The chains are those of the development PKI. For -20 the wrapped private key is random bytes of the right length, because the wrapping
is a matter between service and car: a real car cannot use this contract. For -2 see `provisioning_iso2`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from chargepoint.iso15118.exi.codec import NS_CM, ExiError, decode, encode
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import MessageHeader, Processing, ResponseCode
from chargepoint.iso15118.pnc.signature import SignedElement, sign
from hil.clock import utc
from hil.simulators.csms.provisioning_iso2 import provisioned

CHAIN_FILE, KEY_FILE, CONTRACT_FILE = "cps_chain.pem", "cps.key", "contract_chain.pem"
CONTRACT_KEY_FILE = "contract.key"
PrivateKey = ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey
_DH_PUBLIC_KEY_BYTES, _WRAPPED_KEY_BYTES = 133, 94


@dataclass(slots=True)
class ProvisioningService:
    """Answers every car with the same contract. `code`: what its answers say; `available`: how many chains a car can fetch."""

    chain: tuple[bytes, ...]
    key: PrivateKey
    contract_chain: tuple[bytes, ...]
    code: ResponseCode = ResponseCode.OK
    available: int = 1
    contract_key: PrivateKey | None = None
    """The contract's own key, which a car of ISO 15118-2 gets; None: such a car gets no answer."""
    made: int = 0
    """How many responses were made."""

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """From a folder of `./run certs`; None where the folder has no provisioning service."""
        if not all((folder / name).exists() for name in (CHAIN_FILE, KEY_FILE, CONTRACT_FILE)):
            return None
        if (key := _private_key(folder / KEY_FILE)) is None:
            return None
        return cls(
            _ders(folder / CHAIN_FILE),
            key,
            _ders(folder / CONTRACT_FILE),
            contract_key=_private_key(folder / CONTRACT_KEY_FILE),
        )

    def answer(self, exi_request: bytes) -> bytes | None:
        """The response to a request for a certificate, of -20 or of -2; None for what is none."""
        try:
            request = decode(NS_CM, exi_request)
        except ExiError:
            return self._answer_iso2(exi_request)
        if not isinstance(request, cm.CertificateInstallationReq):
            return None
        self.made += 1
        leaf, *subs = self.contract_chain
        data = cm.SignedInstallationData(
            Id="id1",
            ContractCertificateChain=cm.ContractCertificateChain(
                Certificate=leaf, SubCertificates=cm.SubCertificates(Certificate=tuple(subs))
            ),
            ECDHCurve=cm.EcdhCurve.SECP521,
            DHPublicKey=secrets.token_bytes(_DH_PUBLIC_KEY_BYTES),
            SECP521_EncryptedPrivateKey=secrets.token_bytes(_WRAPPED_KEY_BYTES),
        )
        own_leaf, *own_subs = self.chain
        header = MessageHeader(
            SessionID=request.Header.SessionID,
            TimeStamp=int(utc().timestamp()),
            Signature=sign([SignedElement(data)], self.key),
        )
        response = cm.CertificateInstallationRes(
            Header=header,
            ResponseCode=self.code,
            EVSEProcessing=Processing.Finished,
            CPSCertificateChain=cm.CertificateChain(
                Certificate=own_leaf, SubCertificates=cm.SubCertificates(Certificate=tuple(own_subs))
            ),
            SignedInstallationData=data,
            RemainingContractCertificateChains=max(self.available - self.made, 0),
        )
        return encode(response)

    def _answer_iso2(self, exi_request: bytes) -> bytes | None:
        code = "FAILED" if self.code.value.startswith("FAILED") else "OK"
        exi = provisioned(exi_request, self.chain, self.key, self.contract_chain, self.contract_key, code)
        self.made += exi is not None
        return exi


def _ders(file: Path) -> tuple[bytes, ...]:
    return tuple(c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(file.read_bytes()))


def _private_key(file: Path) -> PrivateKey | None:
    if not file.exists():
        return None
    key = load_pem_private_key(file.read_bytes(), None)
    return key if isinstance(key, PrivateKey) else None
