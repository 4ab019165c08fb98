"""The JSON schemas of the site bus, made from its types: `python -m chargepoint.site.schemas > docs/site-bus.schema.json`."""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import TypeAdapter

from chargepoint.site import orders, telemetry

PUBLISHED = {
    "station": telemetry.StationTelemetry,
    "evse state": telemetry.EvseTelemetry,
    "evse capability": telemetry.Capability,
    "session": telemetry.SessionRecord,
    "event": telemetry.SiteEvent,
    "answer": orders.OrderAnswer,
}
"""What the station sends, by the kind of topic."""

TAKEN = {"order": orders.Order, "meter": orders.MeterMessage}
"""What the station takes."""


def site_bus_schema() -> str:
    """JSON text, ending with a line feed: a schema for each kind of topic."""
    kinds: dict[str, Any] = {**PUBLISHED, **TAKEN}
    made, shared = TypeAdapter.json_schemas(
        [
            (kind, "validation" if kind in TAKEN else "serialization", TypeAdapter(type_))
            for kind, type_ in kinds.items()
        ],
        ref_template="#/$defs/{model}",
    )
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages of the site bus, by the kind of topic",
        "topics": {kind: made[(kind, "validation" if kind in TAKEN else "serialization")] for kind in kinds},
        "$defs": shared.get("$defs", {}),
    }
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(site_bus_schema())
