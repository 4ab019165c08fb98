"""The certificates that the station has, by use: those that came over OCPP and those of the configuration. A core.

Roots lie in one folder for each use, one file for each root. The station's own chains are `NAME_chain_ID.pem`, with the key `NAME_ID.key`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from chargepoint.ocpp.kept_files import KeptFiles
from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, read_pem

ROOT_FOLDERS = {
    "CSMSRootCertificate": "csms_roots",
    "ManufacturerRootCertificate": "manufacturer_roots",
    "V2GRootCertificate": "v2g_roots",
    "MORootCertificate": "mo_roots",
    "OEMRootCertificate": "oem_roots",
}
"""InstallCertificateUseEnumType -> folder."""

CSMS_ROOTS = "csms_roots"
REPLACED = "csms_roots/replaced"
"""The identities of configured roots of the central system that a root which came over OCPP has replaced, one in each line."""
V2G_ROOTS = "v2g_roots"
MANUFACTURER_ROOTS = "manufacturer_roots"
CAR_ROOTS = ("v2g_roots", "mo_roots", "oem_roots")
STATION_CHAIN, SECC_CHAIN = "station_chain", "secc_chain"
"""How the names of the station's own chains begin: towards the central system, and towards cars."""


@dataclass(frozen=True, slots=True)
class StockItem:
    """A file with certificates: a root, or a chain (leaf first). `installed`: it came over OCPP, else it is configured."""

    name: str
    certificates: tuple[CertificateFacts, ...]
    installed: bool

    @property
    def leaf(self) -> CertificateFacts:
        """The first certificate."""
        return self.certificates[0]


def key_name(chain_name: str) -> str:
    """The name of the private key of a chain."""
    return chain_name.replace("_chain", "", 1).removesuffix(".pem") + ".key"


class CertificateStock:
    """What `files` hold. A file that cannot be read is no certificate."""

    def __init__(self, files: KeptFiles) -> None:
        self._files = files

    def roots(self, folder: str) -> tuple[StockItem, ...]:
        """The roots of one use; a configured file with several certificates is several items. Replaced ones are none."""
        replaced = self._files.get(REPLACED, "").split() if folder == CSMS_ROOTS else ()
        return tuple(
            StockItem(item.name, (certificate,), item.installed)
            for item in self._items(f"{folder}/")
            for certificate in item.certificates
            if item.installed or certificate.identity not in replaced
        )

    def chains(self, name: str) -> tuple[StockItem, ...]:
        """The station's own chains whose key is there, the newest first, by the start of their validity (A02.FR.09)."""
        found = [i for i in self._items(name) if not i.installed or key_name(i.name) in self._files]
        return tuple(sorted(found, key=lambda item: (item.leaf.valid_from_s, item.installed), reverse=True))

    def valid_chains(self, name: str, utc_s: float) -> tuple[StockItem, ...]:
        """Those that are valid at this time."""
        return tuple(i for i in self.chains(name) if i.leaf.valid_from_s <= utc_s <= i.leaf.valid_until_s)

    def has_valid_root(self, folder: str, utc_s: float) -> bool:
        """Whether a root of this use is valid at this time."""
        return any(i.leaf.valid_from_s <= utc_s <= i.leaf.valid_until_s for i in self.roots(folder))

    @property
    def installed_count(self) -> int:
        """Certificates that came over OCPP (chains count once)."""
        return sum(name.endswith(".pem") for name in self._files)

    def _items(self, beginning: str) -> Iterator[StockItem]:
        for entries, installed in ((self._files, True), (self._files.configured, False)):
            for name, text in entries.items():
                if name.startswith(beginning) and name.endswith(".pem") and (facts := _read(text)):
                    yield StockItem(name, facts, installed)


@lru_cache(maxsize=128)
def _read(text: str) -> tuple[CertificateFacts, ...]:
    try:
        return read_pem(text.encode("utf-8"))
    except CertificateUnreadable:
        return ()
