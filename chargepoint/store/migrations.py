"""Migrations: the tables, version by version. Append only; `PRAGMA user_version` says how far a file has come."""

from __future__ import annotations

import sqlite3

from chargepoint.store.errors import StoreTooNew

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE outbox (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            message_id TEXT NOT NULL UNIQUE,
            action TEXT NOT NULL,
            kind TEXT NOT NULL,
            transaction_id TEXT NOT NULL,
            text TEXT NOT NULL,
            droppable INTEGER NOT NULL,
            attempts INTEGER NOT NULL)""",
        "CREATE INDEX outbox_transaction ON outbox (transaction_id)",
        """CREATE TABLE open_transactions (
            evse_id INTEGER PRIMARY KEY,
            transaction_id TEXT NOT NULL UNIQUE,
            state TEXT NOT NULL)""",
        "CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT, at_utc TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL)",
        "CREATE TABLE variables (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
        "CREATE TABLE profiles (profile_id INTEGER PRIMARY KEY, evse_id INTEGER NOT NULL, json TEXT NOT NULL)",
        "CREATE TABLE availability (evse_id INTEGER PRIMARY KEY, operative INTEGER NOT NULL)",
        "CREATE TABLE authorization_cache (key TEXT PRIMARY KEY, status TEXT NOT NULL, expires_utc_s REAL)",
    ),
    ("ALTER TABLE authorization_cache ADD COLUMN evse_ids TEXT NOT NULL DEFAULT ''",),
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a file to the newest version, each step in one database transaction. Raises StoreTooNew."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise StoreTooNew(
            f"database version {version}: this software knows up to {len(MIGRATIONS)}; install the newer software again"
        )
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
