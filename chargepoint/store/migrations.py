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
    (
        """CREATE TABLE kept (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            space TEXT NOT NULL,
            key TEXT NOT NULL,
            json TEXT NOT NULL,
            UNIQUE (space, key))""",
        "INSERT INTO kept (space, key, json) SELECT 'transaction', evse_id, json_quote(state) FROM open_transactions",
        "INSERT INTO kept (space, key, json) SELECT 'last-session', substr(key, 18), json_quote(value) FROM variables WHERE key LIKE 'app/last_session/%'",
        "INSERT INTO kept (space, key, json) SELECT 'car-session', substr(key, 17), json_quote(value) FROM variables WHERE key LIKE 'app/car_session/%'",
        "INSERT INTO kept (space, key, json) SELECT 'daemon', 'boot-id', json_quote(value) FROM variables WHERE key = 'app/boot_id'",
        "INSERT INTO kept (space, key, json) SELECT 'boot', 'reason', json_quote(value) FROM variables WHERE key = 'station/boot-reason'",
        "INSERT INTO kept (space, key, json) SELECT 'variables', key, json_quote(value) FROM variables "
        "WHERE key NOT LIKE 'app/%' AND key <> 'station/boot-reason'",
        "INSERT INTO kept (space, key, json) SELECT 'charging-profiles', profile_id, json_set(json, '$.evseId', evse_id) "
        "FROM profiles WHERE json_valid(json) ORDER BY profile_id",
        "INSERT INTO kept (space, key, json) SELECT 'availability', evse_id, CASE operative WHEN 0 THEN 'false' ELSE 'true' END "
        "FROM availability",
        "INSERT INTO kept (space, key, json) SELECT 'token-cache', key, json_object('status', status, 'expiresUtcS', expires_utc_s, "
        "'evseIds', json('[' || replace(evse_ids, ' ', ',') || ']')) FROM authorization_cache ORDER BY rowid",
        "DROP TABLE open_transactions",
        "DROP TABLE variables",
        "DROP TABLE profiles",
        "DROP TABLE availability",
        "DROP TABLE authorization_cache",
        "ALTER TABLE outbox ADD COLUMN late INTEGER NOT NULL DEFAULT 0",
    ),
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
