"""The roots of contracts follow their files."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from certs.pki import Curve, Pki
from chargepoint.security.contract_roots import contract_roots
from chargepoint.security.station_leaves import TrustError

LOG = logging.getLogger("roots")


def test_roots_of_operators_and_of_v2g_are_read_and_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Pki(Curve.ED448).write(tmp_path)
    roots = contract_roots(tmp_path, LOG)
    assert [root.common_name for root in roots.current()] == ["MORootCA-DEV", "V2GRootCA-DEV"]
    both = (tmp_path / "oem_root.pem").read_bytes() + (tmp_path / "csms_root.pem").read_bytes()
    (tmp_path / "mo_roots" / "more.pem").write_bytes(both)
    assert [root.common_name for root in roots.current()][1:3] == ["OEMRootCA-DEV", "CSMSRootCA-DEV"]
    (tmp_path / "mo_roots" / "bad.pem").write_text("junk")
    assert [len(roots.current()) for _ in range(3)] == [4, 4, 4]
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "bad.pem: no root certificate" in warnings[0]
    with pytest.raises(TrustError, match=r"bad\.pem"):
        contract_roots(tmp_path, LOG)


def test_no_roots_are_no_error(tmp_path: Path) -> None:
    roots = contract_roots(tmp_path / "nowhere", LOG)
    assert roots.current() == ()
    Pki(Curve.P256).write(tmp_path / "made")
    shutil.move(tmp_path / "made", tmp_path / "nowhere")
    assert len(roots.current()) == 2
