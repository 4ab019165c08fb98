"""Ids from a source of random bytes."""

from __future__ import annotations

import random
import secrets
import uuid

from chargepoint.app.runs_on import RunsOn
from chargepoint.model.random_ids import random_uuid


def test_the_bytes_decide_the_id() -> None:
    """RFC 9562 5.4: version and variant are fixed, the other 122 bits are those of the source."""
    assert random_uuid(lambda count: b"\xff" * count) == "ffffffff-ffff-4fff-bfff-ffffffffffff"
    assert uuid.UUID(random_uuid(secrets.token_bytes)).version == 4


def test_the_same_chance_gives_the_same_ids() -> None:
    first, second = (random.Random(7).randbytes for _ in range(2))
    assert [random_uuid(first) for _ in range(3)] == [random_uuid(second) for _ in range(3)]


def test_a_process_of_the_computer_takes_the_chance_of_the_computer() -> None:
    assert RunsOn().random_bytes is secrets.token_bytes
