"""The text of the latch record: what is latched until a person resets it, with a checksum. Pure."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId

VERSION = 1
DETAIL_MAX = 300
RECORD_MAX_BYTES = 262_144
"""64 EVSEs with every fault latched need less."""

KeptLatches = Mapping[EvseId, Mapping[FaultCode, str]]
"""For each EVSE its latched faults with the words of the first sighting."""


class RecordError(ValueError):
    """A latch record that cannot be trusted: says what is wrong with it."""


def encode(latches: KeptLatches) -> bytes:
    """The record: one JSON object; faults by name, so that a person can read it and a renumbering does not matter."""
    body = {
        str(evse_id): {code.name: detail[:DETAIL_MAX] for code, detail in sorted(faults.items())}
        for evse_id, faults in sorted(latches.items())
        if faults
    }
    record = {"version": VERSION, "crc32": _checksum(body), "latched": body}
    return json.dumps(record, indent=1).encode() + b"\n"


def decode(data: bytes) -> dict[EvseId, dict[FaultCode, str]]:
    """What is latched. Raises RecordError for anything that `encode` did not write whole."""
    if len(data) > RECORD_MAX_BYTES:
        raise RecordError(f"{len(data)} bytes: at most {RECORD_MAX_BYTES}")
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"not JSON ({error})") from error
    if not isinstance(record, dict) or record.get("version") != VERSION:
        raise RecordError(f"not a latch record of version {VERSION}")
    body = record.get("latched")
    if not isinstance(body, dict) or record.get("crc32") != _checksum(body):
        raise RecordError("the checksum does not match")
    try:
        return {
            EvseId(int(number)): {FaultCode[name]: str(detail) for name, detail in faults.items()}
            for number, faults in body.items()
        }
    except (KeyError, ValueError, AttributeError) as error:
        raise RecordError(f"{error} is no fault or no EVSE this build knows") from error


def _checksum(body: object) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())
