"""One X.509 certificate as facts: key, validity, names, what it may do. Unreadable bytes are one error. No decisions.

Everything is read at once, because `cryptography` parses lazily and a broken extension would otherwise raise later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID, NameOID

PublicKey = ec.EllipticCurvePublicKey | ed448.Ed448PublicKey


class CertificateUnreadable(ValueError):
    """The bytes are no X.509 certificate that can be understood; says why."""


class KeyKind(Enum):
    """What kind of key a certificate holds. The value is for people."""

    P521 = "secp521r1"
    ED448 = "Ed448"
    P256 = "secp256r1"
    OTHER = "another kind of key"


UNDERSTOOD_EXTENSIONS = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
    }
)
"""Extensions that may be critical. ISO 15118-20 Annex B has the last four critical (docs/sources/iso15118-20.md 2.2)."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says. Times are UTC seconds since 1970. Two are equal if their bytes are."""

    der: bytes
    certificate: x509.Certificate = field(compare=False, repr=False)
    key_kind: KeyKind = field(compare=False)
    key_name: str = field(compare=False)
    """The kind of key in words, also where it is KeyKind.OTHER."""
    valid_from_s: float = field(compare=False)
    valid_until_s: float = field(compare=False)
    common_name: str | None = field(compare=False)
    organization: str | None = field(compare=False)
    authority: bool = field(compare=False)
    path_length: int | None = field(compare=False)
    key_usage: frozenset[str] | None = field(compare=False)
    """Names as `cryptography.x509.KeyUsage` has them; None without the extension."""
    purposes: frozenset[str] | None = field(compare=False)
    """Dotted object identifiers of the extended key usage; None without the extension."""
    not_understood: tuple[str, ...] = field(compare=False)
    """Dotted object identifiers of critical extensions outside UNDERSTOOD_EXTENSIONS."""
    ocsp_url: str | None = field(compare=False)
    has_crl_address: bool = field(compare=False)

    @property
    def public_key(self) -> PublicKey | None:
        """The key where its kind can sign in ISO 15118; None for KeyKind.OTHER."""
        key = self.certificate.public_key()
        return key if isinstance(key, PublicKey) and self.key_kind is not KeyKind.OTHER else None

    @property
    def shown_name(self) -> str:
        """The common name for a log line, at most 60 printable characters."""
        name = self.common_name or "without a common name"
        return "".join(c if c.isprintable() else "?" for c in name[:60])

    @property
    def identity(self) -> str:
        """SHA-256 of the part that the issuer signed, in hexadecimal.

        Some bits around the signature can be changed without breaking it, so the bytes of the whole are no identity.
        """
        return hashlib.sha256(self.certificate.tbs_certificate_bytes).hexdigest()

    def may(self, usage: str) -> bool:
        """Whether the key usage extension names this usage; False without the extension."""
        return self.key_usage is not None and usage in self.key_usage

    def issued(self, other: CertificateFacts) -> bool:
        """Whether this certificate's name and key issued `other`. Never raises."""
        try:
            other.certificate.verify_directly_issued_by(self.certificate)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            return False
        return True


def read_certificate(der: bytes) -> CertificateFacts:
    """The facts of one DER certificate. Raises CertificateUnreadable, and nothing else."""
    try:
        return _read(der)
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.InvalidVersion,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise CertificateUnreadable(f"{len(der)} bytes that are no certificate: {_one_line(error)}") from error


def read_pem(text: bytes) -> tuple[CertificateFacts, ...]:
    """The certificates of a PEM text, in its order, at least one. Raises CertificateUnreadable, and nothing else."""
    try:
        certificates = x509.load_pem_x509_certificates(text)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateUnreadable(f"no PEM certificate: {_one_line(error)}") from error
    return tuple(read_certificate(certificate.public_bytes(Encoding.DER)) for certificate in certificates)


def _read(der: bytes) -> CertificateFacts:
    certificate = x509.load_der_x509_certificate(der)
    kind, key_name = _key(certificate)
    basic = usage = purposes = access = None
    has_crl_address = False
    not_understood = []
    for extension in certificate.extensions:
        match extension.value:
            case x509.BasicConstraints():
                basic = extension.value
            case x509.KeyUsage():
                usage = extension.value
            case x509.ExtendedKeyUsage():
                purposes = extension.value
            case x509.AuthorityInformationAccess():
                access = extension.value
            case x509.CRLDistributionPoints():
                has_crl_address = True
            case _:
                pass
        if extension.critical and extension.oid not in UNDERSTOOD_EXTENSIONS:
            not_understood.append(extension.oid.dotted_string)
    return CertificateFacts(
        der=der,
        certificate=certificate,
        key_kind=kind,
        key_name=key_name,
        valid_from_s=certificate.not_valid_before_utc.timestamp(),
        valid_until_s=certificate.not_valid_after_utc.timestamp(),
        common_name=_attribute(certificate, NameOID.COMMON_NAME),
        organization=_attribute(certificate, NameOID.ORGANIZATION_NAME),
        authority=basic is not None and basic.ca,
        path_length=None if basic is None else basic.path_length,
        key_usage=None if usage is None else _usages(usage),
        purposes=None if purposes is None else frozenset(oid.dotted_string for oid in purposes),
        not_understood=tuple(not_understood),
        ocsp_url=_ocsp_url(access or ()),
        has_crl_address=has_crl_address,
    )


_KINDS = {"secp521r1": KeyKind.P521, "secp256r1": KeyKind.P256}


def _key(certificate: x509.Certificate) -> tuple[KeyKind, str]:
    key = certificate.public_key()
    if isinstance(key, ed448.Ed448PublicKey):
        return KeyKind.ED448, KeyKind.ED448.value
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _KINDS.get(key.curve.name, KeyKind.OTHER), key.curve.name
    return KeyKind.OTHER, type(key).__name__.removesuffix("PublicKey")


def _usages(usage: x509.KeyUsage) -> frozenset[str]:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
    )
    return frozenset(name for name in names if getattr(usage, name))


def _attribute(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str | None:
    found = certificate.subject.get_attributes_for_oid(oid)
    if not found:
        return None
    value = found[0].value
    return value if isinstance(value, str) else value.hex()


def _ocsp_url(access: Iterable[x509.AccessDescription]) -> str | None:
    for description in access:
        location = description.access_location
        if description.access_method == AuthorityInformationAccessOID.OCSP and isinstance(
            location, x509.UniformResourceIdentifier
        ):
            return location.value
    return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
