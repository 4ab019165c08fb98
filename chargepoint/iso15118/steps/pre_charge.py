"""Pre-charge: the station's output is brought to the car's battery voltage."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.steps.no_power import no_power
from chargepoint.iso15118.steps.step import Hindrance, Impossible, Reached
from chargepoint.iso15118.steps.transfer import Transfer
from chargepoint.model.demand import Phase

PRE_CHARGE_PATIENCE_S = 20.0
"""From the first pre-charge request to the transfer. A car gives up after 10 s, and without a bound voltage stays on the cable.

A rule of the project (docs/sources/safety.md 3 has the car's time).
"""


def approach(
    transfer: Transfer, asked_V: float, car_maximum_V: float, at: Situation, present_V: float | None = None
) -> Reached | Impossible:
    """The output goes to `asked_V`, each request anew. It is cut to the car's own maximum: one real car of others asks for
    20 kV (docs/sources/iso15118.md 1), and the stage decides what it can. Another one asks for less than 0 V at first
    (docs/sources/iso15118-2-din.md 7): that is 0 V. `present_V`: what the car measures, where it says so.
    """
    if at.view.voltage_V is None:
        return Impossible(Hindrance.NOT_MEASURED, "the output voltage is not known")
    if (hindered := no_power(at)) is not None:
        return hindered
    if (late := too_long_before_transfer(transfer, at)) is not None:
        return late
    since_s = transfer.pre_charge_since_s
    return Reached(
        replace(
            transfer,
            phase=Phase.PRE_CHARGE,
            target_voltage_V=min(max(asked_V, 0.0), car_maximum_V),
            present_voltage_V=present_V,
            pre_charge_since_s=at.now.monotonic_s if since_s is None else since_s,
        )
    )


def too_long_before_transfer(transfer: Transfer, at: Situation) -> Impossible | None:
    """Why the car may not stay in pre-charge any longer; None while it may, and in the transfer."""
    since_s = transfer.pre_charge_since_s
    if since_s is None or at.now.monotonic_s - since_s <= PRE_CHARGE_PATIENCE_S:
        return None
    why = f"more than {PRE_CHARGE_PATIENCE_S:.0f} s from the first PreChargeReq without a transfer"
    return Impossible(Hindrance.CAR_TOO_SLOW, why, ours=False)
