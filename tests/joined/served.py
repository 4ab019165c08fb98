"""The joined station behind a real SECC on the loopback, as a process: `python -m tests.joined.served [COUNT] [DC|AC]`.

Each line on standard input is answered with one line of JSON: port of discovery, memory, descriptors, tasks, exceptions, absurd orders. The
end of standard input ends the process. A car is always plugged in and authorised, so that each connection can go all the way.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chargepoint.app import log
from chargepoint.app.clock import SystemClock
from chargepoint.config.car_section import Iso15118Section
from chargepoint.iso15118.server import SeccServer
from chargepoint.model.car import CarEvent, CarSessionEnded
from chargepoint.model.car_questions import AnswerToCar
from chargepoint.model.demand import StageDemand
from chargepoint.model.image import ControlPilot
from tests.joined.bounds import absurd
from tests.joined.outlet import DC_OUTLET, OUTLETS, Outlet
from tests.joined.station import LOOP_TIMEOUT_S, ON_VOLTAGE_TIMEOUT_S, JoinedStation, TimedLine, settings_of

REPORT_S = 0.1


class ServedStation:
    """Joins the station to a SECC on real sockets."""

    def __init__(self, outlet: Outlet = DC_OUTLET) -> None:
        self._clock = SystemClock()
        self._loop = asyncio.get_running_loop()
        self._log = logging.getLogger("evse-1")
        self.station = JoinedStation(self._clock.monotonic_s(), outlet, keep_history=False)
        self._outlet = outlet
        self.exceptions = 0
        self.absurd_orders = 0
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::", 0))
            self.sdp_port = int(probe.getsockname()[1])
        section = Iso15118Section(
            tls="off",
            sdp_port=self.sdp_port,
            charge_loop_timeout_s=LOOP_TIMEOUT_S,
            on_voltage_timeout_s=ON_VOLTAGE_TIMEOUT_S,
        )
        self.server = SeccServer(
            "lo",
            section,
            settings_of(outlet.services),
            None,
            self.station.view,
            self._on_events,
            lambda _: None,
            self._clock,
            logging.getLogger("car-1"),
        )
        station = self.station
        station.notify_car = lambda: self._soon(self.server.view_changed)
        station.answer_car = self._answer
        station.drop_car = lambda: self._soon(self.server.unplugged)
        station.on_demand = self._on_demand
        station.on_line = self._on_line
        self._loop.set_exception_handler(self._on_exception)

    def _soon(self, call: Any) -> None:
        self._loop.call_soon(call)

    def _answer(self, number: int, answer: AnswerToCar) -> None:
        self._loop.call_soon(self.server.answer, number, answer)

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.exceptions += 1
        loop.default_exception_handler(context)

    def _on_events(self, events: Sequence[CarEvent]) -> None:
        self.station.now_s = self._clock.monotonic_s()
        self.station.take_car_events(events)
        if any(isinstance(event, CarSessionEnded) for event in events):
            self._soon(self._ready_for_the_next_car)

    def _on_demand(self, demand: StageDemand) -> None:
        self.absurd_orders += absurd(demand, self._outlet.capabilities)
        self._soon(self._report)

    def _on_line(self, line: TimedLine) -> None:
        (self._log.warning if line.letter == "!" else self._log.info)("%s %s", line.letter, line.text)

    def _report(self) -> None:
        self.station.now_s = self._clock.monotonic_s()
        self.station.report_image()

    def _ready_for_the_next_car(self) -> None:
        """A car in C with a transaction, as if it had just been plugged in and a card shown."""
        station = self.station
        station.now_s = self._clock.monotonic_s()
        if station.control.idle:
            station.unplug()
            station.stage.pilot = ControlPilot.C
            station.report_image()
            station.show_card()
            station.order_power(8000.0)

    async def run(self) -> None:
        """Serve cars until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.server.run())
            group.create_task(self._keep_reporting())

    async def _keep_reporting(self) -> None:
        while True:
            self._report()
            self._ready_for_the_next_car()
            await asyncio.sleep(REPORT_S)


def figures(stations: Sequence[ServedStation]) -> dict[str, Any]:
    """What the other end asks for: ports of discovery, memory, descriptors, tasks, processor time, defects seen."""
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "sdp_ports": [station.sdp_port for station in stations],
        "rss_MB": round(resident / 1e6, 1),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "tasks": len(asyncio.all_tasks()),
        "processor_s": round(time.process_time(), 3),
        "exceptions": sum(station.exceptions for station in stations),
        "absurd_orders": sum(station.absurd_orders for station in stations),
    }


async def main(count: int, outlet: Outlet) -> None:
    """So many stations in this process, until standard input ends."""
    log.set_up("info")
    stations = [ServedStation(outlet) for _ in range(count)]
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = [asyncio.create_task(station.run()) for station in stations]
    while await reader.readline():
        print(json.dumps(figures(stations)), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, OUTLETS[sys.argv[2] if len(sys.argv) > 2 else "DC"]))
