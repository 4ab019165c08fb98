"""The connector's status in the words of OCPP, settled: a state that lasts for milliseconds only is not reported."""

from __future__ import annotations

from chargepoint.model.faults import CATALOGUE, ResetRule
from chargepoint.model.image import ControlPilot, EvseImage
from chargepoint.model.status import ConnectorStatus

SETTLE_S = 0.2
"""After Unavailable or Faulted a connector is Available only when the pilot has shown A for this long. The pilot passes
through A for some milliseconds when it leaves state F with a car plugged in."""

START_S = 3.0
"""A power process that has just started has not heard its devices yet: faults that clear by themselves are not reported
before it has run this long."""

_CLEAR = (ControlPilot.A, ControlPilot.B, ControlPilot.C, ControlPilot.D)


class ConnectorStatusRule:
    """One connector's status and how it follows from image, order and transaction."""

    def __init__(self) -> None:
        self.status = ConnectorStatus.UNAVAILABLE
        self._plain = ConnectorStatus.UNAVAILABLE
        """The status without regard to reservations."""
        self._image_since_s: float | None = None
        self._was_clear = False
        self._free_since_s: float | None = None
        self.settled = False
        """True from the moment at which the status is certain."""

    def note(
        self, image: EvseImage | None, *, operative: bool, in_transaction: bool, now_s: float, reserved: bool = False
    ) -> bool:
        """Take what is known now; True where the status changed, or is known for the first time."""
        before = self.status, self.settled
        self._plain = self._follow(image, operative, in_transaction, now_s)
        # A car that comes to a reserved connector changes nothing: the token of the reservation ends it (G01.FR.09, G03.FR.09).
        keeps = self._plain in (ConnectorStatus.AVAILABLE, ConnectorStatus.OCCUPIED) and not in_transaction
        self.status = ConnectorStatus.RESERVED if reserved and keeps else self._plain
        since_s = self._image_since_s
        waited = since_s is not None and (not operative or now_s - since_s >= START_S)
        self.settled |= waited or self.status is not ConnectorStatus.UNAVAILABLE
        return (self.status, self.settled) != before

    def _follow(self, image: EvseImage | None, operative: bool, in_transaction: bool, now_s: float) -> ConnectorStatus:
        if image is None:
            self._image_since_s = self._free_since_s = None
            self._was_clear = False
            return ConnectorStatus.UNAVAILABLE
        if self._image_since_s is None:
            self._image_since_s = now_s
        if not image.permitted and image.faults:
            starting = not self._was_clear and now_s - self._image_since_s < START_S
            if starting and all(CATALOGUE[code].reset is ResetRule.AUTO for code in image.faults):
                return self._plain
            return ConnectorStatus.FAULTED
        self._was_clear = True
        if in_transaction:
            return ConnectorStatus.OCCUPIED
        if not operative:
            self._free_since_s = None
            return ConnectorStatus.UNAVAILABLE
        if image.pilot.plugged:
            self._free_since_s = None
            return ConnectorStatus.OCCUPIED
        return self._without_car(image.pilot, now_s)

    def _without_car(self, pilot: ControlPilot, now_s: float) -> ConnectorStatus:
        if pilot not in _CLEAR:
            self._free_since_s = None  # an unclear pilot says nothing: what was known stays
            return ConnectorStatus.UNAVAILABLE if self._plain is ConnectorStatus.FAULTED else self._plain
        if self._plain in (ConnectorStatus.AVAILABLE, ConnectorStatus.OCCUPIED):
            return ConnectorStatus.AVAILABLE
        if self._free_since_s is None:
            self._free_since_s = now_s
        return ConnectorStatus.AVAILABLE if now_s - self._free_since_s >= SETTLE_S else self._plain
