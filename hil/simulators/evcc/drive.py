"""The shell of one session: it moves bytes between `CarCore` and the wire, readings and orders between it and the body."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable

from hil.clock import now_s, utc
from hil.simulators.evcc.body import CarBody
from hil.simulators.evcc.core import CarCore
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.odd_connections import knock
from hil.simulators.evcc.orders import (
    OrderCharger,
    OrderConnection,
    OrderContactors,
    OrderDisconnection,
    OrderPilot,
)
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.progress import Progress
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.wire import V2gConnection, WireError, connect
from hil.simulators.line_socket import Refused
from hil.simulators.relay import Relay

READ_BYTES = 65_536


class Drive:
    """One session. `stop` asks it to end; `progress` is live; `core` has the log and the violations."""

    def __init__(
        self,
        spec: CarSpec,
        body: CarBody,
        interface: str,
        tls: ssl.SSLContext | None,
        sdp_port: int,
        now: Callable[[], float] = now_s,
        plan: CarPlan | None = None,
        credentials: Credentials | None = None,
        relay: Relay | None = None,
    ) -> None:
        """`relay`: what stands between this car and the station; None: nothing."""
        self._body = body
        self._interface = interface
        self._tls = tls
        self._sdp_port = sdp_port
        self._relay = relay
        self._now = now
        self._wire: V2gConnection | None = None
        self._reading: asyncio.Task[bytes] | None = None
        self._woken = asyncio.Event()
        self._at_rest = False
        plan = plan or CarPlan()
        self._habits = plan.habits
        self._knocking: asyncio.Task[None] | None = None
        self.core = CarCore(spec, plan, now(), utc().timestamp(), credentials)

    @property
    def progress(self) -> Progress:
        """What the session has come to."""
        return self.core.progress

    def stop(self) -> None:
        """End after the current step."""
        self.core.stop(self._now())
        self._woken.set()

    async def run(self) -> Progress:
        """From 5 % on the pilot to the end of the session. Never leaves its contactors closed."""
        try:
            while not self.core.ended:
                await self._advance()
            await self._perform()
            self._at_rest = True
        except (WireError, Refused, ssl.SSLError, OSError) as error:
            self.progress.error = self.progress.error or str(error)
        finally:
            await self._leave()
        return self.progress

    async def _advance(self) -> None:
        """Wait for bytes or a deadline, let the core act, perform what it orders."""
        core = self.core
        data = await self._bytes_or_deadline()
        if data:
            core.receive(data, self._now())
        elif data is not None:
            await self._drop_wire(reset=self._habits.resets_after_end)
            core.connection_lost("", self._now())
        if core.deadline_s is not None and core.deadline_s <= self._now():
            core.measured(await self._body.measure())
            core.tick(self._now())
        await self._perform()

    async def _bytes_or_deadline(self) -> bytes | None:
        """Bytes from the station; empty: it closed; None: time is up, or `stop` was called."""
        if self._wire is not None and self._reading is None:
            self._reading = asyncio.ensure_future(_read(self._wire))
        deadline_s = self.core.deadline_s
        left_s = None if deadline_s is None else max(0.0, deadline_s - self._now())
        if left_s != 0.0:
            waking = asyncio.ensure_future(self._woken.wait())
            try:
                awaited: set[asyncio.Task[object]] = {waking}
                if self._reading is not None:
                    awaited.add(self._reading)
                await asyncio.wait(awaited, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waking.cancel()
            self._woken.clear()
        if self._reading is None or not self._reading.done():
            return None
        data, self._reading = self._reading.result(), None
        return data

    async def _perform(self) -> None:
        """Orders to the body before bytes to the station; an order to disconnect after them."""
        orders = self.core.orders()
        for order in orders:
            match order:
                case OrderPilot(state):
                    self.core.measured(await self._body.pilot(state))
                case OrderContactors(closed):
                    self.core.measured(await self._body.contactors(closed=closed))
                case OrderCharger(power_W):
                    self.core.measured(await self._body.charger(power_W))
        await self._send()
        for order in orders:
            match order:
                case OrderDisconnection(reset):
                    await self._drop_wire(reset=reset)
                case OrderConnection():
                    await self._connect()

    async def _send(self) -> None:
        data = self.core.to_send(self._now())
        if not data or self._wire is None:
            return
        try:
            self._wire.writer.write(data)
            await self._wire.writer.drain()
        except (OSError, ssl.SSLError) as error:
            await self._drop_wire(reset=True)
            self.core.connection_lost(str(error), self._now())

    async def _connect(self) -> None:
        try:
            self._wire = await connect(self._interface, self._tls, self._sdp_port, self._habits, self._relay)
        except WireError as error:
            self.core.connection_failed(str(error), self._now())
            return
        if self._habits.knocks_every_s > 0:
            self._knocking = asyncio.create_task(knock(self._wire.address, self._habits.knocks_every_s))
        self.core.connected(self._wire.tls, self._now())

    async def _drop_wire(self, *, reset: bool) -> None:
        wire, self._wire = self._wire, None
        if self._knocking is not None:
            self._knocking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._knocking
            self._knocking = None
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, ssl.SSLError):
                await self._reading
            self._reading = None
        if wire is None:
            return
        if reset:
            wire.reset()
        else:
            await wire.close()

    async def _leave(self) -> None:
        """Whatever happened: contactors open, pilot back to B, connection closed."""
        try:
            if not self._at_rest:
                await self._body.contactors(closed=False)
                await self._body.pilot("B")
        except Refused as error:
            self.progress.error = self.progress.error or str(error)
        finally:
            await self._drop_wire(reset=False)
        self.progress.mark("ended", self._now())


async def _read(wire: V2gConnection) -> bytes:
    """What the station sent; empty where it closed the connection, or reset it."""
    try:
        return await wire.reader.read(READ_BYTES)
    except (OSError, ssl.SSLError):
        return b""
