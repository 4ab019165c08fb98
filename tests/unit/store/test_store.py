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
    CachedToken,
    CacheToken,
    DeleteProfile,
    Delivered,
    Enqueue,
    ForgetTokens,
    Journal,
    JournalEntry,
    MarkOffline,
    MarkRefused,
    OpenTransaction,
    OutboxKind,
    OutboxRow,
    ProfileRow,
    PutProfile,
    SetAvailability,
    SetVariable,
)


def row(number: int, droppable: bool = False, kind: OutboxKind = OutboxKind.TRANSACTION) -> OutboxRow:
    return OutboxRow(f"id-{number}", "TransactionEvent", f'[2,"id-{number}"]', kind, "tx-1", droppable)


async def test_what_was_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "deep" / "station.db")
    await store.commit_record(OpenTransaction(1, "tx-1", "{}"), row(1))
    await store.commit_record(OpenTransaction(1, "tx-1", '{"n":2}'), row(2))
    await store.commit(
        SetVariable("a", "1"),
        SetVariable("b", "2"),
        SetVariable("a", None),
        PutProfile(ProfileRow(7, 1, "{}")),
        PutProfile(ProfileRow(8, 0, "{}")),
        DeleteProfile(8),
        SetAvailability(1, False),
        CacheToken(CachedToken("Central:x", "Accepted", None)),
        CacheToken(CachedToken("Central:y", "Accepted", 5.0, (1, 12))),
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
    assert again.open_transactions() == (OpenTransaction(1, "tx-1", '{"n":2}'),)
    assert again.variables() == {"b": "2"}
    assert again.profiles() == (ProfileRow(7, 1, "{}"),)
    assert again.availability() == {1: False}
    assert again.tokens() == (
        CachedToken("Central:x", "Accepted", None),
        CachedToken("Central:y", "Accepted", 5.0, (1, 12)),
    )
    assert again.journal()[0].text == "door open"
    await again.commit(Delivered(1), ForgetTokens())
    head = again.outbox_head()
    assert head is not None
    assert head.text == '[2,"id-2"]'
    assert (again.outbox_depth(), again.outbox_depth("tx-1"), again.outbox_depth("other")) == (1, 1, 0)
    assert again.transaction_messages() == 1
    await again.commit_record(1, row(3))
    assert again.open_transactions() == ()
    again.close()


async def test_one_bad_write_undoes_the_whole_commit_and_the_store_lives_on(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    await store.commit(Enqueue(row(1)))
    with pytest.raises(StoreError, match="nothing was written"):
        await store.commit_record(OpenTransaction(1, "tx-1", "{}"), replace(row(2), text=None))  # type: ignore[arg-type]
    assert store.open_transactions() == ()
    await store.commit_record(OpenTransaction(1, "tx-1", "{}"), row(2))
    assert store.outbox_depth() == 2
    store.close()


async def test_a_record_committed_again_is_there_once(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    for _ in range(2):  # the first commit was on the disk, only its acknowledgement was lost
        await store.commit_record(OpenTransaction(1, "tx-1", "{}"), row(1))
    assert [r.message_id for r in store.outbox()] == ["id-1"]
    store.close()


async def test_what_waits_behind_the_head_is_marked_offline(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")

    def text(number: int, payload: str) -> OutboxRow:
        return replace(row(number), text=f'[2,"id-{number}","TransactionEvent",{payload}]')

    other = replace(text(3, '{"type":"x"}'), kind=OutboxKind.OTHER)
    rows = (
        text(1, '{"a":1.50}'),
        text(2, '{"b":1.50,"c":"\\u00e9 \\"offline\\":true"}'),
        other,
        text(4, '{"offline":true}'),
    )
    await store.commit(*(Enqueue(r) for r in rows))
    await store.commit(MarkOffline())
    marked = [json.loads(r.text)[3] for r in store.outbox()]
    assert marked == [
        {"a": 1.5},
        {"b": 1.5, "c": 'é "offline":true', "offline": True},
        {"type": "x"},
        {"offline": True},
    ]
    assert [r.text for r in store.outbox()][::3] == [rows[0].text, rows[3].text]
    before = store.outbox()
    await store.commit(MarkOffline())
    assert store.outbox() == before
    store.close()


async def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages + 1}")
    stored = 0
    with pytest.raises(StoreFull, match="disk full, nothing was written"):
        for number in range(50):
            await store.commit_record(
                OpenTransaction(1, "tx-1", "x" * 3000), OutboxRow(str(number), "A", "y" * 3000, OutboxKind.OTHER)
            )
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
    with sqlite3.connect(tmp_path / "s.db") as connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("INSERT INTO authorization_cache VALUES ('ISO14443:a', 'Accepted', 5.0)")
        connection.execute("INSERT INTO open_transactions VALUES (1, 'tx', '{}')")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    for _ in range(2):
        store = Store.open(tmp_path / "s.db")
        assert store.tokens() == (CachedToken("ISO14443:a", "Accepted", 5.0, ()),)
        assert [left.transaction_id for left in store.open_transactions()] == ["tx"]
        store.close()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    Store.open(tmp_path / "s.db").close()
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreTooNew, match="version 99"):
        Store.open(tmp_path / "s.db")


def test_synchronous_full_and_wal(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert (tmp_path / "s.db").stat().st_mode & 0o777 == 0o600
    store.commit_now(SetVariable("k", "v"))
    assert store.variables() == {"k": "v"}
    store.close()


async def test_a_full_outbox_thins_periodic_updates_only(tmp_path: Path) -> None:
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


async def test_journal_and_cache_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "JOURNAL_MAX_ROWS", 5)
    monkeypatch.setattr(database, "TOKENS_MAX_ROWS", 3)
    store = Store.open(tmp_path / "s.db")
    for number in range(9):
        await store.commit(
            Journal(JournalEntry(datetime(2026, 1, 1, tzinfo=UTC), "*", str(number))),
            CacheToken(CachedToken(f"Central:{number}", "Accepted", None)),
        )
    assert [e.text for e in store.journal()] == ["8", "7", "6", "5", "4"]
    assert [t.key for t in store.tokens()] == ["Central:6", "Central:7", "Central:8"]
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
    task = asyncio.create_task(store.commit(SetVariable("k", "v")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.commit(SetVariable("k2", "v"))
    assert store.variables() == {"k": "v", "k2": "v"}
    store.close()
