"""CertificateInstallation and CertificateUpdate: the request goes to the central system byte for byte, and so does the answer back.

Whether to trust the car's chain is a matter of the provisioning service. Source: docs/sources/iso15118-2-din.md 5.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.remark import Remark
from chargepoint.iso15118.conversation.row import Answer, Later, Reply
from chargepoint.iso15118.conversation.session_id import same_by_value
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import V2G_SECC_CERTIFICATE_INSTALLATION_PERFORMANCE_S
from chargepoint.iso15118.exi.codec import NS_ISO2, ExiError, decode, document_of
from chargepoint.iso15118.iso2.contract_signature import wrong_signature
from chargepoint.iso15118.iso2.offers import relays_certificates
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.messages.iso15118_2 import (
    EMAID,
    CertificateChain,
    CertificateInstallationReq,
    CertificateInstallationRes,
    CertificateUpdateReq,
    CertificateUpdateRes,
    ContractSignatureEncryptedPrivateKey,
    DiffieHellmanPublickey,
    ResponseCode,
    SubCertificates,
    V2G_Message,
)
from chargepoint.model.car_questions import CertificateRelayed, InstallCertificate
from chargepoint.security.certificates import CertificateUnreadable, read_certificate
from chargepoint.security.chain import expired, not_yet_valid

CERTIFICATES_MAX = 10
"""More requests for certificates than this in one session are a car that tries. A rule of the project."""

RESPONSE_MAX_BYTES = 12_750
"""exiResponse of OCPP has at most 17 000 base64 characters (M01); a longer answer is no such response."""

_ENCRYPTED_KEY_BYTES = 48
_DH_KEY_BYTES = 65
_EMAID_NOBODY = "0" * 15
"""Lengths and form of the schema's types, for a response that holds nothing."""

_Request = CertificateInstallationReq | CertificateUpdateReq
_Response = CertificateInstallationRes | CertificateUpdateRes


def respond(request: _Request, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """The central system's response as it stands, whatever its code. After 4.5 s FAILED: the message knows no Ongoing.

    FAILED_SignatureError, FAILED_CertificateExpired and FAILED_CertChainError for what the station itself can see;
    FAILED_NoCertificateAvailable where the central system has none. The car may go on with PaymentDetails.
    """
    asked = session.installation
    if asked is None:
        return _begin(request, session, at)
    relayed = at.answer_to(asked, CertificateRelayed)
    if relayed is not None:
        return _relay(relayed, request, session)
    if not at.time_is_up:
        return Later(session, hold_s=V2G_SECC_CERTIFICATE_INSTALLATION_PERFORMANCE_S)
    why = f"the central system has not answered within {V2G_SECC_CERTIFICATE_INSTALLATION_PERFORMANCE_S:g} s"
    return _none(request, ResponseCode.FAILED, why, session)


def refuse(request: _Request, code: ResponseCode, _: Iso2Session, __: Situation) -> _Response:
    """The response with this code."""
    return _empty(request, code)


def _empty(request: _Request, code: ResponseCode) -> _Response:
    """Schema-valid and empty: what must be there is there, and means nothing."""
    kind = CertificateInstallationRes if isinstance(request, CertificateInstallationReq) else CertificateUpdateRes
    return kind(
        ResponseCode=code,
        SAProvisioningCertificateChain=CertificateChain(Certificate=b"", SubCertificates=_no_sub_cas()),
        ContractSignatureCertChain=CertificateChain(Id="id1", Certificate=b"", SubCertificates=_no_sub_cas()),
        ContractSignatureEncryptedPrivateKey=ContractSignatureEncryptedPrivateKey(
            Id="id2", value=bytes(_ENCRYPTED_KEY_BYTES)
        ),
        DHpublickey=DiffieHellmanPublickey(Id="id3", value=bytes(_DH_KEY_BYTES)),
        eMAID=EMAID(Id="id4", value=_EMAID_NOBODY),
    )


def _no_sub_cas() -> SubCertificates:
    return SubCertificates(Certificate=(b"",))


def _begin(request: _Request, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    if not relays_certificates(at):
        return _none(request, ResponseCode.FAILED_NoCertificateAvailable, "certificates are not relayed here", session)
    if session.installations >= CERTIFICATES_MAX:
        why = f"more than {CERTIFICATES_MAX} requests in one session"
        return _none(request, ResponseCode.FAILED_NoCertificateAvailable, why, session)
    if update := isinstance(request, CertificateUpdateReq):
        leaf = request.ContractSignatureCertChain.Certificate
    else:
        leaf = request.OEMProvisioningCert
    if (wrong := _wrong_certificate(request, leaf, at)) is not None:
        code, why = wrong
        return _none(request, code, why, session)
    question = InstallCertificate(
        exi_request=document_of(NS_ISO2, at.raw),
        schema_version=NS_ISO2,
        round=session.installations,
        update=update,
    )
    after = replace(session, installation=question, installations=session.installations + 1)
    return Later(after, ask=question, hold_s=V2G_SECC_CERTIFICATE_INSTALLATION_PERFORMANCE_S)


def _wrong_certificate(request: _Request, leaf: bytes, at: Situation) -> tuple[ResponseCode, str] | None:
    """What the station can see itself: form and validity of the certificate, and that the request is signed with its key."""
    try:
        facts = [read_certificate(leaf)]
    except CertificateUnreadable as error:
        return ResponseCode.FAILED_CertChainError, f"the car's certificate: {error}"
    found = expired(facts, at.now.utc_s) or not_yet_valid(facts, at.now.utc_s)
    if found is not None:
        return ResponseCode.FAILED_CertificateExpired, f"the car's certificate: {found.text}"
    wrong = wrong_signature(request, leaf, at)
    return None if wrong is None else (ResponseCode.FAILED_SignatureError, wrong)


def _relay(relayed: CertificateRelayed, request: _Request, session: Iso2Session) -> Answer[Iso2Session]:
    exi = relayed.exi_response
    if exi is None:
        return _none(request, ResponseCode.FAILED_NoCertificateAvailable, relayed.reason, session)
    code = _code_in(exi, request, session)
    if not isinstance(code, ResponseCode):
        why = f"the central system's response cannot be relayed: {code}"
        return _none(request, ResponseCode.FAILED_NoCertificateAvailable, why, session)
    text = f"contract certificate: {code.value} of the central system relayed to the car ({len(exi)} bytes)"
    return Answer(exi, _answered(session, text))


def _code_in(exi: bytes, request: _Request, session: Iso2Session) -> ResponseCode | str:
    """The code of the response that may go to the car, or what is wrong with the bytes."""
    if len(exi) > RESPONSE_MAX_BYTES:
        return f"{len(exi)} bytes; at most {RESPONSE_MAX_BYTES}"
    try:
        message = decode(NS_ISO2, exi)
    except ExiError as error:
        return f"undecodable: {error}"
    wanted = CertificateInstallationRes if isinstance(request, CertificateInstallationReq) else CertificateUpdateRes
    if not isinstance(message, V2G_Message) or not isinstance(message.Body.BodyElement, wanted):
        return f"it is no {wanted.__name__}"
    if not same_by_value(message.Header.SessionID, session.session_id):
        return "it is for another session"
    return message.Body.BodyElement.ResponseCode


def _none(request: _Request, code: ResponseCode, why: str, session: Iso2Session) -> Answer[Iso2Session]:
    text = f"no contract certificate for the car: {why}; the car is answered {code.value}"
    return Answer(_empty(request, code), _answered(session, text))


def _answered(session: Iso2Session, text: str) -> Iso2Session:
    return replace(session, installation=None, remark=Remark(text))
