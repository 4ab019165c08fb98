"""Everything that is to be known of a bench now, as the verb `state` answers it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hil.bench.bench import Bench
from hil.simulators.line_socket import Refused

TRANSACTIONS_MAX = 50
"""The newest are shown; a bench may run for days."""


async def bench_state(bench: Bench, evse: int) -> dict[str, Any]:
    """`car` is the car at this EVSE, `cars` are all. Raises Refused where the plant is away."""
    known = bench.choices.csms_url is None and bench.identity in bench.csms.stations
    try:
        daemon: object = await bench.status.ask({"do": "status"})
    except Refused as error:
        daemon = {"error": str(error)}
    cars = {str(number): None if car.progress is None else asdict(car.progress) for number, car in bench.cars.items()}
    return {
        "plant": await bench.plant.ask({"do": "state"}),
        "daemon": daemon,
        "car": cars.get(str(evse)),
        "cars": cars,
        "car_exchange": bench.cars[evse].exchange if evse in bench.cars else None,
        "processes": {
            name: {"pid": child.pid, "starts": child.starts, "rss_MB": child.rss_MB()}
            for name, child in bench.children.items()
        },
        "central_system": None
        if not known
        else {
            "boot_status": bench.station.boot_status,
            "violations": bench.station.violations,
            "connectors": {f"{e}.{c}": state for (e, c), state in bench.station.connectors.items()},
            "transactions": [
                {
                    "id": t.transaction_id,
                    "ended": t.ended,
                    "gaps": t.gaps,
                    "copies": t.copies,
                    "import_Wh": t.energy_Wh("Import"),
                    "export_Wh": t.energy_Wh("Export"),
                    "events": t.in_order,
                }
                for t in list(bench.station.transactions.values())[-TRANSACTIONS_MAX:]
            ],
        },
        "notes": list(bench.notes),
    }
