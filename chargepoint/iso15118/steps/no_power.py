"""Whether power may come on at all now."""

from __future__ import annotations

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.steps.step import Hindrance, Impossible


def no_power(at: Situation) -> Impossible | None:
    """Why no power may come on: an interlock forbids it, or no transaction is open. None where it may."""
    if not at.view.permitted:
        return Impossible(Hindrance.NO_POWER, "power is not permitted")
    if not at.view.may_energise:
        return Impossible(Hindrance.NO_POWER, "no transaction")
    return None
