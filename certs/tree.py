"""The tree of a development PKI: which certificate is signed by which, and what each may do. Data, no keys.

V2G root -> CPO sub-CAs -> SECC leaf; OEM root -> sub-CAs -> vehicle leaf; MO root -> sub-CAs -> contract leaf;
CSMS root -> server and station leaves. Depths as ISO 15118-20 Annex B draws them (unverified: drawn from docs/sources/safety.md
and the layout other stacks use).
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


@dataclass(frozen=True, slots=True)
class Node:
    """One certificate to make."""

    name: str
    common_name: str
    issuer: str | None
    use: Use
    days: int
    domain_component: str | None = None
    """Domain component of the subject, by which ISO 15118 distinguishes CPO, OEM, MO and V2G certificates."""
    hosts: tuple[str, ...] = ()


TREE: tuple[Node, ...] = (
    Node("v2g_root", "V2GRootCA-DEV", None, Use.ROOT, 3650, "V2G"),
    Node("cpo_sub1", "CPOSubCA1-DEV", "v2g_root", Use.SUB_CA, 1460, "V2G"),
    Node("cpo_sub2", "CPOSubCA2-DEV", "cpo_sub1", Use.SUB_CA, 730, "V2G"),
    Node("secc", "SECC-DEV", "cpo_sub2", Use.SERVER, 60, "CPO"),
    Node("oem_root", "OEMRootCA-DEV", None, Use.ROOT, 3650, "OEM"),
    Node("oem_sub1", "OEMSubCA1-DEV", "oem_root", Use.SUB_CA, 1460, "OEM"),
    Node("oem_sub2", "OEMSubCA2-DEV", "oem_sub1", Use.SUB_CA, 730, "OEM"),
    Node("vehicle", "WMIDEV000000001", "oem_sub2", Use.CLIENT, 365, "OEM"),
    Node("mo_root", "MORootCA-DEV", None, Use.ROOT, 3650, "MO"),
    Node("mo_sub1", "MOSubCA1-DEV", "mo_root", Use.SUB_CA, 1460, "MO"),
    Node("mo_sub2", "MOSubCA2-DEV", "mo_sub1", Use.SUB_CA, 730, "MO"),
    Node("contract", "UKSWI123456791A", "mo_sub2", Use.CONTRACT, 365, "MO"),
    Node("csms_root", "CSMSRootCA-DEV", None, Use.ROOT, 3650),
    Node("csms", "localhost", "csms_root", Use.SERVER, 365, hosts=("localhost", "127.0.0.1", "::1")),
    Node("station", "CP1", "csms_root", Use.CLIENT, 365),
)
