"""What must survive a power cut: outbox, open transactions, journal, variables, profiles, tokens, availability.

In come write values (`rows`), committed together in one database transaction. Out come the stored rows at start, and the
outbox in its order. One SQLite file, one thread that writes.
"""
