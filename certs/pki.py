"""Making the development PKI: keys and certificates for every node of the tree, written where only the owner reads them.

Never for a street: the root keys lie beside everything else. Curves: P-521 and Ed448 as ISO 15118-20 wants them, P-256 for bench
counterparts that know nothing else (docs/sources/iso15118.md 1, docs/sources/iso15118-20.md 8).
"""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from certs.tree import TREE, Node, Use

STATUS_ADDRESS = "http://ocsp.example.com"
"""Where revocation would be asked; nobody answers there."""

UNKNOWN_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")

PrivateKey = ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey


class Curve(Enum):
    """Which curve a key lies on."""

    P521 = "p521"
    ED448 = "ed448"
    P256 = "p256"
    P384 = "p384"
    """Which no side of ISO 15118-20 accepts."""

    def key(self) -> PrivateKey:
        """A fresh private key."""
        if self is Curve.ED448:
            return ed448.Ed448PrivateKey.generate()
        curves = {Curve.P521: ec.SECP521R1(), Curve.P384: ec.SECP384R1(), Curve.P256: ec.SECP256R1()}
        return ec.generate_private_key(curves[self])


CHAINS = ("secc", "cps", "vehicle", "provisioning", "contract", "csms", "station")
"""Leaves whose chains are written."""

ROOT_FOLDERS = (("v2g_roots", "v2g_root"), ("oem_roots", "oem_root"), ("mo_roots", "mo_root"))
"""The folders in which the station looks for roots."""


_OUTSIDE_DER = {
    "contract": "contractLeafCert",
    "mo_sub1": "moSubCA1Cert",
    "mo_sub2": "moSubCA2Cert",
    "v2g_root": "v2gRootCACert",
    "vehicle": "oemLeafCert",
    "oem_sub1": "oemSubCA1Cert",
    "oem_sub2": "oemSubCA2Cert",
}
"""Names under which the EVCC of PyPI `iso15118` looks for the chains of contract and vehicle, by node. It signs with the
vehicle's key what a provisioning certificate should sign."""


class Pki:
    """Certificates and keys by node name.

    `annex_b`: key identifiers and status addresses are critical, as ISO 15118-20 Annex B has them. OpenSSL refuses such a
    chain unless it is asked to ignore what it does not know (docs/sources/iso15118-20.md 2.2).
    """

    def __init__(
        self,
        curve: Curve,
        now: datetime | None = None,
        tree: tuple[Node, ...] = TREE,
        *,
        annex_b: bool = False,
    ) -> None:
        self.curve = curve
        self.annex_b = annex_b
        self.tree = tree
        self.keys: dict[str, PrivateKey] = {}
        self.certificates: dict[str, x509.Certificate] = {}
        self._issuer_of = {node.name: node.issuer for node in tree}
        now = now or datetime.now(UTC)
        for node in tree:
            self.keys[node.name] = self._curve_of(node).key()
        for node in tree:
            self.certificates[node.name] = self._certificate(node, now + timedelta(days=node.starts_after_days))

    @classmethod
    def read(cls, directory: Path, tree: tuple[Node, ...] = TREE) -> Pki:
        """What `write` has written there. Raises OSError or ValueError."""
        made = cls(Curve.P521, tree=())
        made.tree = tree
        made._issuer_of = {node.name: node.issuer for node in tree}
        for node in tree:
            made.certificates[node.name] = x509.load_pem_x509_certificate((directory / f"{node.name}.pem").read_bytes())
            key = serialization.load_pem_private_key((directory / f"{node.name}.key").read_bytes(), None)
            if not isinstance(key, ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey):
                raise ValueError(f"{directory / node.name}.key: neither on a curve nor Ed448")
            made.keys[node.name] = key
        return made

    def add(self, node: Node, now: datetime | None = None) -> None:
        """One more certificate with a fresh key. Its issuer is there already, or it is a root."""
        self._issuer_of[node.name] = node.issuer
        self.keys[node.name] = self._curve_of(node).key()
        self.certificates[node.name] = self._certificate(
            node, (now or datetime.now(UTC)) + timedelta(days=node.starts_after_days)
        )

    def write_leaf(self, leaf: str, chain: Path, key: Path) -> None:
        """The chain of one leaf (0644) and its key (0600) in these files."""
        _write(key, _key_pem(self.keys[leaf]), 0o600)
        _write(chain, self.chain_pem(leaf), 0o644)

    def _curve_of(self, node: Node) -> Curve:
        return self.curve if node.curve is None else Curve(node.curve)

    def chain(self, leaf: str) -> list[x509.Certificate]:
        """Leaf first, then its sub-CAs; without the root."""
        chain, name = [], leaf
        while (issuer := self._issuer_of[name]) is not None:
            chain.append(self.certificates[name])
            name = issuer
        return chain

    def _certificate(self, node: Node, start: datetime) -> x509.Certificate:
        public_key = self.keys[node.name].public_key()
        issuer = node.issuer or node.name
        issuer_name = _subject(node) if node.issuer is None else self.certificates[issuer].subject
        authority = node.use in (Use.ROOT, Use.SUB_CA)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_subject(node))
            .issuer_name(issuer_name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=node.days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=node.path_length), critical=True)
            .add_extension(_key_usage(node), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=self.annex_b)
        )
        if node.issuer is not None:
            authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.keys[issuer].public_key())
            builder = builder.add_extension(authority_key, critical=self.annex_b)
            if node.status_address:
                builder = builder.add_extension(_status_address(), critical=self.annex_b)
        if purposes := _purposes(node):
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        if node.hosts:
            names = x509.SubjectAlternativeName([_host(host) for host in node.hosts])
            builder = builder.add_extension(names, critical=False)
        if node.unknown_critical_extension:
            builder = builder.add_extension(x509.UnrecognizedExtension(UNKNOWN_EXTENSION, b"\x05\x00"), critical=True)
        signer = self.keys[node.signed_with or issuer]
        return builder.sign(signer, _digest(signer))

    def chain_pem(self, leaf: str) -> bytes:
        """`chain` as a PEM file has it."""
        return b"".join(map(_pem, self.chain(leaf)))

    def chain_der(self, leaf: str) -> list[bytes]:
        """`chain` as a message has it."""
        return [certificate.public_bytes(serialization.Encoding.DER) for certificate in self.chain(leaf)]

    def write(self, directory: Path) -> None:
        """Certificates (0644) and keys (0600) in the layout `[iso15118] certificate_dir` reads, and the rest beside."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, certificate in self.certificates.items():
            _write(directory / f"{name}.pem", _pem(certificate), 0o644)
        for name, key in self.keys.items():
            _write(directory / f"{name}.key", _key_pem(key), 0o600)
        for leaf in CHAINS:
            _write(directory / f"{leaf}_chain.pem", self.chain_pem(leaf), 0o644)
        for folder, root in ROOT_FOLDERS:
            (directory / folder).mkdir(exist_ok=True)
            _write(directory / folder / f"{root}.pem", _pem(self.certificates[root]), 0o644)
        self._write_for_outside_car(directory / "iso15118_2")

    def write_second(self, directory: Path) -> None:
        """Beside the files of `write`, this PKI's chains, keys and roots with the curve in their names (`secc_chain_ed448.pem`).

        The station then shows the leaf whose signature the car understands.
        """
        for leaf in ("secc", "vehicle", "contract", "provisioning"):
            _write(directory / f"{leaf}_chain_{self.curve.value}.pem", self.chain_pem(leaf), 0o644)
            _write(directory / f"{leaf}_{self.curve.value}.key", _key_pem(self.keys[leaf]), 0o600)
        for folder, root in ROOT_FOLDERS:
            (directory / folder).mkdir(parents=True, exist_ok=True)
            _write(directory / folder / f"{root}_{self.curve.value}.pem", _pem(self.certificates[root]), 0o644)

    def _write_for_outside_car(self, directory: Path) -> None:
        """The car's files again under the names the EVCC of PyPI `iso15118` looks for (its PKI_PATH is `..`)."""
        certificates, keys = directory / "certs", directory / "private_keys"
        for folder in (certificates, keys):
            folder.mkdir(parents=True, exist_ok=True)
        _write(certificates / "v2gRootCACert.pem", _pem(self.certificates["v2g_root"]), 0o644)
        _write(certificates / "oemRootCACert.pem", _pem(self.certificates["oem_root"]), 0o644)
        _write(certificates / "oemCertChain.pem", self.chain_pem("vehicle"), 0o644)
        _write(keys / "oemLeaf.key", _key_pem(self.keys["vehicle"]), 0o600)
        _write(keys / "oemLeafPassword.txt", b"", 0o600)
        for name, file in _OUTSIDE_DER.items():
            der = self.certificates[name].public_bytes(serialization.Encoding.DER)
            _write(certificates / f"{file}.der", der, 0o644)
        _write(keys / "contractLeaf.key", _key_pem(self.keys["contract"]), 0o600)
        _write(keys / "contractLeafPassword.txt", b"", 0o600)


def expired(directory: Path, now: datetime) -> bool:
    """Whether a certificate of this PKI is no longer valid at `now` (with a time zone). Raises OSError, ValueError."""
    files = (directory / f"{node.name}.pem" for node in TREE)
    return any(x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc <= now for file in files)


def _subject(node: Node) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, node.common_name)]
    if node.organization is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, node.organization))
    attributes.append(x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"))
    if node.domain_component is not None:
        attributes.append(x509.NameAttribute(NameOID.DOMAIN_COMPONENT, node.domain_component))
    return x509.Name(attributes)


_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
_USAGE_OF = {
    Use.ROOT: {"key_cert_sign", "crl_sign"},
    Use.SUB_CA: {"key_cert_sign", "crl_sign"},
    Use.SERVER: {"digital_signature", "key_agreement"},
    Use.CLIENT: {"digital_signature", "key_agreement"},
    Use.CONTRACT: {"digital_signature", "key_agreement"},
    Use.SIGNER: {"digital_signature", "key_agreement"},
}
_PURPOSE_OF = {Use.SERVER: ExtendedKeyUsageOID.SERVER_AUTH, Use.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH}


def _key_usage(node: Node) -> x509.KeyUsage:
    names = _USAGE_OF[node.use] if node.key_usage is None else node.key_usage
    return x509.KeyUsage(**{name: name in names for name in _KEY_USAGES})


def _purposes(node: Node) -> list[x509.ObjectIdentifier]:
    if node.purposes is not None:
        return [x509.ObjectIdentifier(dotted) for dotted in sorted(node.purposes)]
    return [_PURPOSE_OF[node.use]] if node.use in _PURPOSE_OF else []


def _status_address() -> x509.AuthorityInformationAccess:
    address = x509.UniformResourceIdentifier(STATUS_ADDRESS)
    return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, address)])


def _digest(key: PrivateKey) -> hashes.SHA256 | hashes.SHA512 | None:
    """SHA-512 with P-521, SHA-256 with a smaller curve; Ed448 hashes by itself."""
    if isinstance(key, ed448.Ed448PrivateKey):
        return None
    return hashes.SHA512() if key.curve.name == "secp521r1" else hashes.SHA256()


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
