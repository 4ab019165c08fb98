"""The judgement of contract chains: each check, its code, and the order in which the checks decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from certs.flaws import Flaw, flawed_tree
from certs.pki import Curve, Pki
from certs.tree import TREE
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.pnc.contract import ContractVerdict, judge, read_roots
from chargepoint.security.certificates import CertificateFacts, read_certificate
from chargepoint.security.chain import ChainFault
from chargepoint.security.revocation import Revocation

MADE = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW_S = MADE.timestamp()
DAY_S = 86400.0


@cache
def pki(curve: Curve = Curve.P521, flaw: Flaw | None = None, annex_b: bool = False) -> Pki:
    if flaw is None:
        return Pki(curve, MADE, annex_b=annex_b)
    return Pki(curve, MADE, flawed_tree("contract", flaw), annex_b=annex_b)


def roots(*of: Pki) -> tuple[CertificateFacts, ...]:
    return read_roots(made.certificates["mo_root"].public_bytes(Encoding.DER) for made in of)


def identity(der: bytes) -> str:
    return read_certificate(der).identity


def judged(made: Pki, at_utc_s: float = NOW_S, *, allow_p256: bool = False) -> ContractVerdict:
    leaf, *subs = made.chain_der("contract")
    return judge(leaf, subs, roots(made), at_utc_s, allow_p256=allow_p256)


@pytest.mark.parametrize("annex_b", [False, True], ids=["plain", "annex-b"])
@pytest.mark.parametrize("curve", [Curve.P521, Curve.ED448])
def test_a_good_chain_is_accepted(curve: Curve, annex_b: bool) -> None:
    verdict = judged(pki(curve, annex_b=annex_b))
    assert (verdict.code, verdict.finding, verdict.accepted) == (ResponseCode.OK, None, True)
    assert verdict.emaid == "UKSWI123456791A"
    assert verdict.root is not None
    assert verdict.root.common_name == "MORootCA-DEV"


def test_annex_b_chains_have_critical_extensions_that_openssl_3_0_does_not_know() -> None:
    critical = {e.oid.dotted_string for e in pki(annex_b=True).certificates["contract"].extensions if e.critical}
    assert {"2.5.29.14", "2.5.29.35", "1.3.6.1.5.5.7.1.1"} <= critical


FLAWS = {
    Flaw.EXPIRED: (ResponseCode.WARNING_CertificateExpired, ChainFault.EXPIRED),
    Flaw.SUB_CA_EXPIRED: (ResponseCode.WARNING_CertificateExpired, ChainFault.EXPIRED),
    Flaw.ROOT_EXPIRED: (ResponseCode.WARNING_CertificateExpired, ChainFault.EXPIRED),
    Flaw.NOT_YET_VALID: (ResponseCode.WARNING_CertificateNotYetValid, ChainFault.NOT_YET_VALID),
    Flaw.FORGED: (ResponseCode.WARNING_CertificateValidationError, ChainFault.ORDER),
    Flaw.WRONG_KEY_USAGE: (ResponseCode.WARNING_CertificateValidationError, ChainFault.KEY_USAGE),
    Flaw.LEAF_SIGNS_CERTIFICATES: (ResponseCode.WARNING_CertificateValidationError, ChainFault.LEAF_IS_AUTHORITY),
    Flaw.WRONG_PURPOSE: (ResponseCode.WARNING_CertificateValidationError, ChainFault.PURPOSE),
    Flaw.SUB_CA_NO_AUTHORITY: (ResponseCode.WARNING_CertificateValidationError, ChainFault.NO_AUTHORITY),
    Flaw.SUB_CA_MAY_NOT_SIGN: (ResponseCode.WARNING_CertificateValidationError, ChainFault.KEY_USAGE),
    Flaw.PATH_LENGTH: (ResponseCode.WARNING_CertificateValidationError, ChainFault.PATH_LENGTH),
    Flaw.TOO_LONG: (ResponseCode.WARNING_CertificateValidationError, ChainFault.LENGTH),
    Flaw.CRITICAL_EXTENSION: (ResponseCode.WARNING_CertificateValidationError, ChainFault.CRITICAL_EXTENSION),
    Flaw.WRONG_KEY: (ResponseCode.WARNING_CertificateValidationError, ChainFault.KEY),
    Flaw.NO_NAME: (ResponseCode.WARNING_CertificateValidationError, ChainFault.NAME),
    Flaw.NO_ORGANIZATION: (ResponseCode.WARNING_CertificateValidationError, ChainFault.ORGANIZATION),
    Flaw.NO_STATUS_ADDRESS: (ResponseCode.WARNING_CertificateValidationError, ChainFault.STATUS_ADDRESS),
}


def test_every_flaw_has_a_row() -> None:
    assert set(FLAWS) == set(Flaw) - {Flaw.ENDS_SOON}


@pytest.mark.parametrize("curve", [Curve.P521, Curve.ED448])
@pytest.mark.parametrize("flaw", list(FLAWS))
def test_each_flaw_has_its_code_and_its_name(flaw: Flaw, curve: Curve) -> None:
    verdict = judged(pki(curve, flaw))
    assert verdict.finding is not None
    assert (verdict.code, verdict.finding.fault) == FLAWS[flaw]
    assert not verdict.accepted


def test_a_contract_that_ends_within_14_days_is_good_and_says_so() -> None:
    verdict = judged(pki(flaw=Flaw.ENDS_SOON))
    assert (verdict.code, verdict.accepted) == (ResponseCode.OK_CertificateExpiresSoon, True)
    ends_s = pki().certificates["contract"].not_valid_after_utc.timestamp()
    assert judged(pki(), ends_s - 14 * DAY_S - 1).code is ResponseCode.OK
    assert judged(pki(), ends_s - 14 * DAY_S).code is ResponseCode.OK_CertificateExpiresSoon
    assert judged(pki(), ends_s).code is ResponseCode.OK_CertificateExpiresSoon
    assert judged(pki(), ends_s + 1).code is ResponseCode.WARNING_CertificateExpired


def test_another_root_does_not_vouch_even_under_the_same_name() -> None:
    leaf, *subs = pki().chain_der("contract")
    other = Pki(Curve.P521, MADE)
    verdict = judge(leaf, subs, roots(other), NOW_S)
    assert verdict.finding is not None
    assert (verdict.code, verdict.finding.fault) == (ResponseCode.WARNING_eMSPUnknown, ChainFault.ROOT_UNKNOWN)
    assert verdict.emaid == "UKSWI123456791A"
    assert judge(leaf, subs, roots(other, pki()), NOW_S).accepted
    assert judge(leaf, subs, [], NOW_S).code is ResponseCode.WARNING_eMSPUnknown


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_revoked_certificate_anywhere_refuses_the_chain(place: int) -> None:
    chain = pki().chain_der("contract")
    known = dict.fromkeys(map(identity, chain), Revocation.GOOD) | {identity(chain[place]): Revocation.REVOKED}
    verdict = judge(chain[0], chain[1:], roots(pki()), NOW_S, known)
    assert verdict.code is ResponseCode.WARNING_CertificateRevoked


@pytest.mark.parametrize("status", [Revocation.GOOD, Revocation.UNKNOWN])
def test_a_certificate_that_is_not_revoked_is_good(status: Revocation) -> None:
    chain = pki().chain_der("contract")
    assert judge(chain[0], chain[1:], roots(pki()), NOW_S, dict.fromkeys(map(identity, chain), status)).accepted


def test_p256_is_a_matter_of_the_switch() -> None:
    made = pki(Curve.P256)
    refused = judged(made)
    assert refused.finding is not None
    assert refused.finding.fault is ChainFault.KEY
    assert "allow_p256" in refused.finding.text
    assert judged(made, allow_p256=True).code is ResponseCode.OK
    assert judged(pki(Curve.P256, Flaw.NO_STATUS_ADDRESS), allow_p256=True).code is ResponseCode.OK
    assert judged(pki(Curve.P256, Flaw.WRONG_KEY), allow_p256=True).code is not ResponseCode.OK
    assert judged(pki(Curve.P256, Flaw.FORGED), allow_p256=True).code is not ResponseCode.OK


def code_and_fault(chain: Sequence[bytes]) -> tuple[ResponseCode, ChainFault | None]:
    verdict = judge(chain[0], list(chain[1:]), roots(pki()), NOW_S)
    return verdict.code, None if verdict.finding is None else verdict.finding.fault


def test_chains_of_the_wrong_shape() -> None:
    leaf, lower, upper = pki().chain_der("contract")
    error = ResponseCode.WARNING_CertificateValidationError
    assert code_and_fault([leaf]) == (error, ChainFault.LENGTH)
    assert code_and_fault([leaf, lower, upper, upper, upper]) == (error, ChainFault.LENGTH)
    assert code_and_fault([leaf, upper, lower]) == (error, ChainFault.PATH_LENGTH)
    assert code_and_fault([lower, leaf, upper]) == (error, ChainFault.LEAF_IS_AUTHORITY)
    assert code_and_fault([leaf, upper]) == (error, ChainFault.ORDER)
    assert code_and_fault([leaf, lower]) == (ResponseCode.WARNING_eMSPUnknown, ChainFault.ROOT_UNKNOWN)
    assert code_and_fault([leaf, lower, upper, upper]) == (error, ChainFault.PATH_LENGTH)
    assert code_and_fault([b"\x5a" * 800, lower, upper]) == (error, ChainFault.UNREADABLE)
    assert code_and_fault([leaf, b"\x30" * 800, upper]) == (error, ChainFault.UNREADABLE)
    assert code_and_fault([b"", lower, upper]) == (error, ChainFault.UNREADABLE)
    assert code_and_fault([leaf + bytes(1600), lower, upper]) == (error, ChainFault.TOO_LARGE)
    assert code_and_fault([leaf + b"\x00", lower, upper]) == (error, ChainFault.UNREADABLE)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("DE-8AA-CA2B3C4D5-N", True),
        ("DE8AACA2B3C4D5N", True),
        ("de8aaca2b3c4d5", True),
        ("UKSWI123456791A", True),
        ("DE8AA", False),
        ("DE8AACA2B3C4D5NN", False),
        ("1E8AACA2B3C4D5N", False),
        ("DE8AACA2B3C4D5N\n", False),
        ("WMIDEV000000001 ", False),
    ],
)
def test_what_an_emaid_looks_like(name: str, known: bool) -> None:
    tree = tuple(replace(node, common_name=name) if node.name == "contract" else node for node in TREE)
    verdict = judged(Pki(Curve.P521, MADE, tree))
    assert (verdict.emaid, verdict.accepted) == (name if known else None, known)


def test_a_vehicle_or_provisioning_leaf_is_no_contract() -> None:
    for leaf in ("vehicle", "provisioning", "secc"):
        chain = pki().chain_der(leaf)
        verdict = judge(chain[0], chain[1:], roots(pki()), NOW_S)
        assert not verdict.accepted


def test_expiry_decides_before_a_future_begin_and_both_before_revocation() -> None:
    expired = pki(flaw=Flaw.EXPIRED).chain_der("contract")
    known = {identity(expired[0]): Revocation.REVOKED}
    made = pki(flaw=Flaw.EXPIRED)
    assert judge(expired[0], expired[1:], roots(made), NOW_S, known).code is ResponseCode.WARNING_CertificateExpired
    future = pki(flaw=Flaw.NOT_YET_VALID)
    leaf, *subs = future.chain_der("contract")
    code = judge(leaf, subs, roots(future), NOW_S, {identity(leaf): Revocation.REVOKED}).code
    assert code is ResponseCode.WARNING_CertificateNotYetValid
    late_s = (MADE + timedelta(days=1000)).timestamp()  # the sub-CA has expired, whatever the leaf says
    assert judge(leaf, subs, roots(future), late_s).code is ResponseCode.WARNING_CertificateExpired


@given(data=st.data())
def test_no_mutated_chain_raises_or_is_accepted_by_accident(data: st.DataObject) -> None:
    chain = [bytearray(der) for der in pki().chain_der("contract")]
    original = [bytes(der) for der in chain]
    for _ in range(data.draw(st.integers(1, 4))):
        der = chain[data.draw(st.integers(0, 2))]
        at = data.draw(st.integers(0, len(der) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "double"])):
            case "flip":
                der[at] ^= data.draw(st.integers(1, 255))
            case "cut":
                del der[at : at + data.draw(st.integers(1, 40))]
            case _:
                der[at:at] = der[at : at + 40]
        if not der:
            break
    mutated = [bytes(der) for der in chain]
    verdict = judge(mutated[0], mutated[1:], roots(pki()), NOW_S)
    if verdict.accepted:  # a few bits around the signature are free; what the issuer signed is not
        assert [identity(der) for der in mutated] == [identity(der) for der in original]
    else:
        assert mutated != original


def test_free_bits_around_the_signature_do_not_hide_a_revocation() -> None:
    """Most signatures leave the number of unused bits free: 0 or 1 where the last bit is 0."""
    free = 0
    for _ in range(40):  # each chain has such a bit with an even chance
        made = Pki(Curve.P521, MADE)
        leaf, *subs = made.chain_der("contract")
        known = {identity(leaf): Revocation.REVOKED}
        for at in range(len(leaf) - 150, len(leaf) - 130):
            changed = leaf[:at] + bytes([leaf[at] ^ 1]) + leaf[at + 1 :]
            if judge(changed, subs, roots(made), NOW_S).accepted:
                free += 1
                assert judge(changed, subs, roots(made), NOW_S, known).code is ResponseCode.WARNING_CertificateRevoked
        if free:
            break
    assert free > 0


@given(leaf=st.binary(max_size=900), subs=st.lists(st.binary(max_size=900), max_size=5))
def test_junk_is_a_validation_error(leaf: bytes, subs: list[bytes]) -> None:
    verdict = judge(leaf, subs, roots(pki()), NOW_S)
    assert verdict.code is ResponseCode.WARNING_CertificateValidationError
    assert verdict.emaid is None
