"""The bench's certificate provisioning for cars of ISO 15118-2: CertificateInstallation and CertificateUpdate.

The private key of the contract is wrapped as the standard has it, so the car can use it: ephemeral ECDH with the car's key, ConcatKDF
with SHA-256, AES-128 in CBC mode. The four signed elements are signed with the service's key. Source: docs/sources/iso15118-2-din.md 5.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chargepoint.iso15118.exi.codec import NS_ISO2, ExiError, decode, encode
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.pnc.signature import SignedElement, sign

_OTHER_INFO = bytes((0x01, 0x55, 0x56))
"""AlgorithmID, PartyUInfo and PartyVInfo of the key derivation (V2G2-818)."""

_KEY_BYTES, _IV_BYTES, _PRIVATE_BYTES = 16, 16, 32


def provisioned(
    exi_request: bytes,
    chain: Sequence[bytes],
    key: ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey,
    contract_chain: Sequence[bytes],
    contract_key: ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey | None,
    code: str,
) -> bytes | None:
    """The response to a request for a certificate; None for what is none, and for keys that ISO 15118-2 does not know."""
    try:
        message = decode(NS_ISO2, exi_request)
    except ExiError:
        return None
    if not isinstance(message, iso2.V2G_Message) or not isinstance(contract_key, ec.EllipticCurvePrivateKey):
        return None
    car, kind = _asked(message.Body.BodyElement)
    if car is None or kind is None or not isinstance(contract_key.curve, ec.SECP256R1):
        return None
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    leaf, *subs = contract_chain
    contract = iso2.CertificateChain(
        Id="id1", Certificate=leaf, SubCertificates=iso2.SubCertificates(Certificate=tuple(subs))
    )
    wrapped = iso2.ContractSignatureEncryptedPrivateKey(Id="id2", value=_wrapped(contract_key, ephemeral, car))
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    public = iso2.DiffieHellmanPublickey(Id="id3", value=point)
    emaid = iso2.EMAID(Id="id4", value=_emaid(leaf))
    own_leaf, *own_subs = chain
    response = kind(
        ResponseCode=iso2.ResponseCode(code),
        SAProvisioningCertificateChain=iso2.CertificateChain(
            Certificate=own_leaf, SubCertificates=iso2.SubCertificates(Certificate=tuple(own_subs))
        ),
        ContractSignatureCertChain=contract,
        ContractSignatureEncryptedPrivateKey=wrapped,
        DHpublickey=public,
        eMAID=emaid,
    )
    signed = [
        SignedElement(contract, "ContractSignatureCertChain"),
        SignedElement(wrapped, "ContractSignatureEncryptedPrivateKey"),
        SignedElement(public, "DHpublickey"),
        SignedElement(emaid, "eMAID"),
    ]
    header = iso2.MessageHeader(SessionID=message.Header.SessionID, Signature=sign(signed, key))
    return encode(iso2.V2G_Message(Header=header, Body=iso2.Body(BodyElement=response)))


_Response = type[iso2.CertificateInstallationRes] | type[iso2.CertificateUpdateRes]


def _asked(body: object) -> tuple[ec.EllipticCurvePublicKey | None, _Response | None]:
    """The car's key, and the class of the response."""
    match body:
        case iso2.CertificateInstallationReq(OEMProvisioningCert=der):
            return _key_of(der), iso2.CertificateInstallationRes
        case iso2.CertificateUpdateReq(ContractSignatureCertChain=shown):
            return _key_of(shown.Certificate), iso2.CertificateUpdateRes
        case _:
            return None, None


def _key_of(der: bytes) -> ec.EllipticCurvePublicKey | None:
    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except ValueError:
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1) else None


def _wrapped(
    contract_key: ec.EllipticCurvePrivateKey, ephemeral: ec.EllipticCurvePrivateKey, car: ec.EllipticCurvePublicKey
) -> bytes:
    """Initialisation vector, then the private key in AES-128."""
    shared = ephemeral.exchange(ec.ECDH(), car)
    derived = ConcatKDFHash(algorithm=SHA256(), length=_KEY_BYTES, otherinfo=_OTHER_INFO).derive(shared)
    vector = secrets.token_bytes(_IV_BYTES)
    encryptor = Cipher(algorithms.AES(derived), modes.CBC(vector)).encryptor()
    private = contract_key.private_numbers().private_value.to_bytes(_PRIVATE_BYTES, "big")
    return vector + encryptor.update(private) + encryptor.finalize()


def _emaid(leaf: bytes) -> str:
    names = x509.load_der_x509_certificate(leaf).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value).replace("-", "")[:15]
