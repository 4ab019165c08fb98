"""The SECC of ISO 15118-20: one file per message with a pure `respond`, the order of messages as data, one engine."""
