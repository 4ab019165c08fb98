"""Judging a car's contract chain: may the car charge on this contract, and which response code says so. A core.

The order of the checks and the codes are those of docs/sources/iso15118-20.md 2.2. The first thing that is wrong decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.security import chain as rules
from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, KeyKind, read_certificate
from chargepoint.security.chain import ChainFault, Finding
from chargepoint.security.revocation import Revocation

CERTIFICATE_MAX_BYTES = 1600
SUB_CAS_MIN, SUB_CAS_MAX = 1, 3
EXPIRES_SOON_S = 14 * 86400.0
"""A contract that ends within this time is reported to the car (V2G20-2218)."""

_EMAID = re.compile(r"[A-Za-z]{2}-?[A-Za-z0-9]{3}-?[A-Za-z0-9]{8,9}(-?[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class ContractChain:
    """A contract chain that could be read: leaf, and its sub-CAs from the leaf's issuer upwards."""

    leaf: CertificateFacts
    sub_cas: tuple[CertificateFacts, ...]

    @property
    def certificates(self) -> tuple[CertificateFacts, ...]:
        """Leaf first."""
        return (self.leaf, *self.sub_cas)

    @property
    def emaid(self) -> str | None:
        """The contract's identifier (EMAID) as the leaf's common name has it; None if the name is no EMAID."""
        name = self.leaf.common_name or ""
        return name if _EMAID.fullmatch(name) else None


@dataclass(frozen=True, slots=True)
class ContractVerdict:
    """What a contract chain is worth.

    `finding` is None exactly where the code is OK or OK_CertificateExpiresSoon. `chain` and `root` are there as far as they
    are known. With ChainFault.ROOT_UNKNOWN all else is good: the central system may still vouch for the chain (OCPP C07.FR.06).
    """

    code: ResponseCode
    finding: Finding | None = None
    chain: ContractChain | None = None
    root: CertificateFacts | None = None

    @property
    def accepted(self) -> bool:
        """Whether the chain is good."""
        return self.finding is None

    @property
    def emaid(self) -> str | None:
        """The contract's identifier (EMAID); None where the chain could not be read, or names none."""
        return None if self.chain is None else self.chain.emaid


CODES: dict[ChainFault, ResponseCode] = {
    ChainFault.EXPIRED: ResponseCode.WARNING_CertificateExpired,
    ChainFault.NOT_YET_VALID: ResponseCode.WARNING_CertificateNotYetValid,
    ChainFault.REVOKED: ResponseCode.WARNING_CertificateRevoked,
    ChainFault.ROOT_UNKNOWN: ResponseCode.WARNING_eMSPUnknown,
}
"""The code of a fault; every other fault is WARNING_CertificateValidationError (V2G20-2211 to 2215)."""


def read_roots(ders: Iterable[bytes]) -> tuple[CertificateFacts, ...]:
    """Roots for `judge`: those of mobility operators and of V2G. Raises CertificateUnreadable."""
    return tuple(read_certificate(der) for der in ders)


def judge(
    leaf_der: bytes,
    sub_ca_ders: Sequence[bytes],
    roots: Sequence[CertificateFacts],
    at_utc_s: float,
    revocation: Mapping[str, Revocation] | None = None,
    *,
    allow_p256: bool = False,
) -> ContractVerdict:
    """The verdict on a chain as it stands in AuthorizationReq (DER). Never raises.

    `at_utc_s`: seconds since 1970. `revocation`: what the central system answered, by `CertificateFacts.identity`; a certificate
    that is not in it, or UNKNOWN, counts as not revoked. `allow_p256`: a bench also accepts contracts on secp256r1. Those are of ISO
    15118-2, so the rules of ISO 15118-20 for organisation, extended key usage and status address do not apply to them.
    """
    chain = _read(leaf_der, sub_ca_ders)
    if isinstance(chain, Finding):
        return _refused(chain)
    certificates = chain.certificates
    finding = (
        rules.expired(certificates, at_utc_s)
        or rules.not_yet_valid(certificates, at_utc_s)
        or _revoked(certificates, revocation or {})
        or _wrong_profile(chain, allow_p256=allow_p256)
        or rules.wrong_order(certificates)
    )
    if finding is not None:
        return _refused(finding, chain)
    top = certificates[-1]
    root = rules.root_of(top, roots)
    if root is None:
        text = f"{top.shown_name}: no root in mo_roots or v2g_roots issued it; put the operator's root there"
        return _refused(Finding(ChainFault.ROOT_UNKNOWN, text), chain)
    finding = (
        rules.expired([root], at_utc_s)
        or rules.not_yet_valid([root], at_utc_s)
        or rules.wrong_authority([*certificates, root])
    )
    if finding is not None:
        return _refused(finding, chain, root)
    ends_soon = chain.leaf.valid_until_s - at_utc_s <= EXPIRES_SOON_S
    return ContractVerdict(ResponseCode.OK_CertificateExpiresSoon if ends_soon else ResponseCode.OK, None, chain, root)


def _read(leaf_der: bytes, sub_ca_ders: Sequence[bytes]) -> ContractChain | Finding:
    count = len(sub_ca_ders)
    if not SUB_CAS_MIN <= count <= SUB_CAS_MAX:
        return Finding(
            ChainFault.LENGTH, f"{count} sub-CAs in the contract chain; {SUB_CAS_MIN} to {SUB_CAS_MAX} allowed"
        )
    for der in (leaf_der, *sub_ca_ders):
        if len(der) > CERTIFICATE_MAX_BYTES:
            text = f"certificate of {len(der)} bytes; at most {CERTIFICATE_MAX_BYTES} allowed"
            return Finding(ChainFault.TOO_LARGE, text)
    try:
        leaf, *sub_cas = (read_certificate(der) for der in (leaf_der, *sub_ca_ders))
    except CertificateUnreadable as error:
        return Finding(ChainFault.UNREADABLE, str(error))
    return ContractChain(leaf, tuple(sub_cas))


def _revoked(certificates: Iterable[CertificateFacts], revocation: Mapping[str, Revocation]) -> Finding | None:
    for certificate in certificates:
        if revocation.get(certificate.identity) is Revocation.REVOKED:
            return Finding(
                ChainFault.REVOKED, f"{certificate.shown_name}: revoked; the driver's operator must renew it"
            )
    return None


def _wrong_profile(chain: ContractChain, *, allow_p256: bool) -> Finding | None:
    """Kind of keys, extensions and names, as ISO 15118-20 Annex B has them."""
    certificates = chain.certificates
    finding = (
        rules.wrong_key(certificates, allow_p256=allow_p256)
        or rules.not_understood(certificates)
        or rules.wrong_leaf(chain.leaf)
        or rules.wrong_authority(certificates)
    )
    if finding is not None:
        return finding
    leaf = chain.leaf
    if chain.emaid is None:
        return Finding(ChainFault.NAME, f"{leaf.shown_name}: the common name is no EMAID, for example UKSWI123456791A")
    if leaf.key_kind is KeyKind.P256:
        return None
    if leaf.purposes is not None:
        return Finding(ChainFault.PURPOSE, f"{leaf.shown_name}: a contract leaf has no extended key usage")
    if not leaf.organization:
        return Finding(ChainFault.ORGANIZATION, f"{leaf.shown_name}: the organisation, the operator's name, is missing")
    if leaf.ocsp_url is None and not leaf.has_crl_address:
        text = f"{leaf.shown_name}: neither an OCSP address nor a CRL address (V2G20-2590)"
        return Finding(ChainFault.STATUS_ADDRESS, text)
    return None


def _refused(
    finding: Finding, chain: ContractChain | None = None, root: CertificateFacts | None = None
) -> ContractVerdict:
    code = CODES.get(finding.fault, ResponseCode.WARNING_CertificateValidationError)
    return ContractVerdict(code, finding, chain, root)
