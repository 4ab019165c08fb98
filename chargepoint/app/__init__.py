"""Composition root: wiring, supervisor, life cycle, clock, log, command line."""
