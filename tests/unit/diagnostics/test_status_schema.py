"""The status fits its schema, and the schema in the documentation is the one of the types."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs

from chargepoint.diagnostics.status_schema import status_schema

DOCUMENTED = Path(__file__).resolve().parents[3] / "docs" / "status.schema.json"


def test_the_documented_schema_is_made_from_the_types() -> None:
    assert DOCUMENTED.read_text() == status_schema(), (
        "python -m chargepoint.diagnostics.status_schema > docs/status.schema.json"
    )


def test_the_schema_refuses_a_status_with_a_missing_field() -> None:
    validator = jsonschema_rs.validator_for(json.loads(status_schema()))
    assert not validator.is_valid({"monotonic_s": 1.0})
