"""C07 Authorization by contract certificates: the Authorize request, what its answer means, and the rule while offline."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.car_questions import AuthorizeContract, CertificateHash, ContractJudged, ContractStatus
from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.model.status import AuthorizationStatus
from chargepoint.ocpp.blocks.authorization import AuthorizationBlock, token_on_wire
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import Send
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.token_cache import status_at

HASHES_MAX = 4
"""OCPP takes at most so many certificates in iso15118CertificateHashData."""

CENTRAL_VALIDATION = "ISO15118Ctrlr/CentralContractValidationAllowed"
OFFLINE_VALIDATION = "ISO15118Ctrlr/ContractValidationOffline"

_CERTIFICATE_STATUSES = {
    "CertificateExpired": (ContractStatus.CERTIFICATE_EXPIRED, "the contract's certificate has expired"),
    "CertificateRevoked": (ContractStatus.CERTIFICATE_REVOKED, "the contract's certificate is revoked"),
    "SignatureError": (ContractStatus.CERTIFICATE_INVALID, "a signature in the contract's chain is wrong"),
    "CertChainError": (ContractStatus.CERTIFICATE_INVALID, "the contract's chain is not valid"),
    "NoCertificateAvailable": (ContractStatus.CERTIFICATE_INVALID, "the central system has no certificate for it"),
}
"""What AuthorizeCertificateStatusEnumType says against a chain. Accepted and ContractCancelled leave the chain good (C07.FR.13)."""


@dataclass(frozen=True, slots=True)
class NotAsked:
    """The central system cannot be asked about this contract; the answer stands without it."""

    judged: ContractJudged


def hash_on_wire(certificate: CertificateHash) -> Payload:
    """OCSPRequestDataType."""
    return {
        "hashAlgorithm": certificate.hash_algorithm,
        "issuerNameHash": certificate.issuer_name_hash,
        "issuerKeyHash": certificate.issuer_key_hash,
        "serialNumber": certificate.serial_number,
        "responderURL": certificate.responder_url,
    }


class ContractsBlock(FunctionalBlock):
    """Questions about a car's contract, and their answers."""

    def __init__(self, model: DeviceModel, authorization: AuthorizationBlock) -> None:
        super().__init__()
        self._model = model
        self._authorization = authorization

    def question(self, contract: AuthorizeContract, now: StationNow) -> Send | NotAsked:
        """Authorize with the EMAID, the hashes, and the chain where the station has no root for it (C07.FR.02, FR.06)."""
        payload: Payload = {"idToken": token_on_wire(_token(contract))}
        if contract.hashes:
            payload["iso15118CertificateHashData"] = [hash_on_wire(hashed) for hashed in contract.hashes[:HASHES_MAX]]
        if contract.root_known:
            return Send("Authorize", payload)
        if not self._model.flag(CENTRAL_VALIDATION):
            why = f"no root here vouches for it, and {CENTRAL_VALIDATION} is false"
            return NotAsked(ContractJudged(ContractStatus.UNKNOWN_PROVIDER, why))
        longest, length = now.version.certificate_max_characters, len(contract.chain_pem)
        if length > longest:
            why = f"no root here vouches for it, and its chain has {length} characters; OCPP takes {longest}"
            return NotAsked(ContractJudged(ContractStatus.UNKNOWN_PROVIDER, why))
        payload["certificate"] = contract.chain_pem
        return Send("Authorize", payload)

    def without_csms(self, contract: AuthorizeContract, evse_id: EvseId, now: StationNow, why: str) -> ContractJudged:
        """The answer while the central system cannot be asked (C07.FR.07 to FR.12). `why` it cannot, in words."""
        if not self._model.flag(OFFLINE_VALIDATION):  # FR.07
            return ContractJudged(ContractStatus.REFUSED, f"{why}; {OFFLINE_VALIDATION} is false")
        if not contract.root_known:  # FR.08: it cannot be validated here
            return ContractJudged(ContractStatus.UNKNOWN_PROVIDER, f"{why}; no root here vouches for it")
        if not self._model.flag("AuthCtrlr/LocalAuthorizeOffline"):  # FR.09
            return ContractJudged(ContractStatus.REFUSED, f"{why}; AuthCtrlr/LocalAuthorizeOffline is false")
        return _by_token(
            self._authorization.without_csms(_token(contract), evse_id, now), f"{why}; what is known here says"
        )


def judged(contract: AuthorizeContract, response: Payload, evse_id: EvseId) -> ContractJudged:
    """What an Authorize response says of the contract: its chain first, then its EMAID (C07.FR.13 to FR.17)."""
    chain = response.get("certificateStatus")
    if chain in _CERTIFICATE_STATUSES:
        status, why = _CERTIFICATE_STATUSES[chain]
        return ContractJudged(status, f"{why} ({chain})")
    if chain is None and not contract.root_known:
        why = "no root here vouches for it, and the central system did not validate it"
        return ContractJudged(ContractStatus.UNKNOWN_PROVIDER, why)
    judged_token = _by_token(status_at(response["idTokenInfo"], evse_id), "the central system answers")
    if chain == "ContractCancelled" and judged_token.status is ContractStatus.REFUSED:
        return ContractJudged(ContractStatus.CANCELED, f"{judged_token.why} ({chain})")
    return judged_token


def _by_token(status: AuthorizationStatus, who: str) -> ContractJudged:
    match status:
        case AuthorizationStatus.ACCEPTED:
            return ContractJudged(ContractStatus.ACCEPTED)
        case AuthorizationStatus.UNKNOWN:
            return ContractJudged(ContractStatus.UNKNOWN_PROVIDER, f"{who} {status.value}")
        case _:
            return ContractJudged(ContractStatus.REFUSED, f"{who} {status.value}")


def _token(contract: AuthorizeContract) -> IdToken:
    return IdToken(contract.emaid, IdTokenType.E_MAID)
