"""What the central system is asked about a contract."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding

from chargepoint.iso15118.pnc.contract import ContractChain
from chargepoint.model.car_questions import AuthorizeContract
from chargepoint.security.certificates import CertificateFacts
from chargepoint.security.revocation import hash_data


def contract_question(chain: ContractChain, root: CertificateFacts | None, number: int) -> AuthorizeContract:
    """The question with the chain and its hashes. `root` None: no root of ours vouches for the chain. `number`: of this conversation's
    questions. Raises CertificateUnreadable."""
    return AuthorizeContract(
        emaid=chain.emaid or "",
        chain_pem="".join(_pem(certificate) for certificate in chain.certificates),
        hashes=hash_data(chain.certificates, root),
        root_known=root is not None,
        round=number,
    )


def _pem(certificate: CertificateFacts) -> str:
    return certificate.certificate.public_bytes(Encoding.PEM).decode("ascii")
