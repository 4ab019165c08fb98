"""Frames of recorded sessions, for every test of the trace."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chargepoint.iso15118.exi.codec import decode
from chargepoint.iso15118.trace.frame import TracedFrame, WireDirection
from chargepoint.iso15118.v2gtp import PayloadType

VECTORS = Path(__file__).resolve().parents[3] / "vectors" / "exi"
TYPES = {
    "urn:iso:std:iso:15118:-20:CommonMessages": PayloadType.MAINSTREAM,
    "urn:iso:std:iso:15118:-20:DC": PayloadType.DC_MAINSTREAM,
    "urn:iso:std:iso:15118:-20:AC": PayloadType.AC_MAINSTREAM,
}
BEGIN_S = 1_772_366_400.0


def vectors(name: str) -> Iterator[dict[str, Any]]:
    """The vectors of one file."""
    with gzip.open(VECTORS / f"{name}.jsonl.gz", "rt") as lines:
        yield from map(json.loads, lines)


def traced(row: dict[str, Any], at_utc_s: float = BEGIN_S) -> TracedFrame:
    """A vector as a frame of a trace."""
    payload = bytes.fromhex(row["exi"])
    direction = WireDirection.FROM_CAR if row["message"].endswith("Req") else WireDirection.TO_CAR
    payload_type = TYPES.get(row["schema"], PayloadType.EXI_SAP)
    return TracedFrame(at_utc_s, direction, payload_type, payload, decode(row["schema"], payload))


@pytest.fixture
def session() -> list[TracedFrame]:
    """A recorded -20 session with its discovery, one frame each 100 ms."""
    rows = [row for row in vectors("SESSIONS") if row["variant"] == "dcbpt_dynamic_notls"]
    found = [
        TracedFrame(BEGIN_S, WireDirection.FROM_CAR, PayloadType.SDP_REQUEST, b"\x10\x00"),
        TracedFrame(BEGIN_S + 0.01, WireDirection.TO_CAR, PayloadType.SDP_RESPONSE, bytes(20)),
    ]
    found += [traced(row, BEGIN_S + 0.1 * number) for number, row in enumerate(rows, start=1)]
    assert len(found) > 20
    return found
