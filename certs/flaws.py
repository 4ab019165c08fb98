"""Trees with one thing wrong: what a station must refuse, as data. `python -m certs DIR --flaw NAME` writes one.

Each flaw changes the branch of one leaf and leaves the rest of the tree good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.tree import TREE, Node, Use


class Flaw(Enum):
    """What is wrong with a chain."""

    EXPIRED = "expired"
    SUB_CA_EXPIRED = "sub-ca-expired"
    ROOT_EXPIRED = "root-expired"
    NOT_YET_VALID = "not-yet-valid"
    ENDS_SOON = "ends-soon"
    FORGED = "forged"
    """The leaf names its issuer, and another key signed it."""
    WRONG_KEY_USAGE = "wrong-key-usage"
    """The leaf may not make digital signatures."""
    LEAF_SIGNS_CERTIFICATES = "leaf-signs-certificates"
    WRONG_PURPOSE = "wrong-purpose"
    """A contract for TLS servers; a vehicle without the purpose «TLS client»."""
    SUB_CA_NO_AUTHORITY = "sub-ca-no-authority"
    SUB_CA_MAY_NOT_SIGN = "sub-ca-may-not-sign"
    PATH_LENGTH = "path-length"
    """The upper sub-CA allows no sub-CA below it."""
    TOO_LONG = "too-long"
    """Four sub-CAs."""
    CRITICAL_EXTENSION = "critical-extension"
    """A critical extension that nobody knows."""
    WRONG_KEY = "wrong-key"
    """The leaf's key is on P-384."""
    NO_NAME = "no-name"
    """The common name is no EMAID."""
    NO_ORGANIZATION = "no-organization"
    NO_STATUS_ADDRESS = "no-status-address"


def flawed_tree(leaf: str, flaw: Flaw, tree: tuple[Node, ...] = TREE) -> tuple[Node, ...]:
    """The tree with this flaw in the branch of `leaf`. The leaf needs two sub-CAs above it, else ValueError."""
    by_name = {node.name: node for node in tree}
    lower = by_name[leaf].issuer or ""
    upper = by_name[lower].issuer if lower else None
    if upper is None or by_name[upper].issuer is None:
        raise ValueError(f"{leaf} has no two sub-CAs above it: choose secc, cps, vehicle, provisioning or contract")
    if flaw is Flaw.TOO_LONG:
        return _longer(tree, by_name, lower, upper)
    root = by_name[upper].issuer or ""
    place = {
        Flaw.SUB_CA_EXPIRED: upper,
        Flaw.SUB_CA_NO_AUTHORITY: lower,
        Flaw.SUB_CA_MAY_NOT_SIGN: lower,
        Flaw.PATH_LENGTH: upper,
        Flaw.ROOT_EXPIRED: root,
    }.get(flaw, leaf)
    return tuple(_CHANGES[flaw](node) if node.name == place else node for node in tree)


def _longer(tree: tuple[Node, ...], by_name: dict[str, Node], lower: str, upper: str) -> tuple[Node, ...]:
    low, high = by_name[lower], by_name[upper]
    between = [
        replace(high, name=f"{upper}_x", common_name=f"{high.common_name}-X", issuer=upper, path_length=2),
        replace(high, name=f"{upper}_y", common_name=f"{high.common_name}-Y", issuer=f"{upper}_x", path_length=1),
    ]
    changed = {upper: [replace(high, path_length=3), *between], lower: [replace(low, issuer=f"{upper}_y")]}
    return tuple(new for node in tree for new in changed.get(node.name, [node]))


_CHANGES: dict[Flaw, Callable[[Node], Node]] = {
    Flaw.EXPIRED: lambda node: replace(node, starts_after_days=-400.0, days=390),
    Flaw.SUB_CA_EXPIRED: lambda node: replace(node, starts_after_days=-400.0, days=390),
    Flaw.ROOT_EXPIRED: lambda node: replace(node, starts_after_days=-400.0, days=390),
    Flaw.NOT_YET_VALID: lambda node: replace(node, starts_after_days=10.0),
    Flaw.ENDS_SOON: lambda node: replace(node, days=13),
    Flaw.FORGED: lambda node: replace(node, signed_with="csms_root"),
    Flaw.WRONG_KEY_USAGE: lambda node: replace(node, key_usage=frozenset({"key_agreement"})),
    Flaw.LEAF_SIGNS_CERTIFICATES: lambda node: replace(
        node, key_usage=frozenset({"digital_signature", "key_cert_sign"})
    ),
    Flaw.WRONG_PURPOSE: lambda node: replace(
        node,
        purposes=frozenset() if node.use is Use.CLIENT else frozenset({ExtendedKeyUsageOID.SERVER_AUTH.dotted_string}),
    ),
    Flaw.SUB_CA_NO_AUTHORITY: lambda node: replace(node, use=Use.SIGNER, path_length=None),
    Flaw.SUB_CA_MAY_NOT_SIGN: lambda node: replace(node, key_usage=frozenset({"digital_signature"})),
    Flaw.PATH_LENGTH: lambda node: replace(node, path_length=0),
    Flaw.CRITICAL_EXTENSION: lambda node: replace(node, unknown_critical_extension=True),
    Flaw.WRONG_KEY: lambda node: replace(node, curve="p384"),
    Flaw.NO_NAME: lambda node: replace(node, common_name="nobody in particular"),
    Flaw.NO_ORGANIZATION: lambda node: replace(node, organization=None),
    Flaw.NO_STATUS_ADDRESS: lambda node: replace(node, status_address=False),
}
