"""PaymentDetails: the car shows its contract. The station judges what it can see; the central system is asked after the signature.

Source: docs/sources/iso15118-2-din.md 5.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.remark import Remark
from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.contract_state import Iso2Contract
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import PaymentDetailsReq, PaymentDetailsRes, ResponseCode
from chargepoint.iso15118.pnc.contract import ContractChain, judge
from chargepoint.iso15118.pnc.question import contract_question
from chargepoint.security.certificates import CertificateUnreadable
from chargepoint.security.chain import ChainFault, Finding

GEN_CHALLENGE_BYTES = 16
"""128 bits of a cryptographic random source ([697], [825])."""

EXPIRES_SOON_S = 21 * 86_400.0
"""A contract that ends within this time is reported to the car ([690])."""

ISO2_CONTRACTS_MAX = 10
"""A car with more contracts than this tries out certificates: its session ends. A rule of the project."""

CHAIN_CODES: dict[ChainFault, ResponseCode] = {
    ChainFault.EXPIRED: ResponseCode.FAILED_CertificateExpired,
    ChainFault.NOT_YET_VALID: ResponseCode.FAILED_CertificateExpired,
}
"""The code of a fault ([824] for a contract that is not valid yet); every other fault is FAILED_CertChainError."""


def respond(request: PaymentDetailsReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """OK and a fresh challenge for a contract that the station finds good. An unknown root is the central system's matter.

    After a refusal the car may show another contract, or have one installed.
    """
    attempts = session.contract.attempts + 1
    if attempts > ISO2_CONTRACTS_MAX:
        return Refusal(ResponseCode.FAILED, f"more than {ISO2_CONTRACTS_MAX} contracts in one session")
    session = replace(session, contract=Iso2Contract(attempts=attempts))
    shown = request.ContractSignatureCertChain
    if not shown.Certificate:
        return _refused(session, at, ResponseCode.FAILED_NoCertificateAvailable, "it shows no certificate")
    subs = () if shown.SubCertificates is None else shown.SubCertificates.Certificate
    verdict = judge(shown.Certificate, subs, at.settings.contract_roots(), at.now.utc_s, allow_p256=True)
    root_unknown = verdict.finding is not None and verdict.finding.fault is ChainFault.ROOT_UNKNOWN
    if verdict.finding is not None and not root_unknown:
        return _by_finding(session, at, verdict.finding)
    chain = verdict.chain
    if chain is None or not _names(chain, request.eMAID):
        why = f"the certificate is not that of contract …{request.eMAID[-4:]}"
        return _refused(session, at, ResponseCode.FAILED_CertChainError, why)
    try:
        question = contract_question(chain, verdict.root, attempts)
    except CertificateUnreadable as error:
        return _refused(session, at, ResponseCode.FAILED_CertChainError, f"contract chain: {error}")
    challenge = at.random_bytes(GEN_CHALLENGE_BYTES)
    contract = Iso2Contract(question, chain.leaf.der, challenge, attempts=attempts)
    after = replace(session, state=Iso2State.AUTHORIZATION, contract=contract)
    code = ResponseCode.OK
    if chain.leaf.valid_until_s - at.now.utc_s <= EXPIRES_SOON_S:
        code = ResponseCode.OK_CertificateExpiresSoon
        after = replace(after, remark=Remark(f"contract {question.hint}: its certificate ends within 21 days"))
    return Answer(_response(code, challenge, at), after)


def refuse(_: PaymentDetailsReq, code: ResponseCode, __: Iso2Session, at: Situation) -> PaymentDetailsRes:
    """The response with this code: a challenge that nobody can use."""
    return _response(code, bytes(GEN_CHALLENGE_BYTES), at)


def _names(chain: ContractChain, emaid: str) -> bool:
    """The common name is the EMAID of the request; hyphens and case do not count."""
    return _plain(chain.emaid or "") == _plain(emaid)


def _plain(emaid: str) -> str:
    return emaid.replace("-", "").upper()


def _by_finding(session: Iso2Session, at: Situation, finding: Finding) -> Answer[Iso2Session]:
    code = CHAIN_CODES.get(finding.fault, ResponseCode.FAILED_CertChainError)
    return _refused(session, at, code, f"contract chain: {finding.text}")


def _refused(session: Iso2Session, at: Situation, code: ResponseCode, why: str) -> Answer[Iso2Session]:
    after = replace(session, remark=Remark(f"{why}; the car is answered {code.value}"))
    return Answer(_response(code, bytes(GEN_CHALLENGE_BYTES), at), after)


def _response(code: ResponseCode, challenge: bytes, at: Situation) -> PaymentDetailsRes:
    return PaymentDetailsRes(ResponseCode=code, GenChallenge=challenge, EVSETimeStamp=at.now.utc_s)
