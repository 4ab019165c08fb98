"""The store: one sqlite file, one writer thread, explicit database transactions.

Owns everything that must survive a power cut: the outbox, the journal, and what the rooms keep, as (space, key, JSON).
WAL with synchronous=FULL: what `commit` has acknowledged is on the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import queue
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, assert_never

from chargepoint.store.errors import StoreDamaged, StoreError, StoreFull
from chargepoint.store.migrations import migrate
from chargepoint.store.rows import (
    Delivered,
    Enqueue,
    Journal,
    JournalEntry,
    Json,
    Keep,
    MarkLate,
    MarkRefused,
    OutboxKind,
    OutboxRow,
    Write,
)

T = TypeVar("T")

Settle = Callable[[StoreError | None], None]
"""Called by the writer when a write is on the disk (None) or has failed."""

OUTBOX_MAX_ROWS = 50_000
"""Above this every second periodic update is dropped (E04.FR.07/08); begin, end and state changes never are."""

JOURNAL_MAX_ROWS = 5_000
_QUEUE_MAX = 256
_OUTBOX_COLUMNS = "position, message_id, action, kind, transaction_id, text, droppable, attempts, late"


class Store:
    """Use `Store.open`. Reads are synchronous and small; writes go through `commit`, one database transaction each."""

    def __init__(
        self,
        path: Path,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        outbox_max_rows: int,
        *,
        by_thread: bool,
    ) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._reading = threading.Lock()
        self._outbox_max_rows = outbox_max_rows
        self._jobs: queue.SimpleQueue[tuple[tuple[Write, ...], Settle] | None] = queue.SimpleQueue()
        self._closed = False
        self._thread: threading.Thread | None = None
        if by_thread:
            self._thread = threading.Thread(target=self._write_forever, name="store-writer", daemon=True)
            self._thread.start()

    @classmethod
    def open(cls, path: Path, outbox_max_rows: int = OUTBOX_MAX_ROWS, *, by_thread: bool = True) -> Store:
        """Open or create the file and bring it to the newest version.

        `by_thread` False: each write is made in the call that hands it in. For benches in virtual time, where no disk is waited for.

        Raises StoreDamaged, StoreTooNew, StoreFull or StoreError with the path and what to do.
        """
        connections: list[sqlite3.Connection] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # tokens are in it; sqlite gives its side files the same mode
            for _ in range(2):
                connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
                connections.append(connection)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
            writer, reader = connections
            (verdict,) = writer.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise StoreDamaged(f"{path}: {verdict}; {_MOVE_ASIDE}")
            migrate(writer)
        except (sqlite3.Error, OSError, StoreError) as error:
            for connection in connections:
                connection.close()
            raise _explained(path, error) from error
        return cls(path, writer, reader, outbox_max_rows, by_thread=by_thread)

    def close(self) -> None:
        """Finish what was handed in, then close the file. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
        with self._reading:
            self._reader.close()
        self._writer.close()

    # -- writes ------------------------------------------------------------------------------------------------------

    async def commit(self, *writes: Write) -> None:
        """All of it or nothing, on the disk when this returns. Raises StoreError (StoreFull, StoreDamaged).

        A cancelled caller does not take the write back: it will happen, or not, as one.
        """
        await self.hand_in(*writes)

    def hand_in(self, *writes: Write) -> asyncio.Future[None]:
        """`commit` without waiting: its outcome. Raises StoreError where too many writes are waiting."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def settle(error: StoreError | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, done, error)

        self._submit(writes, settle)
        return done

    def commit_now(self, *writes: Write) -> None:
        """`commit` for start-up and for programs without an event loop: blocks until it is on the disk."""
        done: queue.SimpleQueue[StoreError | None] = queue.SimpleQueue()
        self._submit(writes, done.put)
        error = done.get()
        if error is not None:
            raise error

    def _submit(self, writes: tuple[Write, ...], settle: Settle) -> None:
        if self._closed:
            raise StoreError(f"{self._path}: the store is closed")
        if self._thread is None:
            self._perform(writes, settle)
            return
        if self._jobs.qsize() >= _QUEUE_MAX:
            raise StoreError(f"{self._path}: {_QUEUE_MAX} writes are waiting; the disk does not keep up")
        self._jobs.put((writes, settle))

    def _write_forever(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._perform(*job)

    def _perform(self, writes: tuple[Write, ...], settle: Settle) -> None:
        try:
            self._write(writes)
        except Exception as error:
            settle(_explained(self._path, error))
        else:
            settle(None)

    def _write(self, writes: tuple[Write, ...]) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            for write in writes:
                self._apply(write)
            self._writer.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a failed COMMIT may have rolled back by itself
                self._writer.execute("ROLLBACK")
            raise

    def _apply(self, write: Write) -> None:
        run = self._writer.execute
        match write:
            case Keep(space=space, key=key, value=None):
                run("DELETE FROM kept WHERE space = ? AND key = ?", (space, key))
            case Keep(space=space, key=key, value=value):
                text = json.dumps(value, separators=(",", ":"), allow_nan=False)
                run("INSERT OR REPLACE INTO kept (space, key, json) VALUES (?, ?, ?)", (space, key, text))
            case Enqueue(row=row):
                self._enqueue(row)
            case Delivered(position=position):
                run("DELETE FROM outbox WHERE position = ?", (position,))
            case MarkRefused(position=position, attempts=attempts):
                run("UPDATE outbox SET attempts = ? WHERE position = ?", (attempts, position))
            case MarkLate(after=position):
                run("UPDATE outbox SET late = 1 WHERE late = 0 AND position > ?", (position,))
            case Journal(entry=entry):
                cursor = run(
                    "INSERT INTO journal (at_utc, kind, text) VALUES (?, ?, ?)",
                    (entry.at_utc.isoformat(), entry.kind, entry.text),
                )
                run("DELETE FROM journal WHERE id <= ?", ((cursor.lastrowid or 0) - JOURNAL_MAX_ROWS,))
            case _:
                assert_never(write)

    def _enqueue(self, row: OutboxRow) -> None:
        run = self._writer.execute
        (depth,) = run("SELECT count(*) FROM outbox").fetchone()
        if depth >= self._outbox_max_rows:
            # E04.FR.08: intermediate messages first, every second one, never the head that may be on its way.
            run(
                "DELETE FROM outbox WHERE position IN (SELECT position FROM (SELECT position, row_number() OVER "
                "(PARTITION BY transaction_id ORDER BY position) AS n FROM outbox WHERE droppable = 1 AND position > "
                "(SELECT min(position) FROM outbox)) WHERE n % 2 = 1)"
            )
            if (
                row.kind is OutboxKind.OTHER
                and run("SELECT count(*) FROM outbox").fetchone()[0] >= self._outbox_max_rows
            ):
                raise StoreFull(
                    f"{self._path}: {depth} messages wait for the central system; see why it does not answer"
                )
        run(
            # A commit that failed after it was on the disk is tried again: the message is there already.
            "INSERT INTO outbox (message_id, action, kind, transaction_id, text, droppable, attempts) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message_id) DO NOTHING",
            (
                row.message_id,
                row.action,
                row.kind.value,
                row.transaction_id,
                row.text,
                int(row.droppable),
                row.attempts,
            ),
        )

    # -- reads -------------------------------------------------------------------------------------------------------

    def outbox_head(self, after: int = 0) -> OutboxRow | None:
        """The oldest message behind this position that the central system has not answered."""
        sql = f"SELECT {_OUTBOX_COLUMNS} FROM outbox WHERE position > ? ORDER BY position LIMIT 1"  # noqa: S608
        rows = self._read(sql, _outbox_row, (after,))
        return rows[0] if rows else None

    def outbox(self) -> tuple[OutboxRow, ...]:
        """All messages not answered, in order. For tests and diagnostics."""
        return self._read(f"SELECT {_OUTBOX_COLUMNS} FROM outbox ORDER BY position", _outbox_row)  # noqa: S608

    def outbox_depth(self, transaction_id: str | None = None) -> int:
        """How many messages wait, of one transaction or (None) altogether."""
        if transaction_id is None:
            return self._read("SELECT count(*) FROM outbox", _integer)[0]
        return self._read("SELECT count(*) FROM outbox WHERE transaction_id = ?", _integer, (transaction_id,))[0]

    def transaction_messages(self) -> int:
        """How many transaction messages wait."""
        return self._read("SELECT count(*) FROM outbox WHERE kind = ?", _integer, (OutboxKind.TRANSACTION.value,))[0]

    def kept(self, space: str) -> dict[str, Json]:
        """Everything a space keeps, oldest entry first."""
        sql = "SELECT key, json FROM kept WHERE space = ? ORDER BY number"
        return dict(self._read(sql, lambda r: (r[0], json.loads(r[1])), (space,)))

    def journal(self, limit: int = 200) -> tuple[JournalEntry, ...]:
        """The newest `limit` lines, newest first."""
        return self._read(
            "SELECT at_utc, kind, text FROM journal ORDER BY id DESC LIMIT ?",
            lambda r: JournalEntry(datetime.fromisoformat(r[0]), r[1], r[2]),
            (limit,),
        )

    def journal_after(self, number: int, limit: int) -> tuple[tuple[int, JournalEntry], ...]:
        """The oldest `limit` lines after this number, each with its own number."""
        return self._read(
            "SELECT id, at_utc, kind, text FROM journal WHERE id > ? ORDER BY id LIMIT ?",
            lambda r: (int(r[0]), JournalEntry(datetime.fromisoformat(r[1]), r[2], r[3])),
            (number, limit),
        )

    def newest_journal_number(self) -> int:
        """The number of the newest line; 0: the journal is empty."""
        return self._read("SELECT coalesce(max(id), 0) FROM journal", _integer)[0]

    def _read(
        self, sql: str, make: Callable[[tuple[Any, ...]], T], parameters: tuple[object, ...] = ()
    ) -> tuple[T, ...]:
        try:
            with self._reading:
                return tuple(make(row) for row in self._reader.execute(sql, parameters))
        except sqlite3.Error as error:
            raise _explained(self._path, error) from error


def _settle(done: asyncio.Future[None], error: StoreError | None) -> None:
    """A cancelled caller has no use for the outcome."""
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


def _integer(row: tuple[Any, ...]) -> int:
    return int(row[0])


def _outbox_row(row: tuple[Any, ...]) -> OutboxRow:
    position, message_id, action, kind, transaction_id, text, droppable, attempts, late = row
    return OutboxRow(
        message_id, action, text, OutboxKind(kind), transaction_id, bool(droppable), attempts, position, bool(late)
    )


_MOVE_ASIDE = "move the file aside and start again; the messages in it have not reached the central system"


def _explained(path: Path, error: Exception) -> StoreError:
    """The message of sqlite or of the system, as an error a person can act on."""
    if isinstance(error, StoreError):
        return error
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        code &= 0xFF  # extended result codes carry the primary one in the low byte
    if code == sqlite3.SQLITE_FULL or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return StoreFull(f"{path}: disk full, nothing was written; free some space")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged(f"{path}: {error}; {_MOVE_ASIDE}")
    return StoreError(f"{path}: {error or type(error).__name__}; nothing was written")
