"""What can go wrong with the database, in words for the person who must put it right."""

from __future__ import annotations


class StoreError(Exception):
    """The write did not happen: nothing of it is in the database, the caller still owns what it wanted to keep."""


class StoreFull(StoreError):
    """The disk is full (or the file reached its limit)."""


class StoreDamaged(StoreError):
    """The file is not a database, or its pages are damaged."""


class StoreTooNew(StoreError):
    """A later version of this software wrote the file."""
