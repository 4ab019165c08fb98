"""Keeps the exceptions of one EVSE's drivers to the device they belong to: the others and the process go on."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from chargepoint.ports import Device

T = TypeVar("T")

REST_S = 2.0
"""A device whose driver raised is neither read nor polled this long after its last exception. Unpolled, the pilot/IO board
misses its watchdog's kick (1 s at most) and opens by itself: a driver that cannot take an order must not repeat an old one."""

REMEMBER_S = 60.0
"""A trouble is reported this long after its last occurrence, so that one cause gives one line."""


class DeviceGuard:
    """Call `begin` at the start of each cycle, and every driver through `read`, `poll` or `order`."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._failed_at_s: dict[str, float] = {}
        self._troubles: dict[str, str] = {}

    def begin(self, now_s: float) -> None:
        """A new cycle."""
        self._now_s = now_s

    def rests(self, device: Device) -> bool:
        """Its driver raised a moment ago: nothing it reports counts."""
        failed_at_s = self._failed_at_s.get(device.name)
        return failed_at_s is not None and self._now_s - failed_at_s < REST_S

    def read(self, device: Device, value: Callable[[], T | None]) -> T | None:
        """The value; None where the driver raises, or raised a moment ago."""
        if self._failed_at_s and self.rests(device):
            return None
        try:
            return value()
        except Exception as error:
            self._note(device, error)
            return None

    def poll(self, device: Device, now_s: float) -> None:
        """Poll the device, unless it rests."""
        if self._failed_at_s and self.rests(device):
            return
        try:
            device.poll(now_s)
        except Exception as error:
            self._note(device, error)

    def order(self, device: Device, order: Callable[[], None]) -> None:
        """Give an order, also to a device that rests: the order may be the one to switch off."""
        try:
            order()
        except Exception as error:
            self._note(device, error)

    def trouble(self, device: Device) -> str:
        """What the driver could not do in the last minute; empty if there was nothing."""
        failed_at_s = self._failed_at_s.get(device.name)
        if failed_at_s is None or self._now_s - failed_at_s > REMEMBER_S:
            return ""
        return self._troubles[device.name]

    def _note(self, device: Device, error: Exception) -> None:
        self._failed_at_s[device.name] = self._now_s
        self._troubles[device.name] = f"{device.name}: its driver failed: {described(error)}"


def described(error: Exception) -> str:
    """The exception in one line, with the place that raised it."""
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" ({Path(place[0].filename).name}:{place[0].lineno})" if place else ""
    return f"{type(error).__name__}: {error}{where}"
