"""A02, A03 Certificate signing: the station's own keys and certificates, towards the central system and towards cars, renewed over OCPP."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    Effects,
    NoAnswer,
    Reconnect,
    SecurityEventOccurred,
    Send,
    Share,
    StartJob,
    WriteJournal,
    status,
)
from chargepoint.ocpp.blocks.jobs import GenerateKey, JobDone, JobEvent, JobFailed
from chargepoint.ocpp.blocks.network_profile import NetworkProfilesBlock
from chargepoint.ocpp.certificate_stock import (
    CSMS_ROOTS,
    SECC_CHAIN,
    STATION_CHAIN,
    V2G_ROOTS,
    CertificateStock,
    StockItem,
    key_name,
)
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.kept_files import KeptFiles
from chargepoint.ocpp.schemas import Payload
from chargepoint.security import chain as rules
from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, read_pem

SPACE = "certificate-signing"
"""By use: the request that waits for its certificate."""

RENEWAL_S = 30 * 86_400.0
"""So long before a certificate's end the station asks for the next one (A03.FR.02)."""

CHECK_EVERY_S = 3600.0
CHAIN_LENGTH_MAX = 5

WAIT_MINIMUM = "SecurityCtrlr/CertSigningWaitMinimum"
REPEAT_TIMES = "SecurityCtrlr/CertSigningRepeatTimes"
MAX_CHAIN_SIZE = "SecurityCtrlr/MaxCertificateChainSize"
ORGANIZATION = "SecurityCtrlr/OrganizationName"


@dataclass(frozen=True, slots=True)
class _Use:
    """A certificate of the station. `wire`: CertificateSigningUseEnumType; `chain`: how its files are named."""

    wire: str
    chain: str
    roots: str
    curve: str


_STATION = _Use("ChargingStationCertificate", STATION_CHAIN, CSMS_ROOTS, "secp256r1")
_CAR = _Use("V2GCertificate", SECC_CHAIN, V2G_ROOTS, "secp521r1")
"""ISO 15118-20 wants P-521 towards cars (docs/sources/iso15118-20.md 8)."""

_USES = {use.wire: use for use in (_STATION, _CAR)}
_JOB = "sign "
_KEY_SUFFIX = ".key"
CHAINS_MAX = 4
"""Certificates of one use that are kept; the oldest goes with its key. Where one is proven by a connection, the older go then."""


class _Waiting:
    """The request of one use: when SignCertificate goes out again. Lost with the process; the key and the request are kept."""

    def __init__(self) -> None:
        self.again_s: float | None = None
        self.resent = 0
        self.on_wire = False


class CertificateSigningBlock(FunctionalBlock):
    """The private key is made by a job, stays in its file, and leaves the station never (A02.FR.05)."""

    def __init__(
        self,
        csms: CsmsSection,
        station: StationSection,
        model: DeviceModel,
        kept: Kept,
        files: KeptFiles,
        network: NetworkProfilesBlock,
    ) -> None:
        super().__init__()
        self._name = station.serial_number or csms.identity  # A00.FR.511
        self._model = model
        self._space = kept.space(SPACE)
        self._files = files
        self._stock = CertificateStock(files)
        self._network = network
        self._waiting: dict[str, _Waiting] = {}
        self._making: dict[str, str] = {}
        """The name of the chain whose key is being made, by use."""
        self._number = 0
        self._next_check_s = 0.0
        self.calls = {"CertificateSigned": self._signed}
        self.takes = {"SignCertificate": self._sign_answered}
        self.triggers = {
            "SignChargingStationCertificate": lambda _, now: self._triggered(_STATION, now),
            "SignV2GCertificate": lambda _, now: self._triggered(_CAR, now),
        }

    # -- time ----------------------------------------------------------------------------------------------------------

    @property
    def deadline_s(self) -> float | None:
        """The next SignCertificate, or the next look at the validity."""
        again = [waiting.again_s for waiting in self._waiting.values() if waiting.again_s is not None]
        return min([self._next_check_s, *again])

    def started(self, now: StationNow) -> Effects:
        """A private key without a chain and without a request goes: the process ended between the making of one and its request."""
        requested = {key_name(pending["chain"]) for pending in self._space.values()}
        owned = {key_name(name) for name in self._files if name.endswith(".pem")}
        return tuple(
            self._files.forget(name)
            for name in self._files
            if name.endswith(_KEY_SUFFIX) and name not in requested and name not in owned
        )

    def tick(self, now: StationNow) -> Effects:
        """SignCertificate again where no certificate came (A02.FR.17); renewal before the end (A03.FR.02)."""
        effects: list[Send | StartJob | WriteJournal] = []
        for wire, waiting in self._waiting.items():
            if waiting.again_s is not None and now.monotonic_s >= waiting.again_s and now.online:
                waiting.again_s = None
                waiting.resent += 1
                effects += self._request(wire)
        if now.monotonic_s >= self._next_check_s:
            self._next_check_s = now.monotonic_s + CHECK_EVERY_S
            if now.online:
                effects += self._renewals(now)
        return tuple(effects)

    def disconnected(self, now: StationNow) -> Effects:
        """A request that was on its way goes out again on the next connection."""
        for waiting in self._waiting.values():
            if waiting.on_wire:
                waiting.on_wire, waiting.again_s = False, now.monotonic_s
                waiting.resent -= 1  # this one did not count
        return ()

    def accepted(self, now: StationNow) -> Effects:
        """The first look at the validity; what waited before a restart is asked again."""
        self._next_check_s = now.monotonic_s
        for wire, pending in self._space.items():
            if wire in _USES and wire not in self._waiting and not pending.get("refused"):
                self._waiting[wire] = _Waiting()
                self._waiting[wire].again_s = now.monotonic_s + self._model.integer(WAIT_MINIMUM)
        return ()

    # -- a new key, and its request --------------------------------------------------------------------------------------

    def _triggered(self, use: _Use, now: StationNow) -> CallAnswer:
        """A02.FR.02: a new key for each trigger. A key that is being made serves a second trigger too."""
        if use.wire in self._making:
            return CallAnswer(status("Accepted"))
        return CallAnswer(status("Accepted"), then=(self._new_key(use, now),))

    def _new_key(self, use: _Use, now: StationNow) -> StartJob:
        self._waiting.pop(use.wire, None)
        self._number += 1
        chain = f"{use.chain}_{int(now.utc_s):x}{self._number}.pem"
        self._making[use.wire] = chain
        job = GenerateKey(self._name[:64], self._model.text(ORGANIZATION), use.curve, key_name(chain))
        return StartJob(_JOB + use.wire, job)

    def job_event(self, event: JobEvent, now: StationNow) -> Effects:
        """The key is there: its request goes out. The request before, and its key, are forgotten."""
        use = _USES.get(event.name.removeprefix(_JOB)) if event.name.startswith(_JOB) else None
        if use is None or use.wire not in self._making:
            return ()
        match event:
            case JobDone(result=csr):
                chain = self._making.pop(use.wire)
                self._files.made(key_name(chain))
                self._waiting[use.wire] = _Waiting()
                old = self._space.get(use.wire)
                return (
                    *(() if old is None else (self._files.forget(key_name(old["chain"])),)),
                    self._space.keep(use.wire, {"chain": chain, "csr": csr}),
                    *self._request(use.wire, csr),
                )
            case JobFailed(text=text):
                del self._making[use.wire]
                return (WriteJournal("!", f"OCPP: no new key for {use.wire}: {text}"),)
            case _:
                return ()

    def _request(self, wire: str, csr: str = "") -> list[Send]:
        self._waiting[wire].on_wire = True
        return [Send("SignCertificate", {"csr": csr or self._space[wire]["csr"], "certificateType": wire})]

    def _sign_answered(self, request: Payload, response: Payload, now: StationNow) -> Effects:
        """A02.FR.17 to FR.19: the back-off doubles CertSigningRepeatTimes times."""
        wire = request.get("certificateType", _STATION.wire)
        waiting = self._waiting.get(wire)
        if waiting is None:
            return ()
        waiting.on_wire = False
        if response["status"] != "Accepted":
            del self._waiting[wire]
            return (WriteJournal("!", f"OCPP: the central system does not sign the {wire}"),)
        self._wait(waiting, now)
        return ()

    def unanswered(self, action: str, request: Payload, no_answer: NoAnswer, now: StationNow) -> Effects:
        """No answer counts as a certificate that does not come."""
        waiting = self._waiting.get(request.get("certificateType", "")) if action == "SignCertificate" else None
        if waiting is not None:
            waiting.on_wire = False
            self._wait(waiting, now)
        return ()

    def _wait(self, waiting: _Waiting, now: StationNow) -> None:
        waiting.again_s = None
        if waiting.resent <= self._model.integer(REPEAT_TIMES):
            waiting.again_s = now.monotonic_s + self._model.integer(WAIT_MINIMUM) * 2.0**waiting.resent

    def _renewals(self, now: StationNow) -> list[StartJob | WriteJournal]:
        """Of certificates that came over OCPP: those of the configuration are the installer's to renew."""
        effects: list[StartJob | WriteJournal] = []
        for use in _USES.values():
            chains = self._stock.chains(use.chain)
            if use.wire in self._space or not chains or not chains[0].installed:
                continue
            left_s = chains[0].leaf.valid_until_s - now.utc_s
            if left_s < RENEWAL_S:
                effects.append(
                    WriteJournal("*", f"OCPP: the {use.wire} ends in {left_s / 86_400:.0f} days; renewing it")
                )
                effects.append(self._new_key(use, now))
        return effects

    # -- the certificate -------------------------------------------------------------------------------------------------

    def _signed(self, request: Payload, now: StationNow) -> CallAnswer:
        """A02.FR.06, FR.07, FR.16. Accepted: the chain is on the disk, and serves the next connection.

        A certificate whose validity begins in the future is refused (errata 2025-09, 2.9).
        """
        use = _USES.get(request.get("certificateType", _STATION.wire))
        text: str = request["certificateChain"]
        most = self._model.integer(MAX_CHAIN_SIZE)
        if use is None:
            return _rejected("UnsupportedParam", f"certificateType {request['certificateType']}")
        if len(text) > most:
            return _rejected("TooLargeElement", f"certificateChain: {len(text)} characters, at most {most}")
        pending = self._space.get(use.wire)
        if pending is None:
            return self._refused(use, "no SignCertificate waits for a certificate")
        try:
            chain = read_pem(text.encode("utf-8"))
            problem = self._problem(use, chain, pending["csr"], now)
        except CertificateUnreadable as error:
            problem = str(error)
        if problem is not None:
            return self._refused(use, problem)
        self._waiting.pop(use.wire, None)
        leaf = chain[0]
        surplus = self._surplus(use)
        effects: Effects = (
            self._files.keep(pending["chain"], text),
            *(self._files.forget(name) for item in surplus for name in (key_name(item.name), item.name)),
            self._space.forget(use.wire),
            WriteJournal("*", f"OCPP: new {use.wire} {leaf.shown_name}"),
            Share(SecurityEventOccurred("ReconfigurationOfSecurityParameters", use.wire)),
        )
        reconnect = use is _STATION and self._network.security_profile == 3
        then = (Reconnect("a new certificate: the next connection shows it"),) if reconnect else ()  # A02.FR.08
        return CallAnswer(status("Accepted"), effects, then=then)

    def _surplus(self, use: _Use) -> tuple[StockItem, ...]:
        """The oldest chains that make way for one more. None where the connection decides which of them still serve."""
        if use is _STATION and self._network.security_profile == 3:
            return ()
        installed = [item for item in self._stock.chains(use.chain) if item.installed]
        return tuple(installed[CHAINS_MAX - 1 :])

    def _refused(self, use: _Use, problem: str) -> CallAnswer:
        """A02.FR.07; nothing is asked again before the next trigger (A02.FR.20)."""
        self._waiting.pop(use.wire, None)
        pending = self._space.get(use.wire)
        effects = () if pending is None else (self._space.keep(use.wire, {**pending, "refused": True}),)
        event = SecurityEventOccurred("InvalidChargingStationCertificate", problem)
        return CallAnswer(status("Rejected", "InvalidCertificate", problem), effects, then=(Share(event),))

    def _problem(self, use: _Use, chain: tuple[CertificateFacts, ...], csr: str, now: StationNow) -> str | None:
        leaf = chain[0]
        if len(chain) > CHAIN_LENGTH_MAX:
            return f"{len(chain)} certificates, at most {CHAIN_LENGTH_MAX}"
        if _public_key(leaf) != _requested_key(csr):
            return f"{leaf.shown_name}: its key is not the one of the request"
        if use is _STATION and leaf.common_name != self._name:  # A00.FR.511
            return f"{leaf.shown_name}: its common name must be {self._name}"
        finding = (
            rules.expired(chain, now.utc_s)
            or rules.not_yet_valid(chain, now.utc_s)
            or rules.weak_key(chain)
            or rules.weak_signature(chain)
            or (
                rules.Finding(rules.ChainFault.LEAF_IS_AUTHORITY, "the leaf is an authority")
                if leaf.authority
                else None
            )
            or rules.wrong_order(chain)
        )
        if finding is not None:
            return finding.text
        roots = [item.leaf for item in self._stock.roots(use.roots)]
        if chain[-1] not in roots and rules.root_of(chain[-1], roots) is None:
            return f"{chain[-1].shown_name}: no root of this station vouches for it; install the root first"
        return None


def _public_key(certificate: CertificateFacts) -> bytes:
    key = certificate.certificate.public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def _requested_key(csr: str) -> bytes | None:
    try:
        key = x509.load_pem_x509_csr(csr.encode("ascii")).public_key()
        return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _rejected(reason_code: str, text: str) -> CallAnswer:
    return CallAnswer(status("Rejected", reason_code, text))
