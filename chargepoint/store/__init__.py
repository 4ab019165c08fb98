"""SQLite, one writer: outbox, journal, variables, profiles, open transactions."""
