"""A certificate that the disk does not take, or does not let go: the answer has the action's own word for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.pki import Curve, Pki
from chargepoint.ocpp.rpc import CallReceived
from tests.shell.test_ocpp_performer import Stand

NOT_STORED = {"status": "Failed", "statusInfo": {"reasonCode": "InternalError", "additionalInfo": "the station could not store this"}}  # fmt: skip


async def test_both_actions_answer_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """M05.FR.03, M04.FR.03: on a full disk nothing is installed and nothing deleted, and the central system is answered so."""
    stand = Stand(tmp_path)
    pki = Pki(Curve.P256, datetime.now(UTC))
    certificate = pki.certificates["v2g_root"].public_bytes(Encoding.PEM).decode("ascii")
    install = CallReceived(
        "1", "InstallCertificate", {"certificateType": "V2GRootCertificate", "certificate": certificate}
    )
    with monkeypatch.context() as full:
        stand.fill_disk(full)
        assert (await stand.performer.reply(install)).payload == NOT_STORED
        assert dict(stand.station.files) == {}
    assert (await stand.performer.reply(install)).payload == {"status": "Accepted"}
    listed = (await stand.performer.reply(CallReceived("2", "GetInstalledCertificateIds", {}))).payload
    assert isinstance(listed, dict)
    (chain,) = listed["certificateHashDataChain"]
    delete = CallReceived("3", "DeleteCertificate", {"certificateHashData": chain["certificateHashData"]})
    with monkeypatch.context() as full:
        stand.fill_disk(full)
        assert (await stand.performer.reply(delete)).payload == NOT_STORED
        assert len(dict(stand.station.files)) == 1
    assert (await stand.performer.reply(delete)).payload == {"status": "Accepted"}
