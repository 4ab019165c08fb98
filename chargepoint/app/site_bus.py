"""The site bus put together with the rest of the daemon."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from chargepoint.app.station_shell import StationShell
from chargepoint.config.schema import Config
from chargepoint.control.status import evse_status
from chargepoint.model.ids import EvseId
from chargepoint.ocpp.client import OcppClient
from chargepoint.ports import Clock
from chargepoint.site.bus import Intervals, Message, SiteBus, SiteView
from chargepoint.site.client import SiteBusClient
from chargepoint.site.desk import EvseAbility, SiteDesk, SiteRules
from chargepoint.site.home_assistant import EvseRatings, StationLabel, discovery
from chargepoint.site.outbox import SiteOutbox
from chargepoint.site.topics import Topics
from chargepoint.store.database import Store


def site_bus_client(
    config: Config, shell: StationShell, ocpp: OcppClient, store: Store, clock: Clock
) -> SiteBusClient | None:
    """The client of [site_bus]; None where no broker is configured. Raises SiteBusError where a file cannot be used."""
    section = config.site_bus
    if not section.enabled:
        return None
    control = shell.control

    def abilities() -> Mapping[EvseId, EvseAbility]:
        return {
            number: EvseAbility(
                evse.view.transaction_id is not None and evse.view.stop is None,
                evse.setpoint.limits_W,
                config.evse[int(number)].share_weight,
                evse.setpoint.explanation,
            )
            for number, evse in control.evses.items()
        }

    def view() -> SiteView:
        now_s = clock.monotonic_s()
        return SiteView(
            statuses={number: evse_status(evse, None, now_s) for number, evse in control.evses.items()},
            states={state.evse_id: state for state in shell.evse_states()},
            bounds=control.bounds,
            central_system="none" if not config.csms.enabled else "connected" if ocpp.online else "disconnected",
            firmware_version=shell.firmware_version(),
            reading=control.site_reading,
            ramps_A_per_s={EvseId(number): evse.ramp_A_per_s for number, evse in config.evse.items()},
        )

    topics = Topics(section.topic)
    rules = SiteRules(frozenset(section.orders), section.lease_max_s, section.orders_per_s)
    desk = SiteDesk(rules, shell, abilities)
    outbox = SiteOutbox(store, topics)
    shell.also_keep_sessions(outbox.rows)
    bus = SiteBus(
        topics,
        desk,
        view,
        Intervals(section.state_interval_s, section.repeat_interval_s),
        _discovery(config, topics, rules, shell.firmware_version()),
    )
    return SiteBusClient(section, bus, outbox, store, clock, logging.getLogger("site-bus"))


def _discovery(config: Config, topics: Topics, rules: SiteRules, firmware_version: str) -> tuple[Message, ...]:
    section, station = config.site_bus, config.station
    if not section.discovery_prefix:
        return ()
    label = StationLabel(station.model, station.vendor_name, station.serial_number, firmware_version)
    ratings = {
        EvseId(number): EvseRatings(evse.charge_power_max_W, evse.discharge_power_max_W)
        for number, evse in config.evse.items()
    }
    return discovery(section.discovery_prefix, topics, label, ratings, rules.orders, rules.lease_max_s)
