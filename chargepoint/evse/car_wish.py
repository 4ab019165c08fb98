"""What the station asks of the car beside a stop: pause, another schedule, another service, the end of standby, a metering confirmation."""

from __future__ import annotations

from chargepoint.model.station_view import Wish, WishForCar

DELAY_S = {
    Wish.TERMINATE: 0.0,
    Wish.PAUSE: 60.0,
    Wish.EXIT_STANDBY: 60.0,
    Wish.SERVICE_RENEGOTIATION: 10.0,
    Wish.SCHEDULE_RENEGOTIATION: 10.0,
    Wish.METERING_CONFIRMATION: 10.0,
}
"""NotificationMaxDelay, in seconds. Pause: V2G20-1850; the others are rules of the project (docs/sources/iso15118-20.md 3 and 4)."""

PATIENCE_S = 30.0
"""After its delay the wish is shown this much longer; then the station gives it up."""


class CarWishes:
    """At most one wish at a time. The newest one holds."""

    def __init__(self) -> None:
        self.now: WishForCar | None = None

    def order(self, wish: Wish, now_s: float) -> None:
        """Ask the car for this from now on. The same wish again does not begin anew."""
        if self.now is None or self.now.wish is not wish:
            self.now = WishForCar(wish, now_s + DELAY_S[wish])

    def withdraw(self) -> None:
        """Ask for nothing any more."""
        self.now = None

    def followed(self, wish: Wish) -> bool:
        """The car did this. Whether it was asked for."""
        if self.now is None or self.now.wish is not wish:
            return False
        self.now = None
        return True

    def give_up_when_due(self, now_s: float) -> Wish | None:
        """The wish that the car did not follow in time, withdrawn with this call; None while there is none."""
        if self.now is None or now_s < self.now.until_s + PATIENCE_S:
            return None
        wish, self.now = self.now.wish, None
        return wish
