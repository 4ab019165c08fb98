"""M03 to M05 Certificates: roots installed, listed and deleted by the central system.

They are files of the station's secrets: the central system's roots serve the next connection, those of cars and contracts the next car.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import CallAnswer, KeepFile, SecurityEventOccurred, Share, WriteJournal, status
from chargepoint.ocpp.blocks.network_profile import NetworkProfilesBlock
from chargepoint.ocpp.certificate_stock import (
    CSMS_ROOTS,
    ROOT_FOLDERS,
    SECC_CHAIN,
    STATION_CHAIN,
    V2G_ROOTS,
    CertificateStock,
    StockItem,
    key_name,
)
from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.kept_files import KeptFiles
from chargepoint.ocpp.root_succession import RootSuccession
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.variables.security import MAX_CERTIFICATES
from chargepoint.security import chain as rules
from chargepoint.security.certificate_hash import HashData, hash_data
from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, read_pem

V2G_CHAIN = "V2GCertificateChain"
CHILDREN_MAX = 4
SERIAL_DIGITS_MAX = 40


@dataclass(frozen=True, slots=True)
class _Entry:
    """One installed certificate as the central system knows it: its item, its place in the item's chain, its hash data."""

    kind: str
    item: StockItem
    hashed: HashData
    children: tuple[HashData, ...] = ()


class CertificatesBlock(FunctionalBlock):
    """Certificates of the configuration are listed too; only the installer deletes them."""

    def __init__(self, csms: CsmsSection, files: KeptFiles, network: NetworkProfilesBlock) -> None:
        super().__init__()
        self._checks_roots = csms.additional_root_check
        self._files = files
        self._stock = CertificateStock(files)
        self._network = network
        self.calls = {
            "InstallCertificate": self._install,
            "DeleteCertificate": self._delete,
            "GetInstalledCertificateIds": self._list,
        }

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """How many certificates came over OCPP."""
        return str(self._stock.installed_count) if row.key == "SecurityCtrlr/CertificateEntries" else None

    def _install(self, request: Payload, now: StationNow) -> CallAnswer:
        """M05. The same certificate again replaces itself (M05.FR.17)."""
        folder = ROOT_FOLDERS[request["certificateType"]]
        try:
            certificates = read_pem(request["certificate"].encode("utf-8"))
            root = certificates[0]
            hash_data(root, root)
        except CertificateUnreadable as error:  # M05.FR.07
            return _rejected("InvalidCertificate", str(error))
        if len(certificates) > 1:
            return _rejected(
                "InvalidCertificate", f"{len(certificates)} certificates in one message: one root is wanted"
            )
        finding = (
            rules.expired((root,), now.utc_s)
            or rules.not_yet_valid((root,), now.utc_s)
            or rules.weak_key((root,))
            or rules.not_understood((root,))
        )
        if finding is not None:
            return _rejected("InvalidCertificate", finding.text)
        if not root.authority:
            return _rejected("InvalidCertificate", f"{root.shown_name}: it is no authority, so it is no root")
        replaced: tuple[KeepFile, ...] = ()
        if folder == CSMS_ROOTS and self._checks_roots:
            succession = RootSuccession(self._files)
            if any(item.leaf == root for item in succession.present()):
                return CallAnswer(status("Accepted"))
            issuer = succession.issuer(root)
            if succession.present() and issuer is None:  # M05.FR.11
                text = f"{root.shown_name}: no present root of the central system signed it (AdditionalRootCertificateCheck)"
                return _rejected("InvalidCertificate", text)
            replaced = succession.removed(kept=() if issuer is None else (issuer.leaf,))  # M05.FR.09, FR.12
        name = f"{folder}/{root.identity[:32]}.pem"
        if name not in self._files and self._stock.installed_count >= MAX_CERTIFICATES:  # M05.FR.06
            return _rejected("OutOfStorage", f"{MAX_CERTIFICATES} certificates are installed: delete one")
        return CallAnswer(
            status("Accepted"),
            (
                self._files.keep(name, request["certificate"]),
                *replaced,
                WriteJournal("*", f"OCPP: {request['certificateType']} {root.shown_name} was installed"),
                Share(SecurityEventOccurred("ReconfigurationOfSecurityParameters", request["certificateType"])),
            ),
            unstored="Failed",  # M05.FR.03
        )

    def _list(self, request: Payload, now: StationNow) -> CallAnswer:
        """M03."""
        wanted = request.get("certificateType")
        found = [entry for entry in self._entries(now) if wanted is None or entry.kind in wanted]
        if not found:
            return CallAnswer(status("NotFound"))  # M03.FR.02
        return CallAnswer({"status": "Accepted", "certificateHashDataChain": [_chain_on_wire(e) for e in found]})

    def _delete(self, request: Payload, now: StationNow) -> CallAnswer:
        """M04."""
        asked = request["certificateHashData"]
        wanted = HashData(
            asked["hashAlgorithm"],
            asked["issuerNameHash"].lower(),
            asked["issuerKeyHash"].lower(),
            asked["serialNumber"].lower().lstrip("0"),
        )
        if any(wanted in hashed for hashed in self._own_hashes(wanted.algorithm)):  # M04.FR.06
            return _failed("UnsupportedRequest", "it is the station's own certificate")
        found = [e for e in self._entries(now, wanted.algorithm) if wanted == e.hashed]
        if not found:
            return CallAnswer(status("NotFound"))  # M04.FR.04
        if not all(entry.item.installed for entry in found):
            return _failed("ReadOnly", "the station's configuration names it; the installer can remove it")
        names = {entry.item.name for entry in found}
        roots = {item.name for item in self._stock.roots(CSMS_ROOTS)}
        if self._network.security_profile > 1 and roots and roots <= names:  # M04.FR.03
            return _failed(
                "UnsupportedRequest", "it is the last root of the central system, and the connection needs it"
            )
        chains = [name for name in names if name.startswith(SECC_CHAIN)]
        return CallAnswer(
            status("Accepted"),
            (
                *(self._files.forget(name) for name in sorted(names)),
                *(self._files.forget(key_name(name)) for name in chains),
                WriteJournal("*", f"OCPP: {found[0].kind} {found[0].item.leaf.shown_name} was deleted"),
                Share(SecurityEventOccurred("ReconfigurationOfSecurityParameters", found[0].kind)),
            ),
            unstored="Failed",  # M04.FR.03
        )

    # -- inside ------------------------------------------------------------------------------------------------------

    def _entries(self, now: StationNow, algorithm: str = "SHA256") -> Iterator[_Entry]:
        for kind, folder in ROOT_FOLDERS.items():
            if kind == "OEMRootCertificate" and not now.version.native_v2x:
                continue  # 2.0.1 has no such type
            roots = self._stock.roots(folder)
            for item in roots:
                issuer = rules.root_of(item.leaf, (root.leaf for root in roots)) or item.leaf
                yield _Entry(kind, item, hash_data(item.leaf, issuer, algorithm))
        for item in self._stock.chains(SECC_CHAIN):
            hashed = self._chain_hashes(item, V2G_ROOTS, algorithm)
            if hashed:
                yield _Entry(V2G_CHAIN, item, hashed[0], tuple(hashed[1 : CHILDREN_MAX + 1]))

    def _own_hashes(self, algorithm: str) -> Iterator[list[HashData]]:
        for item in self._stock.chains(STATION_CHAIN):
            yield self._chain_hashes(item, CSMS_ROOTS, algorithm)[:1]

    def _chain_hashes(self, item: StockItem, folder: str, algorithm: str) -> list[HashData]:
        """Of each certificate whose issuer is known, leaf first."""
        chain = item.certificates
        root = rules.root_of(chain[-1], (root.leaf for root in self._stock.roots(folder)))
        issuers: list[CertificateFacts] = [*chain, *([root] if root is not None else [])]
        return [hash_data(certificate, issuer, algorithm) for certificate, issuer in pairwise(issuers)]


def hash_on_wire(hashed: HashData) -> Payload:
    """CertificateHashDataType."""
    return {
        "hashAlgorithm": hashed.algorithm,
        "issuerNameHash": hashed.issuer_name_hash,
        "issuerKeyHash": hashed.issuer_key_hash,
        "serialNumber": hashed.serial_number[:SERIAL_DIGITS_MAX],
    }


def _chain_on_wire(entry: _Entry) -> Payload:
    payload: Payload = {"certificateType": entry.kind, "certificateHashData": hash_on_wire(entry.hashed)}
    if entry.children:  # M03.FR.05
        payload["childCertificateHashData"] = [hash_on_wire(hashed) for hashed in entry.children]
    return payload


def _rejected(reason_code: str, text: str) -> CallAnswer:
    return CallAnswer(status("Rejected", reason_code, text))


def _failed(reason_code: str, text: str) -> CallAnswer:
    return CallAnswer(status("Failed", reason_code, text))
