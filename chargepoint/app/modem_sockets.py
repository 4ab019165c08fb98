"""The PLC modems that this station sets up itself: one for each EVSE with `slac = "modem"`."""

from __future__ import annotations

import logging

from chargepoint.app.station_shell import StationShell
from chargepoint.config.schema import Config
from chargepoint.model.ids import EvseId
from chargepoint.model.random_ids import RandomBytes
from chargepoint.ports import Clock
from chargepoint.slac.evse_slac import EvseSlac
from chargepoint.slac.modem_socket import ModemSocket


def modem_sockets(
    config: Config, shell: StationShell, clock: Clock, random_bytes: RandomBytes
) -> dict[EvseId, ModemSocket]:
    """Nothing is opened before `run`. An EVSE without SLAC, or without a car protocol, has none."""
    modems: dict[EvseId, ModemSocket] = {}
    for number, evse in config.evse.items():
        interface = evse.slac_interface or evse.interface
        if evse.slac == "none" or interface is None or not config.iso15118.enabled:
            continue
        evse_id = EvseId(number)
        offset_dB = evse.slac_attenuation_offset_dB
        core = EvseSlac(evse_id, random_bytes, ac=evse.outlet == "ac", attenuation_offset_dB=offset_dB)
        log = logging.getLogger(f"slac-{number}")
        modems[evse_id] = ModemSocket(interface, core, shell.on_data_link, clock, log)
    return modems
