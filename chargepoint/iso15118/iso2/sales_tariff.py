"""SalesTariff beside the schedule: how dear energy is, in levels.

A car with a contract gets none: its tariff must be signed by the mobility operator, whose key no station has. With external means it is
not signed. Source: docs/sources/iso15118-2-din.md 1.2.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from chargepoint.iso15118.messages.iso15118_2 import (
    PaymentOption,
    RelativeTimeInterval,
    SalesTariff,
    SalesTariffEntry,
)
from chargepoint.model.car_questions import PricePiece

SALES_TARIFF_ID = 1


def sales_tariff(
    prices: Sequence[PricePiece], payment: PaymentOption | None, points: int, until_s: int
) -> SalesTariff | None:
    """The first `points` of these prices, which begin now, at most to `until_s` seconds from now; None where there is nothing to send.

    Each entry but the last one lasts until the next.
    """
    if payment is not PaymentOption.ExternalPayment:
        return None
    starts_s = [0, *itertools.accumulate(piece.duration_s for piece in prices)]
    shown = [(start_s, piece) for start_s, piece in zip(starts_s, prices, strict=False) if start_s < until_s][:points]
    if not shown:
        return None
    last_s, last = shown[-1]
    entries = tuple(
        SalesTariffEntry(
            TimeInterval=RelativeTimeInterval(
                start=start_s, duration=min(last.duration_s, until_s - last_s) if start_s == last_s else None
            ),
            EPriceLevel=piece.level,
        )
        for start_s, piece in shown
    )
    levels = {piece.level for _, piece in shown}
    return SalesTariff(SalesTariffID=SALES_TARIFF_ID, NumEPriceLevels=len(levels), SalesTariffEntry=entries)
