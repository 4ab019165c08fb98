"""The command line of the development PKI, and trees with one thing wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448

from certs.__main__ import main
from certs.flaws import Flaw, flawed_tree
from certs.pki import CHAINS, Curve, Pki
from certs.tree import TREE


@pytest.mark.parametrize("flaw", list(Flaw))
@pytest.mark.parametrize("leaf", ["secc", "cps", "vehicle", "provisioning", "contract"])
def test_a_flaw_changes_one_branch_only(leaf: str, flaw: Flaw) -> None:
    tree = flawed_tree(leaf, flaw)
    assert tree != TREE
    good = {node.name: node for node in TREE}
    branch = {leaf}
    name: str | None = leaf
    while name is not None:
        branch.add(name)
        name = good[name].issuer
    assert {node.name for node in tree if good.get(node.name, node) != node} <= branch
    assert {node.name for node in tree} >= set(good)


def test_a_chain_without_two_sub_cas_is_no_place_for_a_flaw() -> None:
    with pytest.raises(ValueError, match="csms has no two sub-CAs above it"):
        flawed_tree("csms", Flaw.EXPIRED)


def test_the_long_chain_has_four_sub_cas() -> None:
    assert len(Pki(Curve.P256, tree=flawed_tree("contract", Flaw.TOO_LONG)).chain("contract")) == 5


def test_the_curves_of_both_protocols_lie_beside_each_other(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [str(tmp_path / "pki"), "--curve", "both"])
    assert result.exit_code == 0, result.output
    first = x509.load_pem_x509_certificates((tmp_path / "pki" / "secc_chain.pem").read_bytes())
    second = x509.load_pem_x509_certificates((tmp_path / "pki" / "secc_chain_ed448.pem").read_bytes())
    assert [type(c.public_key()) for c in second] == [type(ed448.Ed448PrivateKey.generate().public_key())] * 3
    assert all(isinstance(c.public_key(), ec.EllipticCurvePublicKey) for c in first)
    third = x509.load_pem_x509_certificates((tmp_path / "pki" / "secc_chain_p256.pem").read_bytes())
    keys = [certificate.public_key() for certificate in third]
    assert [key.curve.name for key in keys if isinstance(key, ec.EllipticCurvePublicKey)] == ["secp256r1"] * 3
    assert len(list((tmp_path / "pki" / "v2g_roots").iterdir())) == 3


def test_a_flaw_is_made_on_the_command_line(tmp_path: Path) -> None:
    command = [str(tmp_path / "pki"), "--curve", "p256", "--flaw", "no-name", "--of", "contract", "--annex-b"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    leaf = x509.load_pem_x509_certificate((tmp_path / "pki" / "contract.pem").read_bytes())
    assert "nobody in particular" in leaf.subject.rfc4514_string()
    assert leaf.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).critical


def test_every_chain_of_the_tree_is_written(tmp_path: Path) -> None:
    Pki(Curve.P256).write(tmp_path)
    assert {file.name for file in tmp_path.glob("*_chain.pem")} == {f"{leaf}_chain.pem" for leaf in CHAINS}
