"""The JSON schema of the status, made from its types: `python -m chargepoint.diagnostics.status_schema > docs/status.schema.json`."""

from __future__ import annotations

import json
import sys

from pydantic import TypeAdapter

from chargepoint.model.station_status import StationStatus


def status_schema() -> str:
    """JSON text, ending with a line feed."""
    schema = TypeAdapter(StationStatus).json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(status_schema())
