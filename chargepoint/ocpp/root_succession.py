"""The succession of the central system's roots: which root is the present one, and which one is its fallback. A core.

With AdditionalRootCertificateCheck a new root must be signed by the present one and replaces it. The replaced root stays as fallback
until a connection was made with the new one. Source: OCPP 2.0.1 Part 2, M05.FR.09 to FR.16.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding

from chargepoint.ocpp.blocks.effects import KeepFile
from chargepoint.ocpp.certificate_stock import CSMS_ROOTS, REPLACED, CertificateStock, StockItem
from chargepoint.ocpp.kept_files import KeptFiles
from chargepoint.security.certificates import CertificateFacts


class RootSuccession:
    """The order follows from the signatures alone: a root that signed one which came over OCPP is the older one of the two."""

    def __init__(self, files: KeptFiles) -> None:
        self._files = files
        self._stock = CertificateStock(files)

    def present(self) -> tuple[StockItem, ...]:
        """The roots that no newer root replaces: one, unless the configuration names several."""
        fallbacks = self.fallbacks()
        return tuple(item for item in self._stock.roots(CSMS_ROOTS) if item not in fallbacks)

    def fallbacks(self) -> tuple[StockItem, ...]:
        """The roots that were replaced by one they signed, and that are still kept; at most one."""
        roots = self._stock.roots(CSMS_ROOTS)
        newer = [item.leaf for item in roots if item.installed]
        return tuple(item for item in roots if any(item.leaf != root and item.leaf.issued(root) for root in newer))

    def issuer(self, root: CertificateFacts) -> StockItem | None:
        """The present root that signed this new one; None where none did (M05.FR.11)."""
        return next((item for item in self.present() if item.leaf.issued(root)), None)

    def removed(self, *, kept: tuple[CertificateFacts, ...]) -> tuple[KeepFile, ...]:
        """The effects that leave these roots alone. A root of the configuration stays in its file, and is noted as replaced."""
        gone = [item for item in self._stock.roots(CSMS_ROOTS) if item.leaf not in kept]
        configured = [item.leaf.identity for item in gone if not item.installed]
        noted = [*self._files.get(REPLACED, "").split(), *configured]
        return (
            *((self._files.keep(REPLACED, "\n".join(noted)),) if configured else ()),
            *(self._files.forget(item.name) for item in gone if item.installed),
        )


class TrustedRoots:
    """Which roots of the central system each attempt to connect trusts. `checked`: AdditionalRootCertificateCheck is true."""

    def __init__(self, files: KeptFiles, *, checked: bool) -> None:
        self._files = files
        self._checked = checked
        self._succession = RootSuccession(files)
        self._by_fallback = False
        self._trusted: tuple[StockItem, ...] = ()

    def for_attempt(self) -> tuple[tuple[str, ...], bool]:
        """The roots (PEM) to trust now, and whether those of the configuration are trusted beside them."""
        fallbacks = self._succession.fallbacks() if self._checked else ()
        if fallbacks:
            self._trusted = fallbacks if self._by_fallback else self._succession.present()
            return tuple(_pem(item.leaf) for item in self._trusted), False
        self._trusted = ()
        present = self._succession.present()
        replaced = REPLACED in self._files
        return tuple(_pem(item.leaf) for item in present if replaced or item.installed), not replaced

    def failed(self, *, untrusted: bool, migrated: bool, migrates: bool) -> None:
        """An attempt failed. `untrusted`: the server's certificate was not trusted. A migration goes to another central system (B10);
        `migrated`: the attempt was one, `migrates`: the next one is."""
        if migrates:
            self._by_fallback = False  # M05.FR.15
        elif migrated:
            self._by_fallback = True  # M05.FR.16
        elif untrusted:
            self._by_fallback = not self._by_fallback  # M05.FR.14

    def worked(self, security_profile: int) -> tuple[KeepFile, ...]:
        """A connection was made. Where the new root alone was trusted, the replaced one goes (M05.FR.13)."""
        by_fallback, self._by_fallback = self._by_fallback, False
        if security_profile == 1 or by_fallback or not self._trusted:
            return ()
        return self._succession.removed(kept=tuple(item.leaf for item in self._trusted))


def _pem(certificate: CertificateFacts) -> str:
    return certificate.certificate.public_bytes(Encoding.PEM).decode("ascii")
