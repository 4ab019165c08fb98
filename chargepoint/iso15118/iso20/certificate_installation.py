"""CertificateInstallation: the car's request goes to the central system byte for byte, and so does the answer back.

Source: docs/sources/iso15118-20.md 2.3. The trust in the car's chain is the matter of the provisioning service (V2G20-1548).
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.remark import Remark
from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import (
    V2G_SECC_CERTIFICATE_INSTALLATION_PERFORMANCE_S,
    V2G_SECC_ONGOING_S,
)
from chargepoint.iso15118.exi.codec import NS_CM, ExiError, decode, document_of, encode
from chargepoint.iso15118.iso20.authorization_setup import may_use_contracts
from chargepoint.iso15118.iso20.installation_state import Installation
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.repeated import repeats
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.messages.common_messages import (
    CertificateChain,
    CertificateInstallationReq,
    CertificateInstallationRes,
    ContractCertificateChain,
    EcdhCurve,
    SignedInstallationData,
    SubCertificates,
)
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.model.car_questions import CertificateRelayed, InstallCertificate
from chargepoint.security.certificates import CertificateUnreadable, read_certificate
from chargepoint.security.chain import expired, not_yet_valid

REMAINING_CHAINS_MAX = 255
"""Of the schema, an unsigned byte."""

_DH_PUBLIC_KEY_BYTES = 133
_SECP521_PRIVATE_KEY_BYTES = 94
"""Lengths of the schema's binary types dhPublicKeyType and secp521_EncryptedPrivateKeyType."""


RESPONSE_MAX_BYTES = 12_750
"""exiResponse of OCPP 2.1 has at most 17 000 base64 characters (M01); a longer answer is no such response."""


def respond(request: CertificateInstallationReq, session: Session, at: Situation) -> Reply[Session]:
    """OK and Ongoing while the central system works; then its response as it stands, or a warning (V2G20-1972, V2G20-2225)."""
    if not offered(at):
        return Refusal(ResponseCode.FAILED_SequenceError, "certificate installation is not offered")
    if session.awaited_authorization is not None:
        return Refusal(ResponseCode.FAILED_SequenceError, "its AuthorizationReq is not answered yet")
    running = session.installation
    if running is None or running.answered:
        return _begin(request, running, session, at)
    if not repeats(request, running.request):
        return Refusal(ResponseCode.FAILED_SequenceError, "it repeats its request with other content")
    relayed = at.answer_to(running.question, CertificateRelayed)
    if relayed is not None:
        return _relay(relayed, request, session, at)
    if at.waited_s(running.question) >= V2G_SECC_ONGOING_S:
        reason = f"the central system has not answered within {V2G_SECC_ONGOING_S:.0f} s"
        return _warn(request, ResponseCode.WARNING_NoCertificateAvailable, reason, session, at)
    if not at.time_is_up:
        return Later(session, hold_s=V2G_SECC_CERTIFICATE_INSTALLATION_PERFORMANCE_S)
    return Answer(refuse(request, ResponseCode.OK, session, at, Processing.Ongoing), session)


def offered(at: Situation) -> bool:
    """Whether this conversation relays requests; AuthorizationSetupRes says so to the car."""
    return at.settings.certificate_installation and may_use_contracts(at)


def _begin(
    request: CertificateInstallationReq, before: Installation | None, session: Session, at: Situation
) -> Reply[Session]:
    """The first request, or the one for the next chain: the same request goes to the central system again (M01.FR.06)."""
    if before is not None and before.question.round >= REMAINING_CHAINS_MAX:
        return Refusal(ResponseCode.FAILED, f"more than {REMAINING_CHAINS_MAX} certificates in one session")
    chain = request.OEMProvisioningCertificateChain
    subs = () if chain.SubCertificates is None else chain.SubCertificates.Certificate
    wrong = _wrong_provisioning_chain((chain.Certificate, *subs), at.now.utc_s)
    if wrong is not None:
        code, reason = wrong
        return _warn(request, code, reason, session, at)
    if before is not None and repeats(request, before.request):
        question = replace(before.question, round=before.question.round + 1)
    else:
        emaids = request.PrioritizedEMAIDs
        question = InstallCertificate(
            exi_request=document_of(NS_CM, at.raw),
            schema_version=NS_CM,
            maximum_chains=request.MaximumContractCertificateChains,
            prioritized_emaids=() if emaids is None else emaids.EMAID,
            round=0 if before is None else before.question.round + 1,
        )
    after = replace(session, installation=Installation(request, question))
    return Later(after, ask=question, hold_s=V2G_SECC_CERTIFICATE_INSTALLATION_PERFORMANCE_S)


def _wrong_provisioning_chain(ders: tuple[bytes, ...], now_utc_s: float) -> tuple[ResponseCode, str] | None:
    """What the station can see itself. Whether to trust the chain decides the provisioning service (V2G20-1548)."""
    try:
        chain = [read_certificate(der) for der in ders]
    except CertificateUnreadable as error:
        return ResponseCode.WARNING_CertificateValidationError, f"provisioning chain: {error}"
    found = expired(chain, now_utc_s)
    if found is not None:
        return ResponseCode.WARNING_CertificateExpired, f"provisioning chain: {found.text}"
    found = not_yet_valid(chain, now_utc_s)
    if found is not None:
        return ResponseCode.WARNING_CertificateNotYetValid, f"provisioning chain: {found.text}"
    return None


def _relay(
    relayed: CertificateRelayed, request: CertificateInstallationReq, session: Session, at: Situation
) -> Answer[Session]:
    exi = relayed.exi_response
    if exi is None:
        return _warn(request, ResponseCode.WARNING_NoCertificateAvailable, relayed.reason, session, at)
    response = _response_in(exi, session)
    if isinstance(response, str):
        reason = f"the central system's response cannot be relayed: {response}"
        return _warn(request, ResponseCode.WARNING_NoCertificateAvailable, reason, session, at)
    remaining = relayed.remaining_chains
    if remaining is not None:
        remaining = min(max(remaining, 0), REMAINING_CHAINS_MAX)
        if remaining != response.RemainingContractCertificateChains:
            # the count is OCPP's to give (M01.FR.05); it lies outside the part that the provisioning service signed
            exi = encode(replace(response, RemainingContractCertificateChains=remaining))
    text = f"{response.ResponseCode.value} of the central system relayed to the car ({len(exi)} bytes)"
    return Answer(exi, _answered(session, f"contract certificate: {text}"))


def _response_in(exi: bytes, session: Session) -> CertificateInstallationRes | str:
    """The response that may go to the car, or what is wrong with the bytes."""
    if len(exi) > RESPONSE_MAX_BYTES:
        return f"{len(exi)} bytes; at most {RESPONSE_MAX_BYTES}"
    try:
        response = decode(NS_CM, exi)
    except ExiError as error:
        return f"undecodable: {error}"
    if not isinstance(response, CertificateInstallationRes):
        return f"it is {type(response).__name__}"
    if response.Header.SessionID != session.session_id:
        return "it is for another session"
    if response.EVSEProcessing is not Processing.Finished:
        return f"EVSEProcessing is {response.EVSEProcessing.value}"
    if response.ResponseCode.value.startswith("FAILED"):
        return response.ResponseCode.value
    return response


def _warn(
    request: CertificateInstallationReq, code: ResponseCode, reason: str, session: Session, at: Situation
) -> Answer[Session]:
    text = f"no contract certificate for the car: {reason}; the car is answered {code.value}"
    return Answer(refuse(request, code, session, at), _answered(session, text))


def _answered(session: Session, text: str) -> Session:
    running = session.installation
    installation = None if running is None else replace(running, answered=True)
    return replace(session, installation=installation, remark=Remark(text))


def refuse(
    _: CertificateInstallationReq,
    code: ResponseCode,
    session: Session,
    at: Situation,
    processing: Processing = Processing.Finished,
) -> CertificateInstallationRes:
    """Schema-valid and empty: what must be there is there, and means nothing (V2G20-2202)."""
    return CertificateInstallationRes(
        **head(code, session, at),
        EVSEProcessing=processing,
        CPSCertificateChain=CertificateChain(Certificate=b""),
        SignedInstallationData=SignedInstallationData(
            Id="none",
            ContractCertificateChain=ContractCertificateChain(
                Certificate=b"", SubCertificates=SubCertificates(Certificate=(b"",))
            ),
            ECDHCurve=EcdhCurve.SECP521,
            DHPublicKey=bytes(_DH_PUBLIC_KEY_BYTES),
            SECP521_EncryptedPrivateKey=bytes(_SECP521_PRIVATE_KEY_BYTES),
        ),
        RemainingContractCertificateChains=0,
    )
