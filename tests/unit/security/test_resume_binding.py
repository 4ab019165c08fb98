"""The hash that binds a paused session to one car."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from chargepoint.security.resume_binding import is_same_car, resume_binding

SESSION = bytes.fromhex("54D0DD8FBF8FC76E")
LEAF = b"leaf of a vehicle"


def test_the_hash_is_that_of_the_worked_example() -> None:
    assert resume_binding(SESSION, LEAF) == hashlib.sha512(SESSION + hashlib.sha512(LEAF).digest()).digest()


def test_only_the_same_car_in_the_same_session_matches() -> None:
    binding = resume_binding(SESSION, LEAF)
    assert is_same_car(binding, SESSION, LEAF)
    assert not is_same_car(binding, SESSION, LEAF + b"\x00")
    assert not is_same_car(binding, bytes(8), LEAF)
    assert not is_same_car(binding[:-1], SESSION, LEAF)
    assert not is_same_car(b"", SESSION, LEAF)


def test_a_car_without_a_leaf_does_not_resume() -> None:
    assert not is_same_car(resume_binding(SESSION, LEAF), SESSION, None)


def test_a_session_id_has_eight_bytes() -> None:
    with pytest.raises(ValueError, match="7 bytes; 8 expected"):
        resume_binding(SESSION[:-1], LEAF)
    assert not is_same_car(resume_binding(SESSION, LEAF), SESSION[:-1], LEAF)


def test_the_comparison_takes_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def compare(first: bytes, second: bytes) -> bool:
        seen.append((first, second))
        return True

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert is_same_car(b"x", SESSION, LEAF)
    assert len(seen) == 1
