"""The bench's certificates for cars of ISO 15118-2: the car reads its private key, and the signature covers the four elements."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from certs.pki import Curve, Pki
from chargepoint.iso15118.exi.codec import NS_ISO2, decode, encode
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.xmldsig import X509IssuerSerial
from chargepoint.iso15118.pnc.signature import SignedElement, verify
from hil.simulators.csms.provisioning import ProvisioningService

SESSION_ID = bytes(range(1, 9))
ROOTS = iso2.ListOfRootCertificateIDs(
    RootCertificateID=(X509IssuerSerial(X509IssuerName="CN=root", X509SerialNumber=1),)
)


def request(pki: Pki, *, update: bool) -> bytes:
    body: iso2.CertificateInstallationReq | iso2.CertificateUpdateReq = iso2.CertificateInstallationReq(
        Id="id1", OEMProvisioningCert=pki.chain_der("provisioning")[0], ListOfRootCertificateIDs=ROOTS
    )
    if update:
        chain = iso2.CertificateChain(Certificate=pki.chain_der("contract")[0])
        body = iso2.CertificateUpdateReq(
            Id="id1", ContractSignatureCertChain=chain, eMAID="DE8AAA1B2C3D4E5", ListOfRootCertificateIDs=ROOTS
        )
    header = iso2.MessageHeader(SessionID=SESSION_ID)
    return encode(iso2.V2G_Message(Header=header, Body=iso2.Body(BodyElement=body)))


def service(pki: Pki, folder: Path) -> ProvisioningService:
    pki.write(folder)
    found = ProvisioningService.of(folder)
    assert found is not None
    return found


@pytest.mark.parametrize("update", [False, True])
def test_the_car_unwraps_the_key_of_its_contract(tmp_path: Path, update: bool) -> None:
    pki = Pki(Curve.P256)
    exi = service(pki, tmp_path / "pki").answer(request(pki, update=update))
    assert exi is not None
    message = decode(NS_ISO2, exi)
    assert isinstance(message, iso2.V2G_Message)
    assert message.Header.SessionID == SESSION_ID
    body = message.Body.BodyElement
    assert isinstance(body, iso2.CertificateUpdateRes if update else iso2.CertificateInstallationRes)
    signed = [
        SignedElement(body.ContractSignatureCertChain, "ContractSignatureCertChain"),
        SignedElement(body.ContractSignatureEncryptedPrivateKey, "ContractSignatureEncryptedPrivateKey"),
        SignedElement(body.DHpublickey, "DHpublickey"),
        SignedElement(body.eMAID, "eMAID"),
    ]
    service_key = pki.keys["cps"].public_key()
    assert verify(message.Header.Signature, signed, service_key, allow_p256=True) is None
    own = pki.keys["contract" if update else "provisioning"]
    assert isinstance(own, ec.EllipticCurvePrivateKey)
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), body.DHpublickey.value)
    key = ConcatKDFHash(algorithm=SHA256(), length=16, otherinfo=b"\x01\x55\x56").derive(own.exchange(ec.ECDH(), point))
    wrapped = body.ContractSignatureEncryptedPrivateKey.value
    decryptor = Cipher(algorithms.AES(key), modes.CBC(wrapped[:16])).decryptor()
    contract = pki.keys["contract"]
    assert isinstance(contract, ec.EllipticCurvePrivateKey)
    private = int.from_bytes(decryptor.update(wrapped[16:]) + decryptor.finalize(), "big")
    assert private == contract.private_numbers().private_value


def test_keys_that_iso15118_2_does_not_know_get_no_answer(tmp_path: Path) -> None:
    pki = Pki(Curve.P521)
    assert service(pki, tmp_path / "pki").answer(request(pki, update=False)) is None
    assert service(pki, tmp_path / "other").answer(b"\x80nothing") is None
