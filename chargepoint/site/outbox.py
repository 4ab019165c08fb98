"""What must reach the site and survives a power cut: records of finished sessions, and lines of the journal.

Session records stand in the store until the broker has them. Events are the journal itself, with a mark how far the broker has it.
Drop rule: the newest 1000 session records and the newest 5000 lines of the journal are kept.
"""

from __future__ import annotations

from dataclasses import asdict

from chargepoint.control.last_session import LastSession
from chargepoint.model.ids import EvseId
from chargepoint.site.bus import Message, to_json
from chargepoint.site.telemetry import session_record, site_event
from chargepoint.site.topics import Topics
from chargepoint.store.database import Store
from chargepoint.store.rows import Keep, Write

SESSION_SPACE = "site-session"
"""Kept by transaction: its record, until the broker has it."""

MARK_SPACE, MARK = "site-journal", "sent"
"""Kept: the number of the last line of the journal that the broker has."""

SESSIONS_MAX = 1000
EVENTS_AT_ONCE = 50


class SiteOutbox:
    """Reads and marks in the store; what to send next, and what its delivery writes."""

    def __init__(self, store: Store, topics: Topics) -> None:
        self._store = store
        self._topics = topics

    def start(self) -> None:
        """Begin with the lines from now on, where the site never had one."""
        if MARK not in self._store.kept(MARK_SPACE):
            newest = self._store.newest_journal_number()
            self._store.commit_now(Keep(MARK_SPACE, MARK, newest))

    def rows(self, evse_id: EvseId, last: LastSession) -> tuple[Write, ...]:
        """What to store with the end of a session, in the same commit."""
        waiting = self._store.kept(SESSION_SPACE)
        dropped = list(waiting)[: max(0, len(waiting) + 1 - SESSIONS_MAX)]
        record = asdict(session_record(evse_id, last))
        return (
            Keep(SESSION_SPACE, last.transaction_id, record),
            *(Keep(SESSION_SPACE, transaction_id, None) for transaction_id in dropped),
        )

    def waiting(self) -> list[tuple[Message, Write]]:
        """The oldest messages that wait, in order, each with what its delivery writes."""
        found: list[tuple[Message, Write]] = [
            (Message(self._topics.session, to_json(record)), Keep(SESSION_SPACE, transaction_id, None))
            for transaction_id, record in list(self._store.kept(SESSION_SPACE).items())[:EVENTS_AT_ONCE]
        ]
        sent = self._store.kept(MARK_SPACE).get(MARK, 0)
        for number, entry in self._store.journal_after(sent if isinstance(sent, int) else 0, EVENTS_AT_ONCE):
            payload = to_json(asdict(site_event(number, entry)))
            found.append((Message(self._topics.event, payload), Keep(MARK_SPACE, MARK, number)))
        return found
