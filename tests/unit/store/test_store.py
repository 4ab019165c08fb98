"""The store: all or nothing, in order, over restarts; errors that say what to do."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chargepoint.store import database
from chargepoint.store.database import Store
from chargepoint.store.errors import StoreDamaged, StoreError, StoreFull, StoreTooNew
from chargepoint.store.migrations import MIGRATIONS
from chargepoint.store.rows import (
    Delivered,
    Enqueue,
    Journal,
    JournalEntry,
    Keep,
    MarkLate,
    MarkRefused,
    OutboxKind,
    OutboxRow,
)


def row(number: int, droppable: bool = False, kind: OutboxKind = OutboxKind.TRANSACTION) -> OutboxRow:
    return OutboxRow(f"id-{number}", "TransactionEvent", f'[2,"id-{number}"]', kind, "tx-1", droppable)


async def test_what_was_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "deep" / "station.db")
    await store.commit(Keep("transaction", "1", "{}"), Enqueue(row(1)))
    await store.commit(Keep("transaction", "1", '{"n":2}'), Enqueue(row(2)))
    document = {"a": [1, 2.5, None, True, "\u00e9"], "b": {}}
    await store.commit(
        Keep("variables", "a", "1"),
        Keep("variables", "b", "2"),
        Keep("variables", "a", None),
        Keep("other", "b", document),
        Keep("flags", "0", False),
        Journal(JournalEntry(datetime(2026, 1, 1, tzinfo=UTC), "!", "door open")),
        MarkRefused(2, 3),
    )
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.commit()
    again = Store.open(tmp_path / "deep" / "station.db")
    assert [r.message_id for r in again.outbox()] == ["id-1", "id-2"]
    assert again.outbox()[1].attempts == 3
    assert again.kept("transaction") == {"1": '{"n":2}'}
    assert again.kept("variables") == {"b": "2"}
    assert again.kept("other") == {"b": document}
    assert again.kept("flags") == {"0": False}
    assert again.kept("nothing") == {}
    assert again.journal()[0].text == "door open"
    await again.commit(Delivered(1))
    head = again.outbox_head()
    assert head is not None
    assert head.text == '[2,"id-2"]'
    assert again.outbox_head(after=head.position) is None
    assert (again.outbox_depth(), again.outbox_depth("tx-1"), again.outbox_depth("other")) == (1, 1, 0)
    assert again.transaction_messages() == 1
    again.close()


async def test_what_is_kept_again_is_the_youngest(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    for key in ("a", "b", "c", "a"):
        await store.commit(Keep("space", key, key))
    assert list(store.kept("space")) == ["b", "c", "a"]
    store.close()


@pytest.mark.parametrize("value", [float("nan"), {1: {2}}, object()])
async def test_what_json_cannot_say_is_refused(tmp_path: Path, value: object) -> None:
    store = Store.open(tmp_path / "s.db")
    with pytest.raises(StoreError):
        await store.commit(Keep("space", "good", 1), Keep("space", "bad", value))
    assert store.kept("space") == {}
    store.close()


async def test_one_bad_write_undoes_the_whole_commit_and_the_store_lives_on(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    await store.commit(Enqueue(row(1)))
    with pytest.raises(StoreError, match="nothing was written"):
        await store.commit(Keep("transaction", "1", "{}"), Enqueue(replace(row(2), text=None)))  # type: ignore[arg-type]
    assert store.kept("transaction") == {}
    await store.commit(Keep("transaction", "1", "{}"), Enqueue(row(2)))
    assert store.outbox_depth() == 2
    store.close()


async def test_a_record_committed_again_is_there_once(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    for _ in range(2):  # the first commit was on the disk, only its acknowledgement was lost
        await store.commit(Keep("transaction", "1", "{}"), Enqueue(row(1)))
    assert [r.message_id for r in store.outbox()] == ["id-1"]
    store.close()


async def test_what_waits_behind_the_last_sent_is_late(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    await store.commit(*(Enqueue(row(number)) for number in (1, 2, 3)))
    assert [r.late for r in store.outbox()] == [False, False, False]
    await store.commit(MarkLate(after=1))
    assert [r.late for r in store.outbox()] == [False, True, True]
    await store.commit(Delivered(1), Enqueue(row(4)))
    assert [r.late for r in store.outbox()] == [True, True, False]
    await store.commit(MarkLate(after=0))
    assert [r.late for r in store.outbox()] == [True, True, True]
    store.close()


async def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages + 1}")
    stored = 0
    with pytest.raises(StoreFull, match="disk full, nothing was written"):
        for number in range(50):
            message = OutboxRow(str(number), "A", "y" * 3000, OutboxKind.OTHER)
            await store.commit(Keep("transaction", "1", "x" * 3000), Enqueue(message))
            stored += 1
    assert store.outbox_depth() == stored
    store._writer.execute(f"PRAGMA max_page_count = {pages + 100}")
    await store.commit(Enqueue(row(1)))
    assert store.outbox_depth() == stored + 1
    store.close()


def test_a_damaged_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreDamaged, match="move the file aside"):
        Store.open(path)
    with pytest.raises(StoreError):
        Store.open(tmp_path)  # a directory


def test_a_file_of_the_first_version_keeps_what_is_in_it(tmp_path: Path) -> None:
    profile = {"profile": {"id": 7}, "negativeLimit": "DischargeLimit"}
    with sqlite3.connect(tmp_path / "s.db") as connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        for statement, values in (
            ("authorization_cache VALUES (?, ?, ?)", ("ISO14443:a", "Accepted", 5.0)),
            ("authorization_cache VALUES (?, ?, ?)", ("ISO14443:b", "Blocked", None)),
            ("open_transactions VALUES (?, ?, ?)", (1, "tx", '{"transaction_id":"tx"}')),
            ("variables VALUES (?, ?)", ("app/last_session/12", "last")),
            ("variables VALUES (?, ?)", ("app/car_session/3", "car")),
            ("variables VALUES (?, ?)", ("app/boot_id", "abc")),
            ("variables VALUES (?, ?)", ("station/boot-reason", "RemoteReset")),
            ("variables VALUES (?, ?)", ("TxCtrlr/EVConnectionTimeOut", '1"0')),
            ("profiles VALUES (?, ?, ?)", (7, 2, json.dumps(profile))),
            ("profiles VALUES (?, ?, ?)", (8, 2, "{broken")),
            ("availability VALUES (?, ?)", (0, 0)),
            ("availability VALUES (?, ?)", (1, 1)),
            ("outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (4, "id", "A", "transaction", "tx", "text", 0, 2)),
        ):
            connection.execute(f"INSERT INTO {statement}", values)
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    for _ in range(2):
        store = Store.open(tmp_path / "s.db")
        assert store.kept("token-cache") == {
            "ISO14443:a": {"status": "Accepted", "expiresUtcS": 5.0, "evseIds": []},
            "ISO14443:b": {"status": "Blocked", "expiresUtcS": None, "evseIds": []},
        }
        assert store.kept("transaction") == {"1": '{"transaction_id":"tx"}'}
        assert store.kept("last-session") == {"12": "last"}
        assert store.kept("car-session") == {"3": "car"}
        assert store.kept("daemon") == {"boot-id": "abc"}
        assert store.kept("boot") == {"reason": "RemoteReset"}
        assert store.kept("variables") == {"TxCtrlr/EVConnectionTimeOut": '1"0'}
        assert store.kept("charging-profiles") == {"7": {**profile, "evseId": 2}}
        assert store.kept("availability") == {"0": False, "1": True}
        (left,) = store.outbox()
        assert (left.position, left.text, left.attempts, left.late) == (4, "text", 2, False)
        store.close()


def test_a_file_of_the_second_version_keeps_the_evses_of_a_token(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "s.db") as connection:
        for statement in (*MIGRATIONS[0], *MIGRATIONS[1]):
            connection.execute(statement)
        connection.execute("INSERT INTO authorization_cache VALUES ('Central:y', 'Accepted', 5.0, '1 12')")
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    store = Store.open(tmp_path / "s.db")
    assert store.kept("token-cache")["Central:y"]["evseIds"] == [1, 12]
    store.close()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    Store.open(tmp_path / "s.db").close()
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreTooNew, match="version 99"):
        Store.open(tmp_path / "s.db")


def test_synchronous_full_and_wal(tmp_path: Path) -> None:
    """C10.FR.12: nobody else may read the file."""
    store = Store.open(tmp_path / "s.db")
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert (tmp_path / "s.db").stat().st_mode & 0o777 == 0o600
    store.commit_now(Keep("s", "k", "v"))
    assert store.kept("s") == {"k": "v"}
    store.close()


async def test_a_full_outbox_thins_periodic_updates_only(tmp_path: Path) -> None:
    """E04.FR.07, FR.08: the 1st, 3rd, 5th and 7th go. J02.FR.12, FR.13."""
    store = Store.open(tmp_path / "s.db", outbox_max_rows=10)
    await store.commit(Enqueue(row(0)))
    for number in range(1, 10):
        await store.commit(Enqueue(row(number, droppable=number != 5)))
    await store.commit(Enqueue(row(10)))
    assert [r.message_id for r in store.outbox()] == ["id-0", "id-2", "id-4", "id-5", "id-7", "id-9", "id-10"]
    for number in range(11, 30):
        await store.commit(Enqueue(row(number)))  # billing records are kept whatever it takes
    with pytest.raises(StoreFull, match="wait for the central system"):
        await store.commit(Enqueue(row(30, kind=OutboxKind.OTHER)))
    assert store.outbox()[-1].message_id == "id-29"
    store.close()


async def test_the_journal_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "JOURNAL_MAX_ROWS", 5)
    store = Store.open(tmp_path / "s.db")
    for number in range(9):
        await store.commit(Journal(JournalEntry(datetime(2026, 1, 1, tzinfo=UTC), "*", str(number))))
    assert [e.text for e in store.journal()] == ["8", "7", "6", "5", "4"]
    store.close()


async def test_commits_of_many_tasks_keep_their_order_per_task(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")

    async def writer(name: str) -> None:
        for number in range(10):
            await store.commit(Enqueue(OutboxRow(f"{name}-{number:02}", "A", "", OutboxKind.OTHER)))

    await asyncio.gather(writer("a"), writer("b"), writer("c"))
    ids = [r.message_id for r in store.outbox()]
    for name in "abc":
        assert [i for i in ids if i.startswith(name)] == [f"{name}-{n:02}" for n in range(10)]
    store.close()


async def test_a_cancelled_caller_does_not_take_the_write_back(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    task = asyncio.create_task(store.commit(Keep("s", "k", "v")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.commit(Keep("s", "k2", "v"))
    assert store.kept("s") == {"k": "v", "k2": "v"}
    store.close()
