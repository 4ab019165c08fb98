"""The computer's watchdog: what is written to it, and when."""

from __future__ import annotations

import logging
import struct
from pathlib import Path

import pytest

from chargepoint.app.hardware_watchdog import WDIOC_GETTIMEOUT, WDIOC_SETTIMEOUT, HardwareWatchdog


class Device:
    """A file in place of the device, and an ioctl that answers as a driver does."""

    def __init__(self, folder: Path, chosen_s: int | None = None) -> None:
        self.path = folder / "watchdog"
        self.path.touch()
        self.asked: list[int] = []
        self.chosen_s = chosen_s
        self.now_s = 100.0
        self._timeout_s = 60

    def ioctl(self, fd: int, request: int, argument: bytes) -> bytes:
        self.asked.append(request)
        if request == WDIOC_SETTIMEOUT:
            (wanted_s,) = struct.unpack("i", argument)
            self._timeout_s = wanted_s if self.chosen_s is None else self.chosen_s
        return struct.pack("i", self._timeout_s)

    def open(self, timeout_s: int = 8) -> HardwareWatchdog:
        return HardwareWatchdog(self.path, timeout_s, self.ioctl, lambda: self.now_s)

    @property
    def written(self) -> bytes:
        return self.path.read_bytes()


def test_the_time_out_is_set_and_read_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    device = Device(tmp_path, chosen_s=15)
    watchdog = device.open(8)
    assert device.asked == [WDIOC_SETTIMEOUT, WDIOC_GETTIMEOUT]
    assert watchdog.timeout_s == 15
    assert "the time-out is 15 s, 8 s was wanted" in caplog.text


def test_it_is_fed_a_few_times_in_each_time_out(tmp_path: Path) -> None:
    device = Device(tmp_path)
    watchdog = device.open(8)
    for _ in range(800):
        device.now_s += 0.01
        watchdog.beat()
    assert device.written == bytes(4)


def test_without_a_beat_nothing_is_written(tmp_path: Path) -> None:
    device = Device(tmp_path)
    watchdog = device.open()
    assert device.written == b""
    assert watchdog.active


@pytest.mark.parametrize(("ordered", "written"), [(True, b"V"), (False, b"")])
def test_only_an_ordered_stop_ends_it(tmp_path: Path, ordered: bool, written: bytes) -> None:
    device = Device(tmp_path)
    watchdog = device.open()
    watchdog.close(ordered=ordered)
    assert device.written == written
    assert not watchdog.active
    watchdog.beat()
    assert device.written == written


def test_a_device_without_a_time_out_is_left_switched_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Opening it started it: left open and unfed it would reset the computer for ever."""
    device = Device(tmp_path)

    def refuses(fd: int, request: int, argument: bytes) -> bytes:
        raise OSError(25, "Inappropriate ioctl for device")

    watchdog = HardwareWatchdog(device.path, 8, refuses, lambda: 0.0)
    assert not watchdog.active
    assert device.written == b"V"
    assert "Inappropriate ioctl" in caplog.text


def test_a_missing_device_is_one_line_and_no_exception(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    watchdog = HardwareWatchdog(tmp_path / "none", 8)
    watchdog.beat()
    watchdog.close(ordered=True)
    assert len(caplog.records) == 1
    assert "No such file or directory" in caplog.text and "hardware_watchdog" in caplog.text
