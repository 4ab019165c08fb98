"""What the charge loop shows of the meter, where the station asks the car for a receipt.

Source: docs/sources/iso15118-2-din.md 1.2 («Receipts»).
"""

from __future__ import annotations

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.messages.iso15118_2 import MeterInfo, PaymentOption
from chargepoint.model.station_view import Wish

METER_ID_CHARACTERS_MAX = 32
READING_MAX_WH = (1 << 64) - 1
"""Of the schema."""


def to_confirm(session: Iso2Session, at: Situation) -> MeterInfo | None:
    """The reading that the car shall sign, or None: only a car with a contract signs ([691], [903]), and only when it is asked.

    None too where the register holds no energy that the message can carry.
    """
    wish, meter = at.view.wish, at.view.meter
    if session.payment is not PaymentOption.Contract or wish is None or wish.wish is not Wish.METERING_CONFIRMATION:
        return None
    if meter is None or not 0 <= meter.import_Wh <= READING_MAX_WH:
        return None
    return MeterInfo(
        MeterID=(at.view.meter_id or "meter")[:METER_ID_CHARACTERS_MAX],
        MeterReading=int(meter.import_Wh),
        TMeter=at.view.meter_utc_s,
    )
