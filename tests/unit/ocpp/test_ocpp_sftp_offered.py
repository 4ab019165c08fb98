"""SFTP is offered where the configuration names host keys, and refused with the remedy where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chargepoint.config.schema import StationSection
from chargepoint.ocpp.blocks.effects import StartJob
from chargepoint.ocpp.blocks.jobs import UploadLog
from tests.unit.ocpp.conftest import Desk


def protocols(desk: Desk) -> set[str]:
    asked = [{"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "FileTransferProtocols"}}]
    result: dict[str, Any] = desk.ask("GetVariables", {"getVariableData": asked})["getVariableResult"][0]
    return set(result["attributeValue"].split(","))


def ask_for_log(desk: Desk) -> dict[str, Any]:
    log = {"remoteLocation": "sftp://station:secret@h/in/"}
    return desk.ask("GetLog", {"logType": "DiagnosticsLog", "requestId": 1, "log": log})


@pytest.mark.parametrize("known_hosts", [None, Path("/etc/known_hosts")])
def test_sftp_needs_host_keys(desk: Desk, known_hosts: Path | None) -> None:
    desk.section = StationSection(sftp_known_hosts_file=known_hosts)
    desk.restart()
    desk.accept()
    assert ("SFTP" in protocols(desk)) is (known_hosts is not None)
    assert {"HTTP", "HTTPS", "FTP", "FTPS"} <= protocols(desk)
    desk.effects.clear()
    answer = ask_for_log(desk)
    started = [effect.job for effect in desk.effects if isinstance(effect, StartJob)]
    if known_hosts is None:
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedParam")
        assert "sftp_known_hosts_file" in answer["statusInfo"]["additionalInfo"]
        assert "secret" not in str(answer)
        assert started == []
    else:
        assert answer["status"] == "Accepted"
        assert [isinstance(job, UploadLog) for job in started] == [True]
