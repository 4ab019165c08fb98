"""The station's own leaves in a folder of keys: which there are, and which of them a protocol shows.

ISO 15118-20 wants P-521 or Ed448, ISO 15118-2 wants P-256 (docs/sources/iso15118-20.md 8, docs/sources/iso15118-2-din.md 4).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from chargepoint.model.unusable import Unusable
from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, KeyKind, read_pem


class TrustError(Unusable):
    """A key, certificate or trust store that cannot be used: says which file and why."""


@dataclass(frozen=True, slots=True)
class StationLeaf:
    """A leaf of the station, with its sub-CAs and its files."""

    leaf: CertificateFacts
    sub_cas: tuple[CertificateFacts, ...]
    chain: Path
    key: Path

    @property
    def top(self) -> CertificateFacts:
        """The certificate that a root issued."""
        return self.sub_cas[-1] if self.sub_cas else self.leaf


def own_leaves(directory: Path) -> list[tuple[Path, Path]]:
    """Chain and key of each of the station's leaves. secc_chain.pem stands first, and is named even where it is missing."""
    first = directory / "secc_chain.pem"
    further = sorted(directory.glob("secc_chain_*.pem"))
    return [
        (chain, chain.with_name(chain.stem.replace("secc_chain", "secc", 1) + ".key")) for chain in (first, *further)
    ]


def configured_leaves(directory: Path, *, may_be_missing: bool = False) -> list[StationLeaf]:
    """Every leaf of the folder. Raises TrustError where one cannot be read. `may_be_missing`: files that are not there are left out."""
    return [read_leaf(chain, key) for chain, key in own_leaves(directory) if chain.exists() or not may_be_missing]


def installed_leaves(directory: Path | None) -> list[StationLeaf]:
    """Every valid leaf of a folder that others fill. A leaf that cannot be used is left out: a configured one serves."""
    found = []
    for chain, key in [] if directory is None else own_leaves(directory):
        try:
            leaf = read_leaf(chain, key)
        except TrustError:
            continue
        if key.exists() and leaf.leaf.valid_from_s <= time.time() <= leaf.leaf.valid_until_s:
            found.append(leaf)
    return found


def of_iso20(leaves: Iterable[StationLeaf]) -> list[StationLeaf]:
    """Those for ISO 15118-20. A folder that has P-256 alone serves a bench, where cars know nothing else."""
    found = list(leaves)
    return [leaf for leaf in found if leaf.leaf.key_kind is not KeyKind.P256] or found


def of_iso2(leaves: Iterable[StationLeaf]) -> list[StationLeaf]:
    """Those for ISO 15118-2."""
    return [leaf for leaf in leaves if leaf.leaf.key_kind is KeyKind.P256]


def read_leaf(chain: Path, key: Path) -> StationLeaf:
    """Reads the chain, not the key. Raises TrustError."""
    try:
        leaf, *sub_cas = read_pem(chain.read_bytes())
    except (OSError, CertificateUnreadable, ValueError) as error:
        raise TrustError(f"{chain}: {error}") from error
    return StationLeaf(leaf, tuple(sub_cas), chain, key)
