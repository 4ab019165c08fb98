"""The sign of discharge limits: inside, magnitudes; on the wire, as the station is set, and either sign is read.

Source: docs/sources/iso15118-20.md 0 (negative by V2G20-1035 and Amendment 1; stacks and cars differ).
"""

from __future__ import annotations

from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.messages.common_types import RationalNumber
from chargepoint.iso15118.rational import number, rational


def discharge_limit(magnitude: float, settings: SeccSettings) -> RationalNumber:
    """Our limit of discharge power or current as sent."""
    return rational(-magnitude if settings.negative_discharge_limits and magnitude else magnitude)


def magnitude(value: RationalNumber) -> float:
    """The car's limit of discharge power or current, >= 0."""
    return abs(number(value))
