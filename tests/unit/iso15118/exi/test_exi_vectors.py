"""Every golden vector decodes to its JSON and encodes back to its bytes; they are other people's (see README)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from chargepoint.iso15118.exi.codec import decode_element, encode, from_json, root_name, to_json

VECTORS = next(p for p in Path(__file__).parents if p.name == "tests") / "vectors" / "exi"
COUNTS = {
    "SAP": 11,
    "XMLDSIG": 8,
    "CM": 272,
    "DC": 80,
    "AC": 40,
    "ACDP": 24,
    "WPT": 36,
    "ISO2": 332,
    "DIN": 262,
    "SESSIONS": 247,
    "EXTRA": 270,
    "EDGES": 448,
}


def records(name: str) -> list[dict[str, Any]]:
    with gzip.open(VECTORS / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", COUNTS)
def test_vectors(name: str) -> None:
    rows = records(name)
    assert len(rows) == COUNTS[name]
    for row in rows:
        what = f"{name} {row['message']} {row['variant']}"
        fragment = row["mode"] == "fragment"
        data = bytes.fromhex(row["exi"])
        element, message = decode_element(row["schema"], data, fragment)
        assert to_json(message, element, row["schema"]) == row["json"], what
        assert encode(message, fragment, row["schema"], element).hex() == row["exi"], what
        assert from_json(row["schema"], row["json"]) == message, what
        assert (element.rpartition("}")[2] if fragment else root_name(message)) == row["message"], what


def test_vectors_cover_every_message_of_the_station() -> None:
    seen = {row["message"] for name in ("SAP", "CM", "DC") for row in records(name) if row["mode"] == "document"}
    assert {"supportedAppProtocolReq", "SessionSetupReq", "CertificateInstallationRes", "DC_ChargeLoopRes"} <= seen
    assert len(seen) == 2 + 26 + 10
