"""The daemon put together: rooms that never import each other meet here, through typed calls.

Life: open the store, find what the last run left open, build the channels, then run link, central system, cars and status
in one TaskGroup until told to stop. A failure of any of them ends the daemon; the power process then lets its leases lapse.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from pathlib import Path

from chargepoint.app.clock import SystemClock
from chargepoint.app.commands import Commands
from chargepoint.app.evse_channel import EvseChannel, Rooms
from chargepoint.app.lifecycle import Notifier
from chargepoint.app.power_process import link_path
from chargepoint.app.snapshot import Sitters, snapshot
from chargepoint.config.schema import Config, EvseSection, TlsPolicy
from chargepoint.diagnostics.loop_lag import LoopLag
from chargepoint.diagnostics.status_socket import serve
from chargepoint.energy.arbiter import Arbiter
from chargepoint.iso15118.secc.services import offer
from chargepoint.iso15118.secc.session import SeccSettings
from chargepoint.iso15118.server import SeccServer
from chargepoint.model.car import ControlMode
from chargepoint.model.commands import ResetKind
from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, PowerEvent
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.model.transactions import StopReason
from chargepoint.ocpp.client import OcppClient
from chargepoint.power.link_client import LinkClient
from chargepoint.security.tls import report_failures, secc_context
from chargepoint.store.database import Store
from chargepoint.store.rows import Journal, JournalEntry, SetVariable
from chargepoint.transactions.ledger import LedgerState

STATUS_NAME = "status.sock"
DATABASE_NAME = "chargepoint.sqlite3"
RESET_PATIENCE_S = 40.0
BOOT_ID_KEY = "app/boot_id"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

log = logging.getLogger("daemon")


class Daemon:
    """Everything the daemon runs."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = SystemClock()
        self.arbiter = Arbiter()
        self.store = Store.open(config.station.state_dir / DATABASE_NAME)
        self.link = LinkClient(
            link_path(config), self._on_image, self._on_power_event, self._on_link, logging.getLogger("link")
        )
        self.loop_lag = LoopLag()
        self._stop = asyncio.Event()
        self._restart_after: ResetKind | None = None
        self.commands = Commands(self.arbiter, self._restart)
        self.commands.promise(
            tuple(_unheard(EvseId(number), section) for number, section in sorted(config.evse.items()))
        )
        self.ocpp = OcppClient(
            config.csms, config.station, self.store, self.commands, self.clock, logging.getLogger("ocpp")
        )
        rooms = Rooms(config, self.arbiter, self.link, self.store, self.ocpp, self.clock, self._active)
        self.channels = {
            EvseId(number): EvseChannel(EvseId(number), rooms, logging.getLogger(f"evse-{number}"))
            for number in sorted(config.evse)
        }
        self.commands.join(self.channels)
        self.cars = self._cars()

    async def run(self) -> None:
        """Until SIGTERM, SIGINT or a reset; then tasks end, the store closes, the demand lapses."""
        notifier = Notifier()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        self._take_up()
        sitters = Sitters(self.clock, self.link, self.ocpp, self.loop_lag, self.channels, self.cars)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self.link.run(), name="power-link"),
                    group.create_task(self.ocpp.run(), name="ocpp"),
                    group.create_task(
                        serve(self.config.station.runtime_dir / STATUS_NAME, lambda: snapshot(sitters)), name="status"
                    ),
                    group.create_task(self._keep_beating(notifier), name="watchdog"),
                    group.create_task(self.loop_lag.run(), name="loop-lag"),
                    *(group.create_task(channel.run()) for channel in self.channels.values()),
                    *(group.create_task(car.run()) for car in self.cars.values()),
                ]
                notifier.ready(f"{len(self.channels)} EVSE")
                log.info("* daemon up: %d EVSE", len(self.channels))
                await self._stop.wait()
                notifier.stopping()
                await self._finish_work()
                for task in tasks:
                    task.cancel()
        finally:
            self.store.close()
            log.info("* daemon down")

    # -- channels' common needs -----------------------------------------------------------------------------------

    def _active(self) -> int:
        return sum(channel.book.state is not None for channel in self.channels.values())

    def _on_image(self, image: EvseImage) -> None:
        channel = self.channels.get(image.evse_id)
        if channel is not None:
            channel.on_image(image)

    def _on_power_event(self, event: PowerEvent) -> None:
        channel = self.channels.get(event.evse_id)
        if channel is not None:
            channel.on_power_event(event)

    def _on_link(self, connected: bool) -> None:
        log.log(logging.INFO if connected else logging.WARNING, "* power process %s", "here" if connected else "gone")

    def _restart(self, kind: ResetKind) -> None:
        if self._restart_after is None:
            self._restart_after = kind
            task = asyncio.get_running_loop().create_task(self._restart_when_idle(kind), name="reset")
            task.add_done_callback(lambda _: self._stop.set())

    async def _restart_when_idle(self, kind: ResetKind) -> None:
        log.info("* reset ordered (%s)", kind.value)
        patience_s = RESET_PATIENCE_S if kind is ResetKind.IMMEDIATE else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while not all(channel.idle for channel in self.channels.values()):
                    await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)  # the answer to Reset leaves first

    async def _finish_work(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                while not all(channel.nothing_to_store for channel in self.channels.values()):
                    await asyncio.sleep(0.02)

    async def _keep_beating(self, notifier: Notifier) -> None:
        every_s = notifier.beat_every_s or 1.0
        while True:
            notifier.beat()
            await asyncio.sleep(every_s / 2)

    # -- start-up -------------------------------------------------------------------------------------------------

    def _take_up(self) -> None:
        """What the last run left: open transactions. Availability and profiles are the OCPP station's to restore."""
        variables = self.store.variables()
        boot_id = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
        reason = StopReason.REBOOT if variables.get(BOOT_ID_KEY) == boot_id else StopReason.POWER_LOSS
        for left in self.store.open_transactions():
            channel = self.channels.get(EvseId(left.evse_id))
            try:
                state = LedgerState.from_json(left.state_json)
            except ValueError as error:
                log.error("! stored transaction %s cannot be read: %s", left.transaction_id, error)
                continue
            if channel is None:
                log.error("! stored transaction %s is of EVSE %d, not configured", left.transaction_id, left.evse_id)
            else:
                channel.book.restore(state, reason)
        entry = JournalEntry(self.clock.utc(), "*", "daemon started")
        self.store.commit_now(SetVariable(BOOT_ID_KEY, boot_id), Journal(entry))

    def _cars(self) -> dict[EvseId, SeccServer]:
        """A SECC for each EVSE that has a network interface for its car."""
        section = self.config.iso15118
        cars: dict[EvseId, SeccServer] = {}
        if not section.enabled:
            return cars
        context = None
        if section.certificate_dir is not None and section.tls is not TlsPolicy.OFF:
            context = secc_context(section.certificate_dir)
            report_failures(context, lambda why: logging.getLogger("car").warning("! %s", why))
        for number, evse in self.config.evse.items():
            if evse.interface is None:
                continue
            channel = self.channels[EvseId(number)]
            settings = SeccSettings(
                evse_id=number,
                evse_id_text=f"{section.evse_id_prefix}{number}",
                services=offer(
                    [ControlMode(mode) for mode in section.control_modes], discharge=evse.discharge_power_max_W > 0
                ),
                charge_loop_timeout_s=section.charge_loop_timeout_s,
            )
            car = SeccServer(
                evse.interface,
                section,
                settings,
                context,
                channel.secc_inputs,
                channel.on_car_events,
                self.clock,
                logging.getLogger(f"car-{number}"),
            )
            channel.secc = cars[EvseId(number)] = car
        return cars


def _unheard(evse_id: EvseId, section: EvseSection) -> EvseState:
    return EvseState(
        evse_id=evse_id,
        status=ConnectorStatus.UNAVAILABLE,
        plugged=False,
        transaction_id=None,
        id_token=None,
        discharge_negotiated=False,
        charge_max_W=section.charge_power_max_W,
        discharge_max_W=section.discharge_power_max_W,
        voltage_V=None,
        transaction_started_s=None,
        meter_fresh=False,
        connector_type=section.connector_type,
    )
