"""Judging an AuthorizationReq with a contract: signature, challenge and chain, in the order of the standard. A core.

Source: the table of docs/sources/iso15118-20.md 2.2. Sources disagree about a bad signature (FAILED_SignatureError, or
WARNING_CertificateValidationError); the warning is answered here, because the session then goes on with another card.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chargepoint.iso15118.messages.common_messages import AuthorizationReq
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.pnc.contract import ContractVerdict, judge
from chargepoint.iso15118.pnc.signature import SignedElement, verify
from chargepoint.model.car_questions import CertificateHash
from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, PublicKey, read_certificate
from chargepoint.security.chain import accepted_keys
from chargepoint.security.revocation import Revocation, hash_data


@dataclass(frozen=True, slots=True)
class ContractRequestVerdict:
    """What an AuthorizationReq with a contract is worth, before the central system is asked.

    `reason`: a sentence for the log; None where everything is good. `contract`: the verdict on the chain; None where an
    earlier check decided.
    """

    code: ResponseCode
    reason: str | None = None
    contract: ContractVerdict | None = None

    @property
    def accepted(self) -> bool:
        """Whether signature, challenge and chain are good."""
        return self.reason is None

    @property
    def emaid(self) -> str | None:
        """The contract's identifier (EMAID), where the chain was judged and names one."""
        return None if self.contract is None else self.contract.emaid

    def hash_data(self) -> tuple[CertificateHash, ...]:
        """What OCPP's Authorize asks about the chain's revocation, leaf first. Raises CertificateUnreadable."""
        if self.contract is None or self.contract.chain is None:
            return ()
        return hash_data(self.contract.chain.certificates, self.contract.root)


def judge_request(
    request: AuthorizationReq,
    challenge: bytes,
    roots: Sequence[CertificateFacts],
    at_utc_s: float,
    revocation: Mapping[str, Revocation] | None = None,
    *,
    allow_p256: bool = False,
) -> ContractRequestVerdict:
    """The first thing that is wrong with the request, or OK. Never raises.

    `challenge`: the GenChallenge of the last AuthorizationSetupRes, which serves once. The other parameters are those of
    `contract.judge`.
    """
    body = request.PnC_AReqAuthorizationMode
    if body is None:
        return ContractRequestVerdict(
            ResponseCode.WARNING_AuthorizationSelectionInvalid, "AuthorizationReq without a contract"
        )
    chain = body.ContractCertificateChain
    key = _signing_key(chain.Certificate, allow_p256=allow_p256)
    if key is not None:
        wrong = verify(request.Header.Signature, [SignedElement(body)], key, allow_p256=allow_p256)
        if wrong is not None:
            return ContractRequestVerdict(
                ResponseCode.WARNING_CertificateValidationError, f"signature of AuthorizationReq: {wrong.text}"
            )
        if not hmac.compare_digest(body.GenChallenge, challenge):
            return ContractRequestVerdict(
                ResponseCode.WARNING_ChallengeInvalid, "AuthorizationReq with a challenge that is not ours"
            )
    verdict = judge(
        chain.Certificate, chain.SubCertificates.Certificate, roots, at_utc_s, revocation, allow_p256=allow_p256
    )
    reason = None if verdict.finding is None else f"contract chain: {verdict.finding.text}"
    return ContractRequestVerdict(verdict.code, reason, verdict)


def _signing_key(leaf_der: bytes, *, allow_p256: bool) -> PublicKey | None:
    """The leaf's key; None where the judgement of the chain refuses the leaf anyway."""
    try:
        leaf = read_certificate(leaf_der)
    except CertificateUnreadable:
        return None
    return leaf.public_key if leaf.key_kind in accepted_keys(allow_p256=allow_p256) else None
