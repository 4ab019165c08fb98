"""The Modbus TCP bus over real sockets: it connects without blocking, loses the connection, and comes back."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from chargepoint.ports import BusSpec
from drivers.modbus.transaction import Failed, FailureKind, Outcome, Priority, Read, ReadDone
from drivers.tcp_bus import RETRY_MAX_S, RETRY_MIN_S, TcpBus

BLOCKED_S = 0.5
"""Far more than a call that does not block takes on a busy machine."""


def pump(bus: TcpBus, until: Callable[[], object]) -> None:
    give_up_at_s = time.monotonic() + 10.0
    while not until():
        now_s = time.monotonic()
        assert now_s < give_up_at_s, bus.health()
        bus.pump(now_s)
        assert time.monotonic() - now_s < BLOCKED_S
        time.sleep(0.002)


def listening() -> tuple[socket.socket, str]:
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    return server, f"127.0.0.1:{server.getsockname()[1]}"


def ask(bus: TcpBus) -> list[Outcome]:
    heard: list[Outcome] = []
    bus.master.submit(Read(1, 3, 0, 1), heard.append, Priority.FAST)
    return heard


def test_a_request_an_answer_a_lost_connection_and_a_new_one() -> None:
    server, port = listening()
    bus = TcpBus(BusSpec("b", "tcp", port))
    assert bus.fileno() is None
    pump(bus, lambda: bus.health().connected)
    assert bus.fileno() is not None
    peer, _ = server.accept()
    heard = ask(bus)
    bus.pump(time.monotonic())
    request = peer.recv(260)
    peer.sendall(request[:4] + bytes((0, 5, 1, 3, 2, 0, 42)))
    pump(bus, lambda: heard)
    assert isinstance(heard[0], ReadDone) and heard[0].registers == (42,)
    waiting = ask(bus)
    bus.pump(time.monotonic())
    assert peer.recv(260)
    peer.close()
    pump(bus, lambda: waiting)
    assert isinstance(waiting[0], Failed) and waiting[0].kind is FailureKind.DISCONNECTED
    assert "closed by the device" in bus.health().trouble
    assert bus.fileno() is None
    pump(bus, lambda: bus.health().connected)
    bus.close()
    server.close()
    assert bus.deadline_s == float("inf")


def test_a_refused_connection_is_tried_less_and_less() -> None:
    server, port = listening()
    server.close()
    bus = TcpBus(BusSpec("b", "tcp", port))
    now_s, pauses = 1000.0, []
    for _ in range(8):
        bus.pump(now_s)
        for _ in range(50):
            if bus.fileno() is None and bus.deadline_s is not None and bus.deadline_s > now_s + 0.1:
                break
            time.sleep(0.01)
            bus.pump(now_s)
        assert bus.deadline_s is not None
        pauses.append(bus.deadline_s - now_s)
        now_s = bus.deadline_s
    assert pauses[0] == RETRY_MIN_S
    assert pauses[-1] == RETRY_MAX_S
    assert pauses == sorted(pauses)
    assert "refused; switch Modbus TCP on in the device" in bus.health().trouble
    heard = ask(bus)
    bus.pump(now_s - 0.1)
    assert isinstance(heard[0], Failed) and heard[0].kind is FailureKind.DISCONNECTED


def test_a_peer_that_takes_nothing_and_says_nothing_ends_the_connection() -> None:
    server, port = listening()
    bus = TcpBus(BusSpec("b", "tcp", port))
    pump(bus, lambda: bus.health().connected)
    peer, _ = server.accept()
    outcomes: list[list[Outcome]] = []

    def lost() -> bool:
        if not outcomes or outcomes[-1]:
            outcomes.append(ask(bus))
        return not bus.health().connected

    pump(bus, lost)
    assert "no answer to 3 requests in a row" in bus.health().trouble
    bus.close()
    peer.close()
    server.close()
