"""Making the development PKI: keys and certificates for every node of the tree, written where only the owner reads them.

Never for a street: the root keys lie beside everything else. Curves: P-521 as ISO 15118-20 wants it, P-256 for bench
counterparts that know nothing else (docs/sources/iso15118.md 1).
"""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.tree import TREE, Node, Use


class Curve(Enum):
    """Which curve all keys of one PKI lie on."""

    P521 = "p521"
    P256 = "p256"

    def key(self) -> ec.EllipticCurvePrivateKey:
        """A fresh private key."""
        return ec.generate_private_key(ec.SECP521R1() if self is Curve.P521 else ec.SECP256R1())

    @property
    def digest(self) -> hashes.SHA256 | hashes.SHA512:
        """SHA-512 with P-521, SHA-256 with P-256."""
        return hashes.SHA512() if self is Curve.P521 else hashes.SHA256()


class Pki:
    """Certificates and keys by node name."""

    def __init__(self, curve: Curve, now: datetime | None = None) -> None:
        self.curve = curve
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.certificates: dict[str, x509.Certificate] = {}
        self._issuer_of = {node.name: node.issuer for node in TREE}
        start = (now or datetime.now(UTC)) - timedelta(hours=1)
        for node in TREE:
            self._make(node, start)

    def chain(self, leaf: str) -> list[x509.Certificate]:
        """Leaf first, then its sub-CAs; without the root."""
        chain, name = [], leaf
        while (issuer := self._issuer_of[name]) is not None:
            chain.append(self.certificates[name])
            name = issuer
        return chain

    def _make(self, node: Node, start: datetime) -> None:
        key = self.keys[node.name] = self.curve.key()
        issuer = node.issuer or node.name
        issuer_name = _subject(node) if node.issuer is None else self.certificates[issuer].subject
        authority = node.use in (Use.ROOT, Use.SUB_CA)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_subject(node))
            .issuer_name(issuer_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=node.days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(_key_usage(node.use), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if node.issuer is not None:
            authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.keys[issuer].public_key())
            builder = builder.add_extension(authority_key, critical=False)
        purposes = {Use.SERVER: ExtendedKeyUsageOID.SERVER_AUTH, Use.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH}
        if node.use in purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purposes[node.use]]), critical=False)
        if node.hosts:
            names = x509.SubjectAlternativeName([_host(host) for host in node.hosts])
            builder = builder.add_extension(names, critical=False)
        self.certificates[node.name] = builder.sign(self.keys[issuer], self.curve.digest)

    def write(self, directory: Path) -> None:
        """Certificates (0644) and keys (0600) in the layout `[iso15118] certificate_dir` reads, and the rest beside."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, certificate in self.certificates.items():
            _write(directory / f"{name}.pem", _pem(certificate), 0o644)
        for name, key in self.keys.items():
            _write(directory / f"{name}.key", _key_pem(key), 0o600)
        for leaf in ("secc", "vehicle", "contract", "csms", "station"):
            _write(directory / f"{leaf}_chain.pem", b"".join(map(_pem, self.chain(leaf))), 0o644)
        for folder, root in (("v2g_roots", "v2g_root"), ("oem_roots", "oem_root"), ("mo_roots", "mo_root")):
            (directory / folder).mkdir(exist_ok=True)
            _write(directory / folder / f"{root}.pem", _pem(self.certificates[root]), 0o644)
        self._write_for_outside_car(directory / "iso15118_2")

    def _write_for_outside_car(self, directory: Path) -> None:
        """The vehicle's files again under the names the EVCC of PyPI `iso15118` looks for (its PKI_PATH is `..`)."""
        certificates, keys = directory / "certs", directory / "private_keys"
        for folder in (certificates, keys):
            folder.mkdir(parents=True, exist_ok=True)
        _write(certificates / "v2gRootCACert.pem", _pem(self.certificates["v2g_root"]), 0o644)
        _write(certificates / "oemRootCACert.pem", _pem(self.certificates["oem_root"]), 0o644)
        _write(certificates / "oemCertChain.pem", b"".join(map(_pem, self.chain("vehicle"))), 0o644)
        _write(keys / "oemLeaf.key", _key_pem(self.keys["vehicle"]), 0o600)
        _write(keys / "oemLeafPassword.txt", b"unused: the key is not encrypted\n", 0o600)


def expired(directory: Path, now: datetime) -> bool:
    """Whether a certificate of this PKI is no longer valid at `now` (with a time zone). Raises OSError, ValueError."""
    files = (directory / f"{node.name}.pem" for node in TREE)
    return any(x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc <= now for file in files)


def _subject(node: Node) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COMMON_NAME, node.common_name),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Development PKI"),
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
    ]
    if node.domain_component is not None:
        attributes.append(x509.NameAttribute(NameOID.DOMAIN_COMPONENT, node.domain_component))
    return x509.Name(attributes)


def _key_usage(use: Use) -> x509.KeyUsage:
    authority = use in (Use.ROOT, Use.SUB_CA)
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=use is Use.CONTRACT,
        key_encipherment=use is Use.CONTRACT,
        data_encipherment=False,
        key_agreement=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
