"""The performer: what is kept comes first, a refused order undoes it, a full disk is said and stops nothing; jobs beside."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from chargepoint.app.clock import SystemClock
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.commands import CommandResult, Reset, ResetKind, StationCommand
from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.ocpp.blocks.effects import (
    CallRefusal,
    Effects,
    Order,
    Post,
    SecurityEventOccurred,
    Send,
    Share,
)
from chargepoint.ocpp.blocks.jobs import GenerateKey, JobDone, JobEvent, JobFailed
from chargepoint.ocpp.file_jobs import FileJobs
from chargepoint.ocpp.firmware_jobs import FirmwareJobs
from chargepoint.ocpp.job_runner import JOBS_MAX, JobRunner
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.performer import Outlets, Performer
from chargepoint.ocpp.rpc import CallReceived
from chargepoint.ocpp.secrets_folder import SecretsFolder
from chargepoint.ocpp.station import Station
from chargepoint.store.database import Store
from chargepoint.store.errors import StoreFull

LOG = logging.getLogger("test")
EVSE = EvseState(EvseId(1), ConnectorStatus.AVAILABLE, False, None, None, False, 22_000.0, 11_000.0, None, None, True)
CARD = IdToken("04A1B2C3", IdTokenType.ISO14443)
KEY = GenerateKey("CP1", "org", "secp384r1", "new.pem")


class Port:
    """A station that takes note of commands; `seen` is what the disk held at that moment."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.result = CommandResult(True)
        self.commands: list[StationCommand] = []
        self.seen: list[dict[str, Any]] = []

    def evse_states(self) -> tuple[EvseState, ...]:
        return (EVSE,)

    def command(self, command: StationCommand) -> CommandResult:
        self.commands.append(command)
        self.seen.append(self._store.kept("boot"))
        return self.result

    def firmware_version(self) -> str:
        return "1"


def no_files(folder: Path) -> FileJobs:
    """For jobs without files: a store that nobody may read."""

    def refuse(roots: tuple[str, ...]) -> ssl.SSLContext:
        raise AssertionError("no file server is meant")

    return FileJobs(cast("Store", None), folder / "files", refuse, LOG)


class Stand:
    """A performer with a real store."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder / "s.db")
        self.port = Port(self.store)
        self.station = Station(CsmsSection(), StationSection(), self.port, Kept(self.store.kept), lambda _: 0)
        self.sent: list[Send] = []
        self.posted = self.steps = 0
        outlets = Outlets(self.sent.append, self._on_post, lambda _: None, self._on_step)
        jobs = JobRunner(folder / "secrets", self._no_event, LOG, no_files(folder), FirmwareJobs((), no_files(folder)))
        self.performer = Performer(
            self.station, self.store, self.port, SystemClock(), jobs, outlets, LOG, SecretsFolder(folder / "secrets")
        )

    def _on_post(self) -> None:
        self.posted += 1

    def _on_step(self) -> None:
        self.steps += 1

    async def _no_event(self, event: JobEvent) -> None:
        raise AssertionError(event)

    def fill_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def commit(*writes: object) -> None:
            raise StoreFull("disk full, nothing was written; free some space")

        monkeypatch.setattr(self.store, "commit", commit)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


RESET = CallReceived("1", "Reset", {"type": "Immediate"})
RESET_ONE = Reset(ResetKind.ON_IDLE, EvseId(1))


async def test_the_reason_of_a_reset_is_on_the_disk_before_it_is_ordered(stand: Stand) -> None:
    reply = await stand.performer.reply(RESET)
    assert reply.payload == {"status": "Accepted"}
    assert [type(command) for command in stand.port.commands] == [Reset]
    assert stand.port.seen == [{"reason": "RemoteReset"}]


async def test_a_refused_order_undoes_what_was_kept(stand: Stand) -> None:
    stand.port.result = CommandResult(False, "FwUpdateInProgress", "later")
    reply = await stand.performer.reply(RESET)
    assert reply.payload == {
        "status": "Rejected",
        "statusInfo": {"reasonCode": "FwUpdateInProgress", "additionalInfo": "later"},
    }
    assert stand.store.kept("boot") == dict(stand.station.kept.space("boot")) == {}


async def test_a_call_whose_record_the_disk_refuses_changes_nothing(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.fill_disk(monkeypatch)
    reply = await stand.performer.reply(RESET)
    assert reply.payload == CallRefusal("InternalError", "the station could not store this")
    assert stand.port.commands == []
    assert dict(stand.station.kept.space("boot")) == {}


@pytest.mark.parametrize(
    ("action", "payload", "status"),
    [
        ("ClearCache", {}, "Rejected"),
        ("SendLocalList", {"versionNumber": 1, "updateType": "Full"}, "Failed"),
        (
            "SetNetworkProfile",
            {
                "configurationSlot": 2,
                "connectionData": {
                    "ocppVersion": "OCPP20",
                    "ocppTransport": "JSON",
                    "ocppCsmsUrl": "ws://h/p",
                    "messageTimeout": 30,
                    "securityProfile": 1,
                    "ocppInterface": "Wired0",
                },
            },
            "Failed",
        ),
    ],
)
async def test_a_full_disk_has_a_status_where_ocpp_names_one(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, action: str, payload: dict[str, object], status: str
) -> None:
    """C11.FR.05, B09.FR.03."""
    await stand.performer.step(
        lambda _: stand.station.authorization.learned(
            CARD, {"status": "Accepted"}, stand.station.at(stand.performer.own())
        )
    )
    stand.fill_disk(monkeypatch)
    reply = await stand.performer.reply(CallReceived("1", action, payload))
    assert isinstance(reply.payload, dict)
    assert reply.payload["status"] == status
    assert stand.station.network.slot == 1
    assert len(stand.station.kept.space("token-cache")) == 1


async def test_without_a_call_a_full_disk_stops_nothing(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stand.fill_disk(monkeypatch)
    withheld = stand.station.kept.space("energy-withheld")
    effects: Effects = (withheld.keep("tx-1", True), Order(RESET_ONE), Send("Heartbeat", {}))
    await stand.performer.step(lambda _: effects)
    assert "tx-1" in withheld  # in memory: energy is withheld all the same
    assert stand.port.commands[0] == RESET_ONE
    assert stand.sent[0].action == "Heartbeat"
    assert "disk full" in caplog.text


async def test_a_shared_event_reaches_the_outbox(stand: Stand) -> None:
    """A04.FR.01, FR.02: it waits in the store."""
    await stand.performer.step(lambda _: (Share(SecurityEventOccurred("TamperDetectionActivated", "door")),))
    (row,) = stand.store.outbox()
    assert (row.action, stand.posted, stand.steps) == ("SecurityEventNotification", 1, 1)


async def test_steps_do_not_interleave(stand: Stand) -> None:
    """A step that counts what is kept sees all that the step before it kept."""
    space = stand.station.kept.space("counting")

    def count(_: object) -> Effects:
        return (space.keep("n", int(space.get("n", 0)) + 1), Post("Heartbeat", {}))

    await asyncio.gather(*(stand.performer.step(count) for _ in range(20)))
    assert stand.store.kept("counting") == {"n": 20}
    assert stand.store.outbox_depth() == 20


# -- jobs ----------------------------------------------------------------------------------------------------------------


def runner(folder: Path) -> tuple[JobRunner, asyncio.Queue[JobEvent]]:
    events: asyncio.Queue[JobEvent] = asyncio.Queue()
    report: Callable[[JobEvent], Awaitable[None]] = events.put
    return JobRunner(folder / "secrets", report, LOG, no_files(folder), FirmwareJobs((), no_files(folder))), events


async def test_a_key_is_made_and_stays_in_its_file(tmp_path: Path) -> None:
    """A00.FR.506, FR.509: the request names the organisation, and is signed over SHA-256. A02.FR.05: the key stays."""
    jobs, events = runner(tmp_path)
    jobs.start("key", KEY)
    event = await events.get()
    assert isinstance(event, JobDone)
    request = x509.load_pem_x509_csr(event.result.encode())
    assert request.is_signature_valid
    assert isinstance(request.signature_hash_algorithm, hashes.SHA256)
    assert [a.value for a in request.subject] == ["CP1", "org"]
    file = tmp_path / "secrets" / "new.pem"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    assert key.public_key() == request.public_key()
    assert "PRIVATE" not in event.result


async def test_a_job_that_cannot_write_says_why(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("a file where a folder should be")
    jobs, events = runner(tmp_path)
    jobs.start("key", KEY)
    event = await events.get()
    assert isinstance(event, JobFailed)
    assert (event.code, "secrets" in event.text) == ("FileExistsError", True)


async def test_a_cancelled_job_has_no_event_and_the_same_name_replaces_it(tmp_path: Path) -> None:
    jobs, events = runner(tmp_path)
    jobs.start("key", KEY)
    jobs.cancel("key")
    jobs.start("other", KEY)
    jobs.start("other", KEY)
    assert (await events.get()).name == "other"
    await jobs.stop()
    assert events.empty()


async def test_too_many_jobs_are_refused(tmp_path: Path) -> None:
    jobs, events = runner(tmp_path)
    for number in range(JOBS_MAX + 1):
        jobs.start(str(number), KEY)
    found = [await events.get() for _ in range(JOBS_MAX + 1)]
    assert {type(event) for event in found} >= {JobFailed}
    assert any(isinstance(event, JobFailed) and event.code == "TooMany" for event in found)
    await jobs.stop()
