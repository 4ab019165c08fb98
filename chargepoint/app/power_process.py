"""`chargepoint power`: the power process from start to stop. Outputs are off before, and off after."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from pathlib import Path

from chargepoint.app.hardware_watchdog import HardwareWatchdog
from chargepoint.app.lifecycle import Notifier
from chargepoint.app.punctuality import become_punctual, has_realtime
from chargepoint.app.runs_on import RunsOn
from chargepoint.config.schema import Config
from chargepoint.model.ids import EvseId
from chargepoint.power.cycle import Cycle
from chargepoint.power.hardware_lock import POWER_PROCESS, HardwareLock
from chargepoint.power.latch_file import LatchFile
from chargepoint.power.link_server import LinkServer
from chargepoint.power.wear_file import WearFile
from chargepoint.power.wiring import PowerStation, build, latch_folder, wear_limits
from chargepoint.safety.wear import Wear

LINK_NAME = "power.sock"

log = logging.getLogger("power")


def link_path(config: Config) -> Path:
    """Where the two processes meet."""
    return config.station.runtime_dir / LINK_NAME


def run(config: Config, host: RunsOn | None = None) -> None:
    """Until SIGTERM or SIGINT: then ramp down, open, return. Raises HardwareTaken while bring-up or self-test runs."""
    host = host or RunsOn()
    if not host.is_computer:
        _run(config, host)
        return
    hardware = HardwareLock(config.station.runtime_dir, POWER_PROCESS)
    try:
        _run(config, host)
    finally:
        hardware.release()


def _run(config: Config, host: RunsOn) -> None:
    notifier = Notifier()
    by_thread = host.is_computer
    latch_file = LatchFile(latch_folder(config), log, config.station.runtime_dir, by_thread=by_thread)
    kept = latch_file.open([EvseId(number) for number in config.evse])
    station = build(config, kept, host.cycle_time.now)
    wear_file = WearFile(latch_folder(config), log, by_thread=by_thread)
    _begin_wear(config, station, wear_file.open())
    link = LinkServer(link_path(config))
    tick_s = config.power.tick_ms / 1000
    watchdog = _hardware_watchdog(config)

    def beat() -> None:
        notifier.beat()
        if watchdog is not None:
            watchdog.beat()

    cycle = Cycle(
        station.stages,
        station.buses,
        link,
        tick_s,
        beat,
        log,
        host.cycle_time,
        latch_file=latch_file,
        buses_of=station.buses_of,
        stacks=station.stacks,
        wear_file=wear_file,
        lamps=station.lamps,
        site_meter=station.site_meter,
        has_realtime=has_realtime,
    )
    if host.on_stop is not None:
        host.on_stop(cycle.stop)
    else:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: cycle.stop())
        become_punctual(config.power.realtime)
    notifier.ready(f"{len(station.stages)} EVSE on {len(station.buses)} buses")
    log.info("* power process up: %d EVSE, %d buses", len(station.stages), len(station.buses))
    ordered = False
    try:
        cycle.run()
        ordered = True
    finally:
        if watchdog is not None:
            watchdog.close(ordered=ordered)
        notifier.stopping()
        link.close()
        latch_file.close()
        wear_file.close()
        for bus in station.buses:
            bus.close()
        late = cycle.lateness
        log.info(
            "* power process down after %d wake-ups in time, worst %.1f ms late, %d over 5 ms",
            late.wakeups,
            late.worst_s * 1000,
            late.over_5_ms,
        )


def _begin_wear(config: Config, station: PowerStation, before: Mapping[EvseId, Wear]) -> None:
    for evse_id, stage in station.stages.items():
        section = config.evse[evse_id]
        stage.begin_wear(before.get(evse_id, Wear()), wear_limits(section))


def _hardware_watchdog(config: Config) -> HardwareWatchdog | None:
    path = config.power.hardware_watchdog
    return None if path is None else HardwareWatchdog(path, config.power.hardware_watchdog_s)
