"""After PowerDelivery(Stop) a DC car opens its contactors and goes to pilot state B, before it hears of the station's voltage again.

Source: docs/sources/iso15118-2-din.md 2 (V2G2-920 to 922, V2G-DC-556 and 988: FAILED where B does not come in time). Never at AC.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import V2G_SECC_CP_STATE_DETECTION_S
from chargepoint.iso15118.steps.step import Hindrance, Impossible, Reached, Step, UnderWay
from chargepoint.iso15118.steps.transfer import Transfer
from chargepoint.model.image import ControlPilot


def pilot_at_rest(transfer: Transfer, at: Situation) -> Step:
    """Reached once the pilot shows B, or showed it since the stop. Impossible when the time of the answer is up."""
    if transfer.rested or at.view.pilot is ControlPilot.B:
        return Reached(replace(transfer, rested=True))
    if not at.time_is_up:
        return UnderWay(transfer)
    why = f"the pilot shows {at.view.pilot.name} {V2G_SECC_CP_STATE_DETECTION_S:g} s after the request, not B"
    return Impossible(Hindrance.PILOT, why, ours=False)
