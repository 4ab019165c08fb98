"""Registration: whether the central system has accepted this station, when to ask again, when to beat. B01 to B03, G02."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import from_answer

RETRY_S = 60.0
"""Where the central system names no interval (B02.FR.07, B03.FR.05)."""

PLAUSIBLE_UTC_S = (1_577_836_800.0, 4_102_444_800.0)
"""2020-01-01 to 2100-01-01."""


class RegistrationStatus(Enum):
    """RegistrationStatusEnumType."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


@dataclass(slots=True)
class Registration:
    """Seconds are monotonic. `status` None: never asked since start."""

    status: RegistrationStatus | None = None
    next_boot_s: float | None = 0.0
    heartbeat_interval_s: float = 300.0
    next_heartbeat_s: float | None = None
    asked_again_s: float | None = None
    """When `ask_again` last wanted a boot: a central system that accepts us and then refuses everything is not flooded."""
    trouble: str = ""
    """Why the last BootNotification came to nothing, for people; empty where it was answered."""
    clock_offset_s: float = 0.0
    """What must be added to our UTC to get the central system's."""

    @property
    def accepted(self) -> bool:
        """Anything may be sent."""
        return self.status is RegistrationStatus.ACCEPTED

    @property
    def pending(self) -> bool:
        """Only what the central system asks for may be sent (B02.FR.02)."""
        return self.status is RegistrationStatus.PENDING

    def answered(self, payload: Payload, now: Moment) -> float | None:
        """Take a BootNotificationResponse; returns the heartbeat interval to keep, if it named one."""
        self.status, self.trouble = RegistrationStatus(payload["status"]), ""
        interval_s = float(payload["interval"])
        self.synchronize(payload["currentTime"], now)
        if not self.accepted:
            # B02.FR.04, FR.08, B03.FR.02, FR.06: not before the interval, then again.
            self.next_boot_s = now.monotonic_s + (interval_s if interval_s > 0 else RETRY_S)
            self.next_heartbeat_s = None
            return None
        self.next_boot_s = None
        if interval_s > 0:  # B01.FR.04
            self.heartbeat_interval_s = interval_s
        self.next_heartbeat_s = now.monotonic_s + self.heartbeat_interval_s
        return interval_s if interval_s > 0 else None

    def failed(self, now_s: float, why: str) -> None:
        """The BootNotification came to nothing (error or time-out)."""
        self.next_boot_s, self.trouble = now_s + RETRY_S, why

    def again_in_s(self, now_s: float) -> float | None:
        """Seconds until BootNotification is sent again; None: not planned, or on its way now."""
        if self.next_boot_s is None or self.next_boot_s <= now_s:
            return None
        return round(self.next_boot_s - now_s, 1)

    def ask_again(self, now_s: float) -> None:
        """The central system does not know us any more: boot now, but not more often than every `RETRY_S`."""
        earliest_s = now_s if self.asked_again_s is None else max(now_s, self.asked_again_s + RETRY_S)
        self.status, self.next_boot_s, self.next_heartbeat_s = None, earliest_s, None
        self.asked_again_s = earliest_s

    def beat(self, now_s: float) -> None:
        """A Heartbeat goes out now."""
        self.next_heartbeat_s = now_s + self.heartbeat_interval_s

    def synchronize(self, current_time: str, now: Moment) -> None:
        """Learn the central system's clock (B01.FR.06, G02.FR.06). `now` is our own, uncorrected.

        A time no station can live in (`PLAUSIBLE_UTC_S`) is not taken: what is billed would carry it.
        """
        utc_s = from_answer(current_time).timestamp()
        if PLAUSIBLE_UTC_S[0] <= utc_s < PLAUSIBLE_UTC_S[1]:
            self.clock_offset_s = utc_s - now.utc_s
