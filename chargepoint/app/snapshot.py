"""The daemon's state as one JSON-able picture: for the status socket, the bench and pages. No secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from chargepoint.app.evse_channel import EvseChannel
from chargepoint.diagnostics.loop_lag import LoopLag
from chargepoint.iso15118.server import SeccServer
from chargepoint.model.faults import CATALOGUE
from chargepoint.model.ids import EvseId
from chargepoint.ocpp.client import OcppClient
from chargepoint.ports import Clock
from chargepoint.power.link_client import LinkClient


@dataclass(frozen=True, slots=True)
class Sitters:
    """What is in the picture."""

    clock: Clock
    link: LinkClient
    ocpp: OcppClient
    loop_lag: LoopLag
    channels: Mapping[EvseId, EvseChannel]
    cars: Mapping[EvseId, SeccServer]


def snapshot(daemon: Sitters) -> dict[str, object]:
    """Everything worth showing, as of now."""
    return {
        "monotonic_s": daemon.clock.monotonic_s(),
        "pid": os.getpid(),
        "rss_MB": rss_MB(),
        "loop_lag": daemon.loop_lag.snapshot(),
        "power_link": daemon.link.connected,
        "ocpp": daemon.ocpp.snapshot(),
        "buses": {name: asdict(health) for name, health in daemon.link.buses.items()},
        "evses": {str(number): _evse(daemon, channel) for number, channel in daemon.channels.items()},
    }


def _evse(daemon: Sitters, channel: EvseChannel) -> dict[str, object]:
    session, setpoint, image = channel.session, channel.setpoint, channel.session.image
    state = channel.book.state
    import_Wh, export_Wh = channel.energy_now_Wh()
    car = daemon.cars.get(channel.evse_id)
    return {
        "status": session.status.value,
        "plugged": session.plugged,
        "permission": session.permit.state.value,
        "image": None
        if image is None
        else {
            "age_s": daemon.clock.monotonic_s() - image.taken_at_s,
            "stage": image.stage.name,
            "pilot": image.pilot.name,
            "contactor": image.contactor.name,
            "lock": image.lock.name,
            "voltage_V": image.voltage_V,
            "current_A": image.current_A,
            "power_W": image.power_W,
            "applied_W": image.applied_W,
            "target_W": image.target_W,
            "limited_by_stage": image.limited_by_stage,
            "insulation_ohm": image.insulation_ohm,
            "temperature_degC": image.temperature_degC,
            "permitted": image.permitted,
            "faults": {code.name: CATALOGUE[code].title for code in sorted(image.faults)},
            "meter": None if image.meter is None else asdict(image.meter),
        },
        "setpoint": {
            "power_W": setpoint.power_W,
            "low_W": setpoint.limits_W.low,
            "high_W": setpoint.limits_W.high,
            "decided_by": setpoint.decided_by.value,
            "limited_by": None if setpoint.limited_by is None else setpoint.limited_by.value,
            "explanation": setpoint.explanation,
        },
        "car": None
        if session.car is None
        else {
            "phase": session.car.phase.name,
            "service": session.car.service.value,
            "control_mode": session.car.control_mode.value,
            "soc_percent": session.car.energy.soc_percent,
        },
        "evcc_id": None if session.car_link is None else session.car_link.evcc_id,
        "protocol": None if session.car_link is None else session.car_link.protocol,
        "tls": None if session.car_link is None else session.car_link.tls,
        "secc": None if car is None else car.snapshot(),
        "transaction": None
        if state is None
        else {
            "id": state.transaction_id,
            "charging_state": state.charging_state.value,
            "next_seq_no": state.next_seq_no,
            "import_Wh": import_Wh,
            "export_Wh": export_Wh,
        },
        "stopping": None if session.stop is None else session.stop.reason.value,
    }


def rss_MB() -> float | None:
    """Resident memory of this process; None where /proc does not tell."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    except OSError:
        return None
    return None
