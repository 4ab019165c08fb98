"""The report of one story: every figure measured, none written by hand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hil.bench.bench import Bench
from hil.demo.story import Measured


def report(bench: Bench, measured: Measured) -> dict[str, Any]:
    """JSON-able; energies are what the central system received, plant energies the plant's own integral."""
    transactions = list(bench.station.transactions.values())
    transaction = transactions[-1] if transactions else None
    events = [] if transaction is None else transaction.in_order
    ended = next((e for e in events if e["eventType"] == "Ended"), {})
    info = ended.get("transactionInfo", {})
    car = measured.evse.get("car") or {}
    return {
        "boot_status": bench.station.boot_status,
        "protocol": measured.evse.get("protocol"),
        "service": car.get("service"),
        "control_mode": car.get("control_mode"),
        "tls": measured.evse.get("tls"),
        "phases": [asdict(phase) for phase in measured.phases],
        "setpoints": [asdict(setpoint) for setpoint in measured.setpoints],
        "energy_import_Wh": None if transaction is None else transaction.energy_Wh("Import"),
        "energy_export_Wh": None if transaction is None else transaction.energy_Wh("Export"),
        "plant_import_Wh": _difference(measured, "plant_import_Wh"),
        "plant_export_Wh": _difference(measured, "plant_export_Wh"),
        "transaction": {
            "id": None if transaction is None else transaction.transaction_id,
            "events": [{"type": e["eventType"], "trigger": e["triggerReason"], "seqNo": e["seqNo"]} for e in events],
            "stoppedReason": info.get("stoppedReason"),
        },
        "first_loop_s": measured.first_loop_s,
        "ready_s": measured.ready_s,
        "rss_MB": measured.rss_MB,
        "daemon_loop_lag": measured.loop_lag,
        "power_process": measured.power_process,
        "central_system_violations": bench.station.violations,
    }


def _difference(measured: Measured, key: str) -> float | None:
    if not measured.plant_begin or not measured.plant_end:
        return None
    return float(measured.plant_end[key] - measured.plant_begin[key])
