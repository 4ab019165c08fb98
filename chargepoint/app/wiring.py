"""The daemon put together: rooms that never import each other meet here, through typed calls.

Life: open the store, find what the last run left open, then run link, station, central system, cars and status in one
TaskGroup until a signal or a reset. A failure of any of them ends the daemon; the power process then lets its leases lapse.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
from functools import partial
from typing import Any

from chargepoint.app.lifecycle import Notifier
from chargepoint.app.modem_sockets import modem_sockets
from chargepoint.app.power_process import link_path
from chargepoint.app.runs_on import RunsOn
from chargepoint.app.security_reports import SecurityReports
from chargepoint.app.site_bus import site_bus_client
from chargepoint.app.station_shell import (
    CAR_SESSION_SPACE,
    LAST_SESSION_SPACE,
    TRANSACTION_SPACE,
    StationShell,
)
from chargepoint.app.station_status import StatusSources, station_status
from chargepoint.config.car_section import Iso15118Section, TlsPolicy
from chargepoint.config.schema import Config, EvseSection
from chargepoint.control.evse_control import ChargingVariables
from chargepoint.control.last_session import LastSession
from chargepoint.control.station_control import StationControl
from chargepoint.control.transaction_span import TxPoint, TxPoints
from chargepoint.diagnostics.local_orders import ask_car_verb, limit_verb, reset_verb
from chargepoint.diagnostics.loop_lag import LoopLag
from chargepoint.diagnostics.status_socket import fields_of, serve
from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.settings import ProtocolName, SeccSettings
from chargepoint.iso15118.server import SeccServer
from chargepoint.iso15118.trace.recorder import TraceRecorder
from chargepoint.model.car import ControlMode, EnergyService
from chargepoint.model.commands import NoteSiteMeter, ResetKind
from chargepoint.model.ids import EvseId, TransactionId
from chargepoint.model.indicator import ConnectorWord
from chargepoint.model.instant import Instant
from chargepoint.model.random_ids import RandomBytes, random_uuid
from chargepoint.model.site_meter import SiteMeterReading
from chargepoint.model.status import ConnectorStatus
from chargepoint.model.transactions import StopReason
from chargepoint.ocpp.client import OcppClient, secrets_dir
from chargepoint.power.link_client import LinkClient
from chargepoint.security.contract_roots import contract_roots, knows_operators
from chargepoint.security.tls_credentials import TlsCredentials
from chargepoint.store.database import Store
from chargepoint.store.rows import Journal, JournalEntry, Keep
from chargepoint.transactions.ledger import LedgerState
from chargepoint.transactions.sampling import SamplingIntervals

STATUS_NAME = "status.sock"
DATABASE_NAME = "chargepoint.sqlite3"
LAMPS_EVERY_S = 1.0
ANSWER_LEAVES_S = 0.5
"""The answer to an order to restart leaves before the connection closes."""

DAEMON_SPACE, BOOT_ID = "daemon", "boot-id"

log = logging.getLogger("daemon")


class Daemon:
    """Everything the daemon runs."""

    def __init__(self, config: Config, host: RunsOn | None = None) -> None:
        self.config = config
        self._host = host or RunsOn()
        self.clock = self._host.clock
        self.store = Store.open(config.station.state_dir / DATABASE_NAME, by_thread=self._host.is_computer)
        self.loop_lag = LoopLag(self.clock.monotonic_s)
        self._stop = asyncio.Event()
        control = StationControl(config, self._variables, partial(new_transaction_id, self._host.random_bytes))
        self.shell = StationShell(control, self.store, self.clock)
        self.link = LinkClient(
            link_path(config),
            self.shell.on_image,
            self.shell.on_power_event,
            self._on_link,
            logging.getLogger("link"),
            self._on_site_meter,
        )
        self.ocpp = OcppClient(
            config.csms,
            config.station,
            self.store,
            self.shell,
            self.clock,
            logging.getLogger("ocpp"),
            config.iso15118.certificate_dir,
            random_bytes=self._host.random_bytes,
        )
        self.cars = self._cars()
        self.site_bus = site_bus_client(config, self.shell, self.ocpp, self.store, self.clock)
        self.modems = modem_sockets(config, self.shell, self.clock, self._host.random_bytes)
        self.shell.join(self.link, self.ocpp, self.cars, self._restart, self.modems)

    async def run(self) -> None:
        """Until SIGTERM, SIGINT or a reset; then tasks end, the store closes, the demand lapses."""
        notifier = Notifier()
        loop = asyncio.get_running_loop()
        if self._host.on_stop is not None:
            self._host.on_stop(self._stop.set)
        else:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop.set)
        self._take_up()
        sources = StatusSources(self.clock, self.shell, self.link, self.ocpp, self.loop_lag, self.cars, self.site_bus)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self.link.run(), name="power-link"),
                    group.create_task(self.shell.run(), name="station"),
                    group.create_task(self.ocpp.run(), name="ocpp"),
                    group.create_task(
                        serve(
                            self.config.station.runtime_dir / STATUS_NAME,
                            {
                                "status": lambda _: fields_of(station_status(sources)),
                                "reset": reset_verb(self.shell.command),
                                "ask_car": ask_car_verb(self.shell.command),
                                "limit": limit_verb(self.shell.command, self.clock.monotonic_s),
                            },
                        ),
                        name="status",
                    ),
                    group.create_task(self._keep_beating(notifier), name="watchdog"),
                    group.create_task(self._keep_lamps(), name="lamps"),
                    *((group.create_task(self.loop_lag.run(), name="loop-lag"),) if self._host.is_computer else ()),
                    *(group.create_task(car.run()) for car in self.cars.values()),
                    *(group.create_task(modem.run()) for modem in self.modems.values()),
                    *(() if self.site_bus is None else (group.create_task(self.site_bus.run(), name="site-bus"),)),
                ]
                notifier.ready(f"{len(self.config.evse)} EVSE")
                log.info("* daemon up: %d EVSE", len(self.config.evse))
                await self._stop.wait()
                notifier.stopping()
                await self._finish_work()
                for task in tasks:
                    task.cancel()
        finally:
            self.store.close()
            log.info("* daemon down")

    # -- what the rooms need of each other -------------------------------------------------------------------------

    def _variables(self) -> ChargingVariables:
        timeout_s = float(self.ocpp.variable("TxCtrlr/EVConnectionTimeOut"))
        start, stop = self.ocpp.transaction_points()
        points = TxPoints(frozenset(map(TxPoint, start)), frozenset(map(TxPoint, stop)))
        return ChargingVariables(timeout_s, SamplingIntervals(*self.ocpp.sampling_intervals()), points)

    def _on_link(self, connected: bool) -> None:
        log.log(logging.INFO if connected else logging.WARNING, "* power process %s", "here" if connected else "gone")

    def _on_site_meter(self, reading: SiteMeterReading) -> None:
        self.shell.command(NoteSiteMeter(reading))

    def _restart(self, kind: ResetKind) -> None:
        log.info("* restarting: reset ordered (%s)", kind.value)
        asyncio.get_running_loop().call_later(ANSWER_LEAVES_S, self._stop.set)

    async def _finish_work(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                while not self.shell.nothing_to_store:
                    await asyncio.sleep(0.02)

    async def _keep_beating(self, notifier: Notifier) -> None:
        every_s = notifier.beat_every_s or 1.0
        while True:
            notifier.beat()
            await asyncio.sleep(every_s / 2)

    async def _keep_lamps(self) -> None:
        """What only the daemon knows of a connector goes to the power process, which drives the lamps."""
        having = {EvseId(number) for number, section in self.config.evse.items() if section.indicator is not None}
        while having:
            for state in self.shell.evse_states():
                if state.evse_id in having:
                    word = _CONNECTOR_WORDS.get(state.status, ConnectorWord.IN_SERVICE)
                    self.link.show_connector(state.evse_id, word)
            await asyncio.sleep(LAMPS_EVERY_S)

    # -- start-up -------------------------------------------------------------------------------------------------

    def _take_up(self) -> None:
        """What the last run left: open transactions. Availability and profiles are the OCPP station's to restore."""
        last, cars, daemon = map(self.store.kept, (LAST_SESSION_SPACE, CAR_SESSION_SPACE, DAEMON_SPACE))
        boot_id = self._host.boot_id()
        reason = StopReason.REBOOT if daemon.get(BOOT_ID) == boot_id else StopReason.POWER_LOSS
        kept: dict[EvseId, KeptSession] = {}
        for number, evse in self.shell.control.evses.items():
            with contextlib.suppress(ValueError):  # what an older version kept is no reason not to start
                evse.last_session = LastSession.from_json(last.get(str(number), ""))
            with contextlib.suppress(ValueError):
                kept[number] = KeptSession.from_json(cars.get(str(number), ""))
        at = Instant(self.clock.monotonic_s(), self.clock.utc())
        stale = set(kept)
        for key, text in self.store.kept(TRANSACTION_SPACE).items():
            number = EvseId(int(key))
            left_at = self.shell.control.evses.get(number)
            try:
                state = LedgerState.from_json(text)
            except ValueError as error:
                log.error("! stored transaction of EVSE %s cannot be read: %s", key, error)
                continue
            if left_at is None:
                log.error("! stored transaction %s is of EVSE %s, not configured", state.transaction_id, key)
            else:
                may_return = kept.get(number)
                if may_return is not None and may_return.transaction_id != state.transaction_id:
                    may_return = None  # the car of an earlier transaction: the daemon ended between the two commits
                if may_return is not None and number in self.cars:
                    stale.discard(number)
                    self.cars[number].remember(may_return)
                paused = None if may_return is None else may_return.paused
                self.shell.perform(left_at.restore(state, reason, at, car_paused=paused))
        entry = JournalEntry(self.clock.utc(), "*", "daemon started")
        forgotten = [Keep(CAR_SESSION_SPACE, str(number), None) for number in stale]
        self.store.commit_now(Keep(DAEMON_SPACE, BOOT_ID, boot_id), *forgotten, Journal(entry))

    def _cars(self) -> dict[EvseId, SeccServer]:
        """A SECC for each EVSE that has a network interface for its car."""
        section = self.config.iso15118
        cars: dict[EvseId, SeccServer] = {}
        if not section.enabled:
            return cars
        context = None
        if section.certificate_dir is not None and section.tls is not TlsPolicy.OFF:
            context = TlsCredentials(
                section.certificate_dir,
                logging.getLogger("car"),
                installed=secrets_dir(self.config.station.state_dir),
                allow_p256=section.allow_p256,
                iso2="iso15118-2" in section.protocols,
                key_log_file=section.tls_key_log_file,
                on_failure=SecurityReports(self.ocpp.security_event, self.clock).handshake_failed
                if self.config.csms.enabled
                else lambda _: None,
            ).live_context()
        by_contract = _contract_settings(self.config)
        for number, evse in self.config.evse.items():
            if evse.interface is None:
                continue
            evse_id = EvseId(number)
            settings = SeccSettings(
                evse_id=number,
                evse_id_text=f"{section.evse_id_prefix}{number}",
                services=offered_services(evse),
                nominal_voltage_V=evse.ac_voltage_V,
                phases=evse.ac_phases,
                control_modes=_control_modes(section),
                charge_loop_timeout_s=section.charge_loop_timeout_s,
                on_voltage_timeout_s=section.on_voltage_timeout_s,
                negative_discharge_limits=section.discharge_sign == "negative",
                internet="internet" in section.added_services,
                parking_status="parking_status" in section.added_services,
                standby=section.standby,
                iso2_discharge=section.discharge_on_iso2 == "tolerated",
                sae_services=section.sae_j2847_on_iso2,
                din_discharge=section.discharge_on_din == "tolerated",
                protocols=tuple(ProtocolName(name) for name in section.protocols),
                iso20_without_tls=section.iso20_without_tls,
                least_answer_time_s=section.least_answer_time_s,
                **by_contract,
            )
            car = SeccServer(
                evse.interface,
                section,
                settings,
                context,
                partial(self.shell.station_view, evse_id),
                partial(self.shell.on_car_events, evse_id),
                partial(self.shell.on_car_session_kept, evse_id),
                self.clock,
                logging.getLogger(f"car-{number}"),
                None
                if section.trace_dir is None
                else TraceRecorder(section.trace_dir, f"evse-{number}", logging.getLogger(f"car-{number}")),
                random_bytes=self._host.random_bytes,
            )
            cars[evse_id] = car
        return cars


_CONNECTOR_WORDS = {
    ConnectorStatus.RESERVED: ConnectorWord.RESERVED,
    ConnectorStatus.UNAVAILABLE: ConnectorWord.UNAVAILABLE,
}


def _contract_settings(config: Config) -> dict[str, Any]:
    """What `SeccSettings` says of contracts: offered where the configuration wants them, or has all that they need."""
    section, installed = config.iso15118, secrets_dir(config.station.state_dir)
    directory, possible = section.certificate_dir, section.tls is not TlsPolicy.OFF
    wanted = section.plug_and_charge
    if wanted is None:
        wanted = possible and directory is not None and (knows_operators(directory) or knows_operators(installed))
    installation = section.certificate_installation
    if installation is None:
        installation = config.csms.enabled
    settings: dict[str, Any] = {
        "plug_and_charge": wanted and directory is not None,
        "plug_and_charge_without_tls": section.plug_and_charge_without_tls,
        "certificate_installation": installation,
        "allow_p256": section.allow_p256,
    }
    if settings["plug_and_charge"] and directory is not None:
        settings["contract_roots"] = contract_roots(directory, logging.getLogger("car"), installed).current
    return settings


def offered_services(evse: EvseSection) -> tuple[EnergyService, ...]:
    """What this outlet can transfer, the bidirectional service first: some cars take the first one."""
    both, one_way = EnergyService.DC_BPT, EnergyService.DC
    if evse.outlet == "ac":
        both, one_way = EnergyService.AC_BPT, EnergyService.AC
    elif evse.connector_type == "cMCS":
        both, one_way = EnergyService.MCS_BPT, EnergyService.MCS
    return (both, one_way) if evse.discharge_power_max_W > 0 else (one_way,)


def _control_modes(section: Iso15118Section) -> tuple[ControlMode, ...]:
    """The configured order of preference; both modes are always offered (V2G20-2656)."""
    preferred = [ControlMode(mode) for mode in section.control_modes]
    return tuple(dict.fromkeys([*preferred, *ControlMode]))


def new_transaction_id(random_bytes: RandomBytes = secrets.token_bytes) -> TransactionId:
    """An id that this station has never made and will never make again, whatever was lost or repaired meanwhile (E01.FR.08)."""
    return TransactionId(random_uuid(random_bytes))
