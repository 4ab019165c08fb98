"""Mobility needs: when the car leaves and how full it shall be, where the station says so too (MobilityNeedsMode 2).

Source: docs/sources/iso15118-20.md 0 and 5.
"""

from __future__ import annotations

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.services import MobilityNeedsMode
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.rational import percent, seconds

ACK_MAX_DELAY_S = 30
"""Within this time the car acknowledges mobility needs of the station; as another stack sends it."""


def by_station(session: Session) -> bool:
    """The station may say what the driver needs."""
    return session.choice is not None and session.choice.mobility is MobilityNeedsMode.SECC


def departure_of_station(session: Session, at: Situation) -> int | None:
    """Seconds until the car leaves, as the station knows; else as the car said. None in MobilityNeedsMode 1."""
    if not by_station(session):
        return None
    departure_s, at_s = at.view.departure_s, session.energy.departure_at_s
    if departure_s is None and at_s is not None:
        departure_s = at_s - at.now.monotonic_s
    return None if departure_s is None else seconds(departure_s)


def soc_bounds_of_station(session: Session, at: Situation) -> tuple[int | None, int | None]:
    """MinimumSOC and TargetSOC in percent: the car's word before the station's. The minimum is at most the target (V2G20-1640).

    Both None in MobilityNeedsMode 1.
    """
    if not by_station(session):
        return None, None
    energy, view = session.energy, at.view
    minimum = _first(energy.minimum_soc_percent, view.minimum_soc_percent)
    target = _first(energy.target_soc_percent, view.target_soc_percent)
    if minimum is not None and target is not None:
        minimum = min(minimum, target)
    return minimum, target


def ack_max_delay(session: Session) -> int | None:
    """AckMaxDelay of the charge loop, in seconds; only in MobilityNeedsMode 2."""
    return ACK_MAX_DELAY_S if by_station(session) else None


def _first(of_car: float | None, of_station: float | None) -> int | None:
    value = of_car if of_car is not None else of_station
    return None if value is None else percent(value)
