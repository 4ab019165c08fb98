"""Whether power may come on now, and whether a transfer may go on."""

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


def nothing_to_go_on_with(at: Situation) -> Impossible | None:
    """Why a car may not go on in its charge loop: its transaction has ended. None while one is open.

    A stop leaves the car time to end in order, and the transaction ends after that. So this car ignores the stop. Its loop would
    keep the connector locked for ever, and go on under the transaction of the next card. A rule of the project.
    """
    return None if at.view.may_energise else Impossible(Hindrance.NO_POWER, "its transaction has ended")
