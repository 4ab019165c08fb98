"""The keys and certificates of a run: roots, server chains good and bad, the station's own chain. Made anew for each run.

The suite signs what a station asks for (`sign_request`). Nothing here is for a street.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.pki import Curve, Pki
from certs.tree import Node, Use
from hil.certification.firmware import FirmwareSigner
from hil.certification.start_conditions import StartConditions
from hil.simulators.csms.provisioning import ProvisioningService

SERVER_NAMES = ("localhost", "127.0.0.1", "::1")
VALID_SERVER = "csms"
NEXT_ROOT, NEXT_SERVER = "next_root", "csms_of_next_root"
"""A root that the present one has signed, and the central system's certificate below it."""
ANOTHER_SERVER = "csms_of_another_root"
BAD_SERVERS = {
    "unknown root": ANOTHER_SERVER,
    "expired": "csms_expired",
    "another name": "csms_elsewhere",
}
"""Server chains that a station must refuse, by what is wrong with them."""

_DIGESTS = {"SHA256": hashlib.sha256, "SHA384": hashlib.sha384, "SHA512": hashlib.sha512}

SUITES = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-GCM-SHA384"
"""The cipher suites of TLS 1.2 that Part 6 looks for."""


def _tree(serial_number: str) -> tuple[Node, ...]:
    """`serial_number`: the common name of the station's own certificate."""
    return (
        Node("csms_root", "CSMS Root 1", None, Use.ROOT, 3650, status_address=False),
        Node("csms", "localhost", "csms_root", Use.SERVER, 365, hosts=SERVER_NAMES, status_address=False),
        Node(
            "csms_expired",
            "localhost",
            "csms_root",
            Use.SERVER,
            30,
            hosts=SERVER_NAMES,
            starts_after_days=-60,
            status_address=False,
        ),
        Node(
            "csms_elsewhere",
            "elsewhere.example",
            "csms_root",
            Use.SERVER,
            365,
            hosts=("elsewhere.example",),
            status_address=False,
        ),
        Node("next_root", "CSMS Root 1 next", "csms_root", Use.SUB_CA, 3650, status_address=False),
        Node(
            "csms_of_next_root",
            "localhost",
            "next_root",
            Use.SERVER,
            365,
            hosts=SERVER_NAMES,
            status_address=False,
        ),
        Node("station", serial_number, "csms_root", Use.CLIENT, 365, status_address=False),
        Node("another_root", "CSMS Root 2", None, Use.ROOT, 3650, status_address=False),
        Node(
            "csms_of_another_root",
            "localhost",
            "another_root",
            Use.SERVER,
            365,
            hosts=SERVER_NAMES,
            status_address=False,
        ),
        Node(
            "expired_root",
            "CSMS Root 3",
            None,
            Use.ROOT,
            30,
            starts_after_days=-60,
            status_address=False,
        ),
        Node("v2g_root", "V2G Root", None, Use.ROOT, 3650, "V2G"),
        Node("cpo_sub1", "CPO Sub-CA 1", "v2g_root", Use.SUB_CA, 1460, "V2G", path_length=1),
        Node("cpo_sub2", "CPO Sub-CA 2", "cpo_sub1", Use.SUB_CA, 730, "V2G", path_length=0),
        Node("mo_root", "MO Root", None, Use.ROOT, 3650, "MO"),
        Node("cps_sub1", "CPS Sub-CA 1", "v2g_root", Use.SUB_CA, 1460, "V2G", path_length=1),
        Node("cps_sub2", "CPS Sub-CA 2", "cps_sub1", Use.SUB_CA, 730, "V2G", path_length=0),
        Node("cps", "CPS", "cps_sub2", Use.SIGNER, 90, "CPS", curve="p521"),
        Node("mo_sub1", "MO Sub-CA 1", "mo_root", Use.SUB_CA, 1460, "MO", path_length=1),
        Node("mo_sub2", "MO Sub-CA 2", "mo_sub1", Use.SUB_CA, 730, "MO", path_length=0),
        Node("contract", "NLSWI123456791A", "mo_sub2", Use.CONTRACT, 365, "MO", curve="p521"),
        Node("manufacturer_root", "Manufacturer Root", None, Use.ROOT, 3650, status_address=False),
    )


@dataclass(frozen=True, slots=True)
class SecuritySetup:
    """What a station under test is given before it starts: the profile, and the files that the profile and firmware need."""

    profile: int
    password: str
    root: Path
    """The root that signed the central system's certificate."""
    certificate: Path
    """The station's own chain, for profile 3."""
    key: Path
    manufacturer_root: Path
    """The root that issued the certificates of firmware signers."""
    additional_root_check: bool
    """Whether AdditionalRootCertificateCheck is true."""


class Keys:
    """One run's keys in a folder of its own."""

    def __init__(self, folder: Path, serial_number: str) -> None:
        self._folder = folder
        self._pki = Pki(Curve.P256, tree=_tree(serial_number))
        self._signers: dict[str, FirmwareSigner] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, certificate in self._pki.certificates.items():
            self._write(f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM))
            leaf_alone = name == NEXT_SERVER  # else the old root would vouch for it through the new one
            chain = b"" if leaf_alone else self._pki.chain_pem(name)
            self._write(f"{name}_chain.pem", chain or self.pem(name).encode())
            key = self._pki.keys[name].private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            self._write(f"{name}.key", key)

    def _write(self, name: str, data: bytes) -> None:
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)

    def setup(self, start: StartConditions, password: str) -> SecuritySetup:
        """What a station needs for these conditions."""
        folder = self._folder
        return SecuritySetup(
            start.security_profile,
            password,
            folder / "csms_root.pem",
            folder / "station_chain.pem",
            folder / "station.key",
            folder / "manufacturer_root.pem",
            start.additional_root_check,
        )

    def provisioning(self) -> ProvisioningService:
        """Makes contract certificates for cars of ISO 15118-20, from the suite's V2G root and its MO root."""
        key = self._pki.keys["cps"]
        chain, contract = (tuple(self._pki.chain_der(leaf)) for leaf in ("cps", "contract"))
        return ProvisioningService(chain, key, contract)

    def firmware_signer(self, kind: str) -> FirmwareSigner:
        """A signer of firmware: `valid`, `expired`, or `stranger`, whom no root of the manufacturer vouches for."""
        if kind not in self._signers:
            issuer = "another_root" if kind == "stranger" else "manufacturer_root"
            ends_after = timedelta(days=-1 if kind == "expired" else 90)
            self._signers[kind] = FirmwareSigner(self._pki.certificates[issuer], self._pki.keys[issuer], ends_after)
        return self._signers[kind]

    def pem(self, name: str) -> str:
        """One certificate as PEM."""
        return self._pki.certificates[name].public_bytes(serialization.Encoding.PEM).decode("ascii")

    def hash_data(self, name: str, algorithm: str) -> dict[str, str]:
        """CertificateHashData of one certificate, by SHA256, SHA384 or SHA512."""
        certificate = self._pki.certificates[name]
        issuer = next(one for one in self._pki.certificates.values() if one.subject == certificate.issuer)
        return {
            "hashAlgorithm": algorithm,
            "issuerNameHash": _DIGESTS[algorithm](certificate.issuer.public_bytes()).hexdigest(),
            "issuerKeyHash": self._key_hash(issuer, algorithm),
            "serialNumber": f"{certificate.serial_number:x}",
        }

    @staticmethod
    def _key_hash(certificate: x509.Certificate, algorithm: str) -> str:
        key = certificate.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return _DIGESTS[algorithm](key).hexdigest()

    def is_hash_of(self, name: str, reported: dict[str, str]) -> bool:
        """Whether a station's CertificateHashData is about this certificate; hexadecimal digits in either case."""
        expected = self.hash_data(name, reported["hashAlgorithm"])
        return all(
            reported[field].lower().lstrip("0") == value.lstrip("0")
            for field, value in expected.items()
            if field != "hashAlgorithm"
        )

    def ocsp_answer(self, asked: Mapping[str, str]) -> str:
        """An OCSP response that calls the certificate of these hash data good, DER in base64. Its issuer is one of the suite's."""
        algorithm = {"SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(), "SHA512": hashes.SHA512()}[
            asked["hashAlgorithm"]
        ]
        name, key = bytes.fromhex(asked["issuerNameHash"]), bytes.fromhex(asked["issuerKeyHash"])
        signer = next(
            node
            for node, certificate in self._pki.certificates.items()
            if self._key_hash(certificate, asked["hashAlgorithm"]) == key.hex()
        )
        now = datetime.now(UTC)
        response = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                name,
                key,
                int(asked["serialNumber"], 16),
                algorithm,
                ocsp.OCSPCertStatus.GOOD,
                now,
                now + timedelta(days=7),
                None,
                None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self._pki.certificates[signer])
            .sign(self._pki.keys[signer], hashes.SHA256())
        )
        return base64.b64encode(response.public_bytes(serialization.Encoding.DER)).decode("ascii")

    def server_context(self, *, asks_for_certificate: bool) -> ssl.SSLContext:
        """A context of the central system with its valid chain; `show` changes the chain, `oldest_tls` the version."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(SUITES)
        self.show(context, VALID_SERVER)
        if asks_for_certificate:
            context.load_verify_locations(self._folder / "csms_root.pem")
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def show(self, context: ssl.SSLContext, name: str) -> None:
        """From the next handshake on the central system shows this chain."""
        context.load_cert_chain(self._folder / f"{name}_chain.pem", self._folder / f"{name}.key")

    def sign_request(self, request: x509.CertificateSigningRequest, issuer: str, *, days: int = 90) -> str:
        """The certificate that a station asked for, signed by this authority, with the sub-CAs below the root, as PEM.

        Like its authority's certificate it says where its status can be asked.
        """
        authority, signer = self._pki.certificates[issuer], self._pki.keys[issuer]
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(authority.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]),
                critical=False,
            )
        )
        with contextlib.suppress(x509.ExtensionNotFound):
            status = authority.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
            builder = builder.add_extension(status.value, critical=False)
        certificate = builder.sign(signer, hashes.SHA256())
        below_root = [certificate, *self._pki.chain(issuer)]
        return "".join(c.public_bytes(serialization.Encoding.PEM).decode("ascii") for c in below_root)


def oldest_tls(context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    """From the next handshake on the central system speaks this version and nothing newer."""
    context.minimum_version = version
    context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")


def ordinary_tls(context: ssl.SSLContext) -> None:
    """From the next handshake on TLS 1.2 and newer again."""
    context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES)
