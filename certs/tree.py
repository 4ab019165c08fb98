"""The tree of a development PKI: which certificate is signed by which, and what each may do. Data, no keys.

V2G root -> CPO sub-CAs -> SECC leaf, and CPS sub-CAs -> CPS leaf; OEM root -> sub-CAs -> vehicle and provisioning leaves;
MO root -> sub-CAs -> contract leaf; CSMS root -> server and station leaves. Depths as ISO 15118-20 Annex B draws them
(unverified: drawn from docs/sources/iso15118-20.md 2.2 and the layout other stacks use).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Use(Enum):
    """What a certificate may do."""

    ROOT = "root"
    SUB_CA = "sub-ca"
    SERVER = "server"
    CLIENT = "client"
    CONTRACT = "contract"
    SIGNER = "signer"
    """Signs data and opens no TLS connection: the provisioning leaf of a car, the leaf of a certificate provisioning service."""


@dataclass(frozen=True, slots=True)
class Node:
    """One certificate to make. What is None follows from `use`."""

    name: str
    common_name: str
    issuer: str | None
    use: Use
    days: int
    domain_component: str | None = None
    """Domain component of the subject, by which ISO 15118 distinguishes CPO, OEM, MO and V2G certificates."""
    hosts: tuple[str, ...] = ()
    path_length: int | None = None
    """How many sub-CAs may stand below this authority; None: no bound."""
    starts_after_days: float = -1 / 24
    """When the certificate becomes valid, counted from the moment of making."""
    organization: str | None = "Development PKI"
    key_usage: frozenset[str] | None = None
    """Names as `cryptography.x509.KeyUsage` has them."""
    purposes: frozenset[str] | None = None
    """Dotted object identifiers of the extended key usage; empty: no such extension."""
    signed_with: str | None = None
    """The node whose key signs, where that is not the issuer's: a forgery."""
    curve: str | None = None
    """The key's curve where it is not the curve of the PKI."""
    unknown_critical_extension: bool = False
    status_address: bool = True
    """Whether the certificate says where its revocation can be asked (not roots)."""


TREE: tuple[Node, ...] = (
    Node("v2g_root", "V2GRootCA-DEV", None, Use.ROOT, 3650, "V2G"),
    Node("cpo_sub1", "CPOSubCA1-DEV", "v2g_root", Use.SUB_CA, 1460, "V2G", path_length=1),
    Node("cpo_sub2", "CPOSubCA2-DEV", "cpo_sub1", Use.SUB_CA, 730, "V2G", path_length=0),
    Node("secc", "SECC-DEV", "cpo_sub2", Use.SERVER, 60, "CPO"),
    Node("cps_sub1", "CPSSubCA1-DEV", "v2g_root", Use.SUB_CA, 1460, "V2G", path_length=1),
    Node("cps_sub2", "CPSSubCA2-DEV", "cps_sub1", Use.SUB_CA, 730, "V2G", path_length=0),
    Node("cps", "CPS-DEV", "cps_sub2", Use.SIGNER, 90, "CPS"),
    Node("oem_root", "OEMRootCA-DEV", None, Use.ROOT, 3650, "OEM"),
    Node("oem_sub1", "OEMSubCA1-DEV", "oem_root", Use.SUB_CA, 1460, "OEM", path_length=1),
    Node("oem_sub2", "OEMSubCA2-DEV", "oem_sub1", Use.SUB_CA, 730, "OEM", path_length=0),
    Node("vehicle", "WMIDEV000000001", "oem_sub2", Use.CLIENT, 365, "OEM"),
    Node("provisioning", "DEVPCID0000000001", "oem_sub2", Use.SIGNER, 365, "OEM"),
    Node("mo_root", "MORootCA-DEV", None, Use.ROOT, 3650, "MO"),
    Node("mo_sub1", "MOSubCA1-DEV", "mo_root", Use.SUB_CA, 1460, "MO", path_length=1),
    Node("mo_sub2", "MOSubCA2-DEV", "mo_sub1", Use.SUB_CA, 730, "MO", path_length=0),
    Node("contract", "UKSWI123456791A", "mo_sub2", Use.CONTRACT, 365, "MO"),
    Node("csms_root", "CSMSRootCA-DEV", None, Use.ROOT, 3650, status_address=False),
    Node(
        "csms", "localhost", "csms_root", Use.SERVER, 365, hosts=("localhost", "127.0.0.1", "::1"), status_address=False
    ),
    Node("station", "CP1", "csms_root", Use.CLIENT, 365, status_address=False),
)
