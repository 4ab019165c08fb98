"""sd_notify(3) over a real datagram socket: ready, watchdog at a third of its time, stopping; silence without systemd."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargepoint.app import lifecycle
from chargepoint.app.lifecycle import Notifier


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        messages = []
        while True:
            try:
                messages.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return messages


class Time:
    """Stands where a test puts it."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(lifecycle, "time", made)
    return made


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    made = Systemd(str(tmp_path / "notify"))
    yield made
    made.socket.close()


def environ(tmp_path: Path, watchdog_us: str | None = None) -> dict[str, str]:
    found = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    return found if watchdog_us is None else {**found, "WATCHDOG_USEC": watchdog_us}


def test_ready_and_stopping(tmp_path: Path, systemd: Systemd) -> None:
    notifier = Notifier(environ(tmp_path))
    notifier.ready("2 EVSE on 5 buses")
    notifier.stopping()
    assert systemd.heard() == ["READY=1\nSTATUS=2 EVSE on 5 buses", "STOPPING=1"]


def test_beats_at_a_third_of_the_watchdogs_time(tmp_path: Path, systemd: Systemd, time: Time) -> None:
    notifier = Notifier(environ(tmp_path, "3000000"))
    assert notifier.beat_every_s == pytest.approx(1.0)
    for _ in range(100):  # one second of ticks
        notifier.beat()
        time.now_s += 0.01
    assert systemd.heard() == ["WATCHDOG=1"]
    for _ in range(300):
        notifier.beat()
        time.now_s += 0.01
    assert len(systemd.heard()) == 3


def test_a_loop_that_stands_still_sends_nothing(tmp_path: Path, systemd: Systemd, time: Time) -> None:
    notifier = Notifier(environ(tmp_path, "2000000"))
    notifier.beat()
    systemd.heard()
    time.now_s += 60.0
    assert systemd.heard() == []  # no thread beside the loop feeds the watchdog


@pytest.mark.parametrize("watchdog_us", [None, "", "0"])
def test_without_a_watchdog_no_beats(tmp_path: Path, systemd: Systemd, watchdog_us: str | None) -> None:
    notifier = Notifier(environ(tmp_path, watchdog_us))
    assert notifier.beat_every_s == 0.0
    notifier.beat()
    assert systemd.heard() == []


def test_without_systemd_it_is_silent() -> None:
    notifier = Notifier({})
    notifier.ready("here")
    notifier.beat()
    notifier.stopping()
    assert notifier.beat_every_s == 0.0


def test_an_abstract_address_is_understood(tmp_path: Path) -> None:
    name = f"notify-{tmp_path.name}-{id(tmp_path)}"
    systemd = Systemd(f"\0{name}")
    Notifier({"NOTIFY_SOCKET": f"@{name}"}).ready("here")
    assert systemd.heard() == ["READY=1\nSTATUS=here"]
    systemd.socket.close()


def test_a_systemd_that_is_gone_or_deaf_stops_nobody(tmp_path: Path, systemd: Systemd) -> None:
    notifier = Notifier(environ(tmp_path))
    for _ in range(5000):  # nobody reads: the socket's buffer fills up
        notifier.ready("x" * 500)
    systemd.socket.close()
    (tmp_path / "notify").unlink()
    notifier.stopping()


def test_the_environment_of_the_process_is_the_default(
    tmp_path: Path, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ(tmp_path, "6000000").items():
        monkeypatch.setenv(name, value)
    notifier = Notifier()
    assert notifier.beat_every_s == pytest.approx(2.0)
    notifier.ready("here")
    assert systemd.heard() == ["READY=1\nSTATUS=here"]
