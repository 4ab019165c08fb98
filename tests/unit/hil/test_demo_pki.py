"""The demo's keys are made when there are none, when they have expired, and when some are missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from certs.pki import Curve, Pki
from hil.bench.bench import _pki_wanted


def test_keys_are_made_anew_when_they_are_of_no_use(tmp_path: Path) -> None:
    assert _pki_wanted(tmp_path) == ""
    Pki(Curve.P256, datetime.now(UTC) - timedelta(days=90)).write(tmp_path)
    assert _pki_wanted(tmp_path) == ": the one before had expired"
    Pki(Curve.P256).write(tmp_path)
    assert _pki_wanted(tmp_path) is None
    (tmp_path / "secc.pem").unlink()
    assert _pki_wanted(tmp_path) == ": the one before was incomplete"
