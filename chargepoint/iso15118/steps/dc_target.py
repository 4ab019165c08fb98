"""What a DC car of ISO 15118-2 or DIN 70121 aims at in its charge loop: a voltage and a current of its own.

Source: docs/sources/iso15118-2-din.md 7 (targets that move, and 0 A in the first loops).
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.steps.transfer import Transfer


def aimed(before: Transfer, asked_V: float, asked_A: float, voltage_max_V: float, at: Situation) -> Transfer:
    """The transfer after one loop, its voltage at most the car's maximum of this message.

    A voltage that is not above zero means nothing: the last one holds. `asked_A` is signed, positive into the car.
    """
    target_V = asked_V if asked_V > 0 else before.target_voltage_V
    return replace(
        before,
        target_voltage_V=None if target_V is None else min(target_V, voltage_max_V),
        target_current_A=asked_A,
        loops=before.loops + 1,
        heard_s=at.now.monotonic_s,
        looped=True,
    )
