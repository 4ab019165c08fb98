"""CertificateInstallation: the car's request goes to the central system byte for byte, and so does the answer back.

Source: docs/sources/iso15118-20.md 2.3. The trust in the car's chain is the matter of the provisioning service (V2G20-1548).
"""

from __future__ import annotations

from chargepoint.iso15118.conversation.row import Refused, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.messages.common_messages import (
    CertificateChain,
    CertificateInstallationReq,
    CertificateInstallationRes,
    ContractCertificateChain,
    EcdhCurve,
    SignedInstallationData,
    SubCertificates,
)
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode

_DH_PUBLIC_KEY_BYTES = 133
_SECP521_PRIVATE_KEY_BYTES = 94
"""Lengths of the schema's binary types dhPublicKeyType and secp521_EncryptedPrivateKeyType."""


def respond(_: CertificateInstallationReq, __: Session, ___: Situation) -> Reply[Session]:
    """Not offered; AuthorizationSetupRes said so."""
    return Refused(ResponseCode.FAILED_SequenceError, "certificate installation is not offered")


def refuse(
    _: CertificateInstallationReq,
    code: ResponseCode,
    session: Session,
    at: Situation,
    processing: Processing = Processing.Finished,
) -> CertificateInstallationRes:
    """Schema-valid and empty: what must be there is there, and means nothing (V2G20-2202)."""
    return CertificateInstallationRes(
        **head(code, session, at),
        EVSEProcessing=processing,
        CPSCertificateChain=CertificateChain(Certificate=b""),
        SignedInstallationData=SignedInstallationData(
            Id="none",
            ContractCertificateChain=ContractCertificateChain(
                Certificate=b"", SubCertificates=SubCertificates(Certificate=(b"",))
            ),
            ECDHCurve=EcdhCurve.SECP521,
            DHPublicKey=bytes(_DH_PUBLIC_KEY_BYTES),
            SECP521_EncryptedPrivateKey=bytes(_SECP521_PRIVATE_KEY_BYTES),
        ),
        RemainingContractCertificateChains=0,
    )
