"""The development PKI as OpenSSL, an outside judge, sees it."""

import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from certs.__main__ import main
from certs.pki import Curve, Pki, expired
from certs.tree import TREE


@pytest.mark.interop
@pytest.mark.parametrize("curve", list(Curve))
@pytest.mark.parametrize(
    ("leaf", "root", "subs", "purpose"),
    [
        ("secc", "v2g_root", ("cpo_sub1", "cpo_sub2"), "sslserver"),
        ("vehicle", "oem_root", ("oem_sub1", "oem_sub2"), "sslclient"),
        ("contract", "mo_root", ("mo_sub1", "mo_sub2"), "any"),
        ("csms", "csms_root", (), "sslserver"),
    ],
)
def test_openssl_accepts_the_chain(
    tmp_path: Path, curve: Curve, leaf: str, root: str, subs: tuple[str, ...], purpose: str
) -> None:
    Pki(curve).write(tmp_path)
    untrusted = [part for sub in subs for part in ("-untrusted", str(tmp_path / f"{sub}.pem"))]
    command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", str(tmp_path / f"{root}.pem")]
    done = subprocess.run([*command, *untrusted, str(tmp_path / f"{leaf}.pem")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_directory_that_cannot_be_is_told_in_one_line(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("mine")
    result = CliRunner().invoke(main, [str(taken / "pki"), "--curve", "p256"])
    assert result.exit_code == 1
    assert result.output == f"Error: {taken / 'pki'}: Not a directory; give a directory that can be written\n"
    assert taken.read_text() == "mine"


def test_keys_are_for_the_owner_only(tmp_path: Path) -> None:
    Pki(Curve.P256).write(tmp_path)
    keys = list(tmp_path.glob("*.key"))
    assert len(keys) == len(TREE)
    assert all(stat.S_IMODE(key.stat().st_mode) == 0o600 for key in keys)


@pytest.mark.interop
def test_a_foreign_root_does_not_vouch(tmp_path: Path) -> None:
    Pki(Curve.P256).write(tmp_path)
    command = ["openssl", "verify", "-CAfile", str(tmp_path / "oem_root.pem"), str(tmp_path / "csms.pem")]
    assert subprocess.run(command, capture_output=True).returncode != 0


def test_a_pki_expires_with_its_shortest_certificate(tmp_path: Path) -> None:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    Pki(Curve.P256, made).write(tmp_path)
    assert not expired(tmp_path, made + timedelta(days=59))
    assert expired(tmp_path, made + timedelta(days=61))
