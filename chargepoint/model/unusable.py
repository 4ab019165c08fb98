"""The error of everything that reads its own part of the configuration's consequences: keys, drivers, credentials."""

from __future__ import annotations


class Unusable(ValueError):
    """Something the configuration names cannot be used: says what, where, and what to do. Ends the start with exit 78."""
