"""One session of a simulated car against any station on a network interface, with JSON lines for what happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

from chargepoint.security.tls import evcc_context
from hil.simulators.car_files import KnownCar
from hil.simulators.evcc.alone_body import AloneBody
from hil.simulators.evcc.body import AcOutletBody, CarBody, PlantBody
from hil.simulators.evcc.drive import Drive
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.wallet import credentials_of
from hil.simulators.line_socket import LineSocket

END_PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class CarAlone:
    """What the command line decides. `keys`: a folder of `./run certs`; None: no TLS and no contract.

    `plant`: the control socket of a plant whose EVSE `evse` the car is plugged into; None: a body without power (`AloneBody`).
    """

    interface: str
    car: KnownCar | None = None
    keys: Path | None = None
    sdp_port: int = 15118
    plant: Path | None = None
    evse: int = 1
    for_s: float | None = None
    """The driver leaves after so long; None: never."""
    battery_V: float = 400.0
    soc_percent: float = 50.0

    async def run(self) -> int:
        """0: the session ended in order. 1: it did not; the last line says why. Raises TrustError for keys that cannot be used."""
        tls: ssl.SSLContext | None = None if self.keys is None else evcc_context(self.keys)
        spec = CarSpec() if self.car is None else self.car.new_spec()
        plan = CarPlan() if self.car is None else self.car.plan
        credentials = None if self.keys is None else credentials_of(self.keys)
        drive = Drive(spec, self._body(), self.interface, tls, self.sdp_port, plan=plan, credentials=credentials)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, drive.stop)
        _print(
            ready=True,
            interface=self.interface,
            car="ours" if self.car is None else self.car.name,
            sdp_port=self.sdp_port,
        )
        if self.for_s is not None:
            loop.call_later(self.for_s, drive.stop)
        session = asyncio.ensure_future(drive.run())
        said = 0
        while not session.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await asyncio.shield(session)
            said = _say(drive, said)
        progress = await session
        _say(drive, said)
        _print(
            ended=progress.error is None, error=progress.error, loops=progress.loops, violations=drive.core.violations
        )
        return 0 if progress.error is None else 1

    def _body(self) -> CarBody:
        if self.plant is None:
            return AloneBody(self.battery_V, self.soc_percent)
        socket = LineSocket(self.plant)
        if self.car is not None and self.car.is_ac:
            return AcOutletBody(socket, self.evse)
        return PlantBody(socket, self.evse)


def _say(drive: Drive, said: int) -> int:
    """A line for each message since the last time; how many there were in all."""
    log = drive.core.log
    for message in log.entries[max(0, said - log.dropped) :]:
        _print(message=message.name, direction=message.direction, code=message.code or None)
    return log.dropped + len(log.entries)


def _print(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()
