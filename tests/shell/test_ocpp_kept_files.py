"""Files of the station's secrets: on the disk with everything else of a step, or not at all; read again after a start."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chargepoint.ocpp.blocks.effects import CallRefusal, KeepFile
from chargepoint.ocpp.rpc import CallReceived
from chargepoint.ocpp.secrets_folder import SecretsFolder
from chargepoint.store.errors import StoreError
from tests.shell.test_ocpp_performer import Stand

if TYPE_CHECKING:
    from chargepoint.ocpp.blocks.effects import Effects

SET_PASSWORD = CallReceived(
    "1",
    "SetVariables",
    {
        "setVariableData": [
            {
                "component": {"name": "SecurityCtrlr"},
                "variable": {"name": "BasicAuthPassword"},
                "attributeValue": "0123456789abcdef",
            }
        ]
    },
)


async def test_a_full_disk_leaves_every_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand = Stand(tmp_path)
    folder = SecretsFolder(tmp_path / "secrets")
    stand.fill_disk(monkeypatch)
    reply = await stand.performer.reply(SET_PASSWORD)
    assert reply.payload == CallRefusal("InternalError", "the station could not store this")
    assert folder.read() == {}
    assert dict(stand.station.files) == {}


async def test_a_file_goes_after_everything_else_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand = Stand(tmp_path)
    folder = SecretsFolder(tmp_path / "secrets")
    chain, key = tmp_path / "secrets" / "secc_chain_a.pem", tmp_path / "secrets" / "secc_a.key"
    folder.write(KeepFile(chain.name, "a chain"))
    folder.write(KeepFile(key.name, "a key"))
    seen: list[bool] = []

    async def commit(*writes: object) -> None:
        seen.append(key.exists() and chain.exists())

    monkeypatch.setattr(stand.store, "commit", commit)
    space = stand.station.kept.space("anything")
    effects: Effects = (KeepFile(chain.name, None), KeepFile(key.name, None), space.keep("a", 1))
    await stand.performer.step(lambda _: effects)
    assert seen[0]  # later commits are of the blocks that were due
    assert folder.read() == {}


def test_a_folder_is_read_whole_but_for_private_keys(tmp_path: Path) -> None:
    folder = SecretsFolder(tmp_path / "secrets")
    folder.write(KeepFile("csms_roots/a.pem", "root"))
    folder.write(KeepFile("password", "secret"))
    folder.write(KeepFile("station_a.key", "private"))
    folder.write(KeepFile("password", "another"))
    (tmp_path / "secrets" / ".password").write_text("a draft that a power cut left")
    assert folder.read() == {"csms_roots/a.pem": "root", "password": "another", "station_a.key": ""}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert {stat.S_IMODE((tmp_path / "secrets" / name).stat().st_mode) for name in folder.read()} == {0o600}
    folder.write(KeepFile("password", "after the power cut"))
    assert folder.read()["password"] == "after the power cut"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("no folder")
    with pytest.raises(StoreError, match="secrets/password"):
        SecretsFolder(tmp_path / "secrets").write(KeepFile("password", "x"))


def test_a_draft_that_a_power_cut_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    """`./run bench kills` looks for drafts: nobody wrote the same name again, so a draft stayed for ever, a password in it."""
    directory = tmp_path / "secrets"
    SecretsFolder(directory).write(KeepFile("csms_roots/a.pem", "root"))
    for draft in (directory / ".password", directory / "csms_roots" / ".b.pem"):
        draft.write_text("half of a secr")
    assert SecretsFolder(directory).read() == {"csms_roots/a.pem": "root"}
    assert [file.name for file in directory.rglob("*") if file.is_file()] == ["a.pem"]
