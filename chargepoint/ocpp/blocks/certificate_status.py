"""M06 Certificate status: whether the station's certificates towards cars are revoked, asked of the central system and kept."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.contracts import hash_on_wire
from chargepoint.ocpp.blocks.effects import Effects, Send, WriteJournal
from chargepoint.ocpp.certificate_stock import SECC_CHAIN, V2G_ROOTS, CertificateStock
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.kept_files import KeptFiles
from chargepoint.ocpp.schemas import Payload
from chargepoint.security import chain as rules
from chargepoint.security.certificates import CertificateFacts
from chargepoint.security.revocation import Revocation, hash_data, read_answer

SPACE = "certificate-status"
"""By the certificate's identity: the answer (base64 of the OCSP response), what it says, and when it came (UTC seconds)."""

REFRESH_S = 7 * 86_400.0
"""M06.FR.10."""
RETRY_S = 3600.0
"""After an answer that says nothing, and after none."""


@dataclass(frozen=True, slots=True)
class _Question:
    certificate: CertificateFacts
    issuer: CertificateFacts
    wire: Payload


class CertificateStatusBlock(FunctionalBlock):
    """Asks about leaf and sub-CAs once a week, and at once for a new chain. An answer counts only if its signature is right."""

    def __init__(self, kept: Kept, files: KeptFiles) -> None:
        super().__init__()
        self._space = kept.space(SPACE)
        self._stock = CertificateStock(files)
        self._asked_s: dict[str, float] = {}
        """When a certificate was asked about last (monotonic s), by its identity: lost with the process."""
        self._next_s: float | None = None
        self.takes = {"GetCertificateStatus": self._answered}

    @property
    def deadline_s(self) -> float | None:
        """The next question."""
        return self._next_s

    def tick(self, now: StationNow) -> Effects:
        """M06.FR.06, FR.07, FR.10."""
        self._next_s = None
        if not now.online:
            return ()
        questions = self._questions(now)
        if not questions:
            return ()
        self._next_s = now.monotonic_s + RETRY_S
        sends: list[Send] = []
        for question in questions:
            identity = question.certificate.identity
            asked_s = self._asked_s.get(identity)
            if self._is_fresh(identity, now) or (asked_s is not None and now.monotonic_s - asked_s < RETRY_S):
                continue
            self._asked_s[identity] = now.monotonic_s
            sends.append(Send("GetCertificateStatus", {"ocspRequestData": question.wire}, waits=True))
        current = {question.certificate.identity for question in questions}
        return (*sends, *(self._space.forget(identity) for identity in self._space if identity not in current))

    def disconnected(self, now: StationNow) -> Effects:
        """A question that was on its way is asked again on the next connection."""
        self._asked_s.clear()
        return ()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _is_fresh(self, identity: str, now: StationNow) -> bool:
        kept = self._space.get(identity)
        return kept is not None and 0 <= now.utc_s - kept["utc_s"] < REFRESH_S

    def _questions(self, now: StationNow) -> list[_Question]:
        """About the newest chain towards cars; those that OCPP cannot ask about are left out."""
        chains = self._stock.valid_chains(SECC_CHAIN, now.utc_s)
        if not chains:
            return []
        chain = chains[0].certificates
        root = rules.root_of(chain[-1], (item.leaf for item in self._stock.roots(V2G_ROOTS)))
        issuers = [*chain, *([root] if root is not None else [])]
        return [
            _Question(certificate, issuer, hash_on_wire(hashed))
            for certificate, issuer in pairwise(issuers)
            for hashed in hash_data((certificate,), issuer)
        ]

    def _answered(self, request: Payload, response: Payload, now: StationNow) -> Effects:
        question = next((q for q in self._questions(now) if q.wire == request["ocspRequestData"]), None)
        if question is None:
            return ()
        name, result = question.certificate.shown_name, response.get("ocspResult", "")
        if response["status"] != "Accepted":  # M06.FR.04
            return (WriteJournal("!", f"OCPP: the central system has no revocation status of {name}"),)
        found = read_answer(result, question.certificate, question.issuer, now.utc_s)
        if found is Revocation.UNKNOWN:
            return (
                WriteJournal("!", f"OCPP: the revocation status of {name} cannot be used: unsigned, old or unknown"),
            )
        kept = self._space.keep(
            question.certificate.identity, {"utc_s": now.utc_s, "status": found.value, "answer": result}
        )
        if found is Revocation.GOOD:
            return (kept,)
        text = f"the station's certificate {name} is revoked: cars will refuse it; sign a new one"
        return (kept, WriteJournal("!", f"OCPP: {text}"))
