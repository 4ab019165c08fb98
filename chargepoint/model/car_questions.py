"""Questions that a car's conversation asks the station, and their answers. Each pair has a deadline; silence is an answer too.

The conversation asks with `QuestionAsked` (model/car.py) and goes on answering the car «Ongoing» meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class CertificateHash:
    """One certificate as OCPP's OCSPRequestDataType names it; hashes and serial number in hex without 0x."""

    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str
    responder_url: str


@dataclass(frozen=True, slots=True)
class AuthorizeContract:
    """May this contract charge? The chain and its signature were checked as far as the station can.

    `chain_pem`: leaf first, for a central system that validates; `root_known`: the chain ends at a root of ours.
    `round` counts the questions of one conversation.
    """

    emaid: str
    chain_pem: str
    hashes: tuple[CertificateHash, ...]
    root_known: bool
    round: int = 0

    @property
    def hint(self) -> str:
        """The last four characters of the EMAID, for log and page: the whole names a person."""
        return f"…{self.emaid[-4:]}"


class ContractStatus(Enum):
    """What the central system answers about a contract, or the station in its place while there is no connection."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELED = "canceled"
    """The contract itself has ended; its certificate is good."""
    UNKNOWN_PROVIDER = "unknown provider"
    CERTIFICATE_REVOKED = "certificate revoked"
    CERTIFICATE_EXPIRED = "certificate expired"
    CERTIFICATE_INVALID = "certificate invalid"


@dataclass(frozen=True, slots=True)
class ContractJudged:
    """The answer to AuthorizeContract. `why`: one sentence for the log; empty where the contract is accepted."""

    status: ContractStatus
    why: str = ""


@dataclass(frozen=True, slots=True)
class InstallCertificate:
    """Relay a CertificateInstallationReq, or a CertificateUpdateReq, to the central system, byte for byte; zero bytes behind its document stay here.

    `schema_version`: the namespace of the request. `maximum_chains` and `prioritized_emaids` repeat what is in the request
    (OCPP 2.1 M01.FR.02, M01.FR.03). `round`: 0 for the first chain of a car, 1 for the second one, and so on.
    """

    exi_request: bytes
    schema_version: str
    maximum_chains: int | None = None
    prioritized_emaids: tuple[str, ...] = ()
    round: int = 0
    update: bool = False
    """ISO 15118-2: the car has a contract certificate, and asks for the next one."""


@dataclass(frozen=True, slots=True)
class CertificateRelayed:
    """The answer to InstallCertificate. `exi_response` None: the central system has none, `reason` says why.

    `remaining_chains`: how many chains the car can fetch after this one; None: the central system does not say.
    """

    exi_response: bytes | None
    remaining_chains: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PowerPiece:
    """What may flow for a while. Magnitudes in W."""

    duration_s: float
    charge_W: float
    discharge_W: float


@dataclass(frozen=True, slots=True)
class PricePiece:
    """How dear energy is for a while, in whole seconds. `level`: 0 is the cheapest, 255 the dearest."""

    duration_s: int
    level: int


@dataclass(frozen=True, slots=True)
class ForeseePower:
    """What does the station foresee for the next `horizon_s` seconds, in at most `points` pieces?

    `round` counts the schedules of one session, so that each is asked for anew.
    """

    round: int
    horizon_s: float
    points: int


@dataclass(frozen=True, slots=True)
class PowerForeseen:
    """The answer to ForeseePower: pieces from now on, without gaps; the last one holds to the end of the horizon.

    Each piece has a whole number of seconds, because a schedule on the wire has no fractions.
    """

    pieces: tuple[PowerPiece, ...]
    prices: tuple[PricePiece, ...] = ()
    """From now on, without gaps, as far as they are known; empty: no tariff is known."""


Question = AuthorizeContract | InstallCertificate | ForeseePower
AnswerToCar = ContractJudged | CertificateRelayed | PowerForeseen
