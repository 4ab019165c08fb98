"""Ids of car sessions: how they are drawn, and how -2 and DIN compare them."""

from __future__ import annotations

from collections.abc import Callable

SESSION_ID_BYTES = 8


def fresh_session_id(random_bytes: Callable[[int], bytes]) -> bytes:
    """Eight random bytes, not all zero (V2G20-2106, V2G2-750)."""
    while not any(fresh := random_bytes(SESSION_ID_BYTES)):
        pass
    return fresh


def same_by_value(one: bytes, other: bytes) -> bool:
    """Cars of -2 and DIN send ids of one to eight bytes: the number counts (docs/sources/iso15118-2-din.md 1.1)."""
    return int.from_bytes(one) == int.from_bytes(other)
