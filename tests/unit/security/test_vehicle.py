"""Which chains a car may show in the TLS handshake."""

from __future__ import annotations

import pytest

from certs.flaws import Flaw, flawed_tree
from certs.pki import Curve, Pki
from chargepoint.security.chain import ChainFault
from chargepoint.security.vehicle import wrong_vehicle

GOOD = Pki(Curve.P521)


def fault_of(chain: list[bytes], *, allow_p256: bool = False) -> ChainFault | None:
    finding = wrong_vehicle(chain, allow_p256=allow_p256)
    return None if finding is None else finding.fault


@pytest.mark.parametrize("annex_b", [False, True])
@pytest.mark.parametrize("curve", [Curve.P521, Curve.ED448])
def test_a_vehicle_is_accepted(curve: Curve, annex_b: bool) -> None:
    assert fault_of(Pki(curve, annex_b=annex_b).chain_der("vehicle")) is None


@pytest.mark.parametrize("leaf", ["provisioning", "contract"])
def test_other_leaves_of_a_car_open_no_tls_connection(leaf: str) -> None:
    finding = wrong_vehicle(GOOD.chain_der(leaf), allow_p256=False)
    assert finding is not None
    assert finding.fault is ChainFault.PURPOSE
    assert "no vehicle certificate" in finding.text


@pytest.mark.parametrize(
    ("flaw", "fault"),
    [
        (Flaw.WRONG_PURPOSE, ChainFault.PURPOSE),
        (Flaw.WRONG_KEY_USAGE, ChainFault.KEY_USAGE),
        (Flaw.LEAF_SIGNS_CERTIFICATES, ChainFault.LEAF_IS_AUTHORITY),
        (Flaw.SUB_CA_NO_AUTHORITY, ChainFault.NO_AUTHORITY),
        (Flaw.PATH_LENGTH, ChainFault.PATH_LENGTH),
        (Flaw.CRITICAL_EXTENSION, ChainFault.CRITICAL_EXTENSION),
        (Flaw.WRONG_KEY, ChainFault.KEY),
    ],
)
def test_each_flaw_has_its_name(flaw: Flaw, fault: ChainFault) -> None:
    assert fault_of(Pki(Curve.P521, tree=flawed_tree("vehicle", flaw)).chain_der("vehicle")) is fault


def test_p256_is_a_matter_of_the_bench_and_needs_no_purpose_there() -> None:
    pki = Pki(Curve.P256, tree=flawed_tree("vehicle", Flaw.WRONG_PURPOSE))
    assert fault_of(pki.chain_der("vehicle")) is ChainFault.KEY
    assert fault_of(pki.chain_der("vehicle"), allow_p256=True) is None


def test_nothing_and_junk_are_refused() -> None:
    assert fault_of([]) is ChainFault.LENGTH
    assert fault_of([b"\x30" * 800]) is ChainFault.UNREADABLE
    assert fault_of([GOOD.chain_der("vehicle")[0], b""]) is ChainFault.UNREADABLE
