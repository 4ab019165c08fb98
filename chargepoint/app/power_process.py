"""`chargepoint power`: the power process from start to stop. Outputs are off before, and off after."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
from pathlib import Path

from chargepoint.app.lifecycle import Notifier
from chargepoint.config.schema import Config
from chargepoint.model.ids import EvseId
from chargepoint.power.cycle import Cycle
from chargepoint.power.latch_file import LatchFile
from chargepoint.power.link_server import LinkServer
from chargepoint.power.wiring import build, latch_folder

LINK_NAME = "power.sock"
FIFO_PRIORITY = 50
_MCL_CURRENT, _MCL_FUTURE = 1, 2

log = logging.getLogger("power")


def link_path(config: Config) -> Path:
    """Where the two processes meet."""
    return config.station.runtime_dir / LINK_NAME


def run(config: Config) -> None:
    """Until SIGTERM or SIGINT: then ramp down, open, return."""
    notifier = Notifier()
    latch_file = LatchFile(latch_folder(config), log, config.station.runtime_dir)
    station = build(config, latch_file.open([EvseId(number) for number in config.evse]))
    link = LinkServer(link_path(config))
    tick_s = config.power.tick_ms / 1000
    cycle = Cycle(
        station.stages,
        station.buses,
        link,
        tick_s,
        notifier.beat,
        log,
        latch_file=latch_file,
        buses_of=station.buses_of,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: cycle.stop())
    _become_punctual(realtime=config.power.realtime)
    notifier.ready(f"{len(station.stages)} EVSE on {len(station.buses)} buses")
    log.info("* power process up: %d EVSE, %d buses", len(station.stages), len(station.buses))
    try:
        cycle.run()
    finally:
        notifier.stopping()
        link.close()
        latch_file.close()
        for bus in station.buses:
            bus.close()
        late = cycle.lateness
        log.info(
            "* power process down after %d ticks, worst %.1f ms late, %d over 5 ms",
            late.ticks,
            late.worst_s * 1000,
            late.over_5_ms,
        )


def _become_punctual(*, realtime: bool) -> None:
    """No garbage collector; with `realtime` SCHED_FIFO and locked memory (docs/sources/safety.md 5.2)."""
    gc.collect()
    gc.freeze()
    gc.disable()  # the cycle makes no reference cycles; memory is watched by the unit's MemoryMax
    if not realtime:
        return
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
        if ctypes.CDLL(None, use_errno=True).mlockall(_MCL_CURRENT | _MCL_FUTURE) != 0:
            raise OSError(ctypes.get_errno(), "mlockall")
    except OSError as error:
        log.error("! [power] realtime = true refused: %s; see systemd/chargepoint-power.service", error)
