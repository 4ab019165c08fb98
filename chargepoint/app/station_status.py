"""The station's status as of now, for the status socket, the bench and pages: typed, no secrets."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from chargepoint.app.station_shell import StationShell
from chargepoint.control.status import evse_status
from chargepoint.diagnostics.loop_lag import LoopLag
from chargepoint.iso15118.server import SeccServer
from chargepoint.model.ids import EvseId
from chargepoint.model.station_status import (
    BusStatus,
    ContactorStatus,
    PowerProcessStatus,
    SiteBusStatus,
    StationStatus,
)
from chargepoint.ocpp.client import OcppClient
from chargepoint.ports import Clock
from chargepoint.power.link_client import LinkClient
from chargepoint.site.client import SiteBusClient


@dataclass(frozen=True, slots=True)
class StatusSources:
    """The parts of the daemon the status is read from."""

    clock: Clock
    shell: StationShell
    link: LinkClient
    ocpp: OcppClient
    loop_lag: LoopLag
    cars: dict[EvseId, SeccServer]
    site_bus: SiteBusClient | None


def station_status(sources: StatusSources) -> StationStatus:
    """Everything worth showing, as of now."""
    now_s = sources.clock.monotonic_s()
    return StationStatus(
        monotonic_s=now_s,
        pid=os.getpid(),
        rss_MB=rss_MB(),
        loop_lag=sources.loop_lag.snapshot(),
        power_link=sources.link.connected,
        ocpp=sources.ocpp.snapshot(),
        power_process=None if (process := sources.link.process) is None else PowerProcessStatus(**asdict(process)),
        site_bus=None if (bus := sources.site_bus) is None else site_bus_status(bus),
        contactors={
            str(evse_id): ContactorStatus(
                wear.closings, wear.load_closings, wear.load_openings, wear.operations_max, wear.load_openings_max
            )
            for evse_id, wear in sorted(sources.link.contactors.items())
        },
        buses={name: BusStatus(**asdict(health)) for name, health in sources.link.buses.items()},
        evses={
            str(number): evse_status(evse, None if (car := sources.cars.get(number)) is None else car.status(), now_s)
            for number, evse in sources.shell.control.evses.items()
        },
    )


def site_bus_status(bus: SiteBusClient) -> SiteBusStatus:
    """Of the connection to the broker."""
    return SiteBusStatus(bus.connected, bus.trouble, bus.refused_orders, bus.dropped)


def rss_MB() -> float | None:
    """Resident memory of this process; None where /proc does not say."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    except OSError:
        return None
    return None
