"""What must survive a power cut: outbox, open transactions, journal, variables, profiles. One file, one writer."""
