"""The start of the transfer: the contactor closes, and energy may flow."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.steps.dc_status import ends
from chargepoint.iso15118.steps.no_power import no_power
from chargepoint.iso15118.steps.step import Hindrance, Impossible, Reached, Step, UnderWay
from chargepoint.iso15118.steps.transfer import NO_TRANSFER, Transfer
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage

CLOSING_MAX_S = 1.4
"""-20 and DIN: the answer to a start waits at most this long for the contactor. Cars leave at 2 s, the bound is 1.5 s."""


def start_power(transfer: Transfer, at: Situation, *, first: bool, closing_max_s: float = CLOSING_MAX_S) -> Step:
    """Reached once the stage transfers (V2G20-860: contactor measured closed). `first`: the transfer begins; False: it goes on.

    `closing_max_s`: so long the protocol lets the answer wait for the contactor.
    """
    if (hindered := no_power(at)) is not None:
        return hindered
    wanted = replace(transfer, phase=Phase.TRANSFER)
    # what pre-charge matched is no bound of the transfer; until the stage transfers it may still have to match it
    began = replace(NO_TRANSFER, target_voltage_V=transfer.target_voltage_V) if first else transfer
    heard_s = at.now.monotonic_s if began.looped or began.heard_s is None else began.heard_s
    started = replace(began, phase=Phase.TRANSFER, standby=False, heard_s=heard_s, looped=False)
    if at.view.stage is Stage.TRANSFER:
        return Reached(replace(started, target_voltage_V=None) if first else started)
    if at.time_is_up:
        return Impossible(Hindrance.CONTACTOR, f"the contactor did not close within {closing_max_s:g} s")
    return UnderWay(wanted)


def without_loops(transfer: Transfer, at: Situation) -> str | None:
    """Why a car in the transfer may not go on without charge loops; None while it may."""
    bound_s, heard_s = at.settings.on_voltage_timeout_s, transfer.heard_s
    if heard_s is None or at.now.monotonic_s - heard_s <= bound_s:
        return None
    return f"no charge loop for more than {bound_s:g} s"


def stop_asked(at: Situation) -> Impossible | None:
    """Why the transfer may not begin although power is permitted: the station asked this car to stop. None while it did not.

    For ISO 15118-2 and DIN 70121, where the station is not EVSE_Ready then ([480], V2G-DC-401).
    """
    if ends(at):
        return Impossible(Hindrance.NO_POWER, "the station asked the car to stop")
    return None
