"""What the network lacks is said before the demo starts, with the command that mends it."""

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest

from hil.attach import network


def test_without_ipv6_the_demo_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def no_ipv6(family: int = socket.AF_INET, *others: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *others)

    monkeypatch.setattr(socket, "socket", no_ipv6)
    assert "has no IPv6" in (network.problem("lo") or "")


@pytest.mark.parametrize(
    ("down", "interface", "says"),
    [({"lo"}, "lo", "lo is down: as root, ip link set lo up"), ({"eth9"}, "eth9", "eth9 is down"), (set(), "lo", None)],
)
def test_an_interface_that_is_down_is_named(
    monkeypatch: pytest.MonkeyPatch, down: set[str], interface: str, says: str | None
) -> None:
    monkeypatch.setattr(network, "_is_up", lambda name: name not in down)
    monkeypatch.setattr(network, "_can_bind", lambda _: True)
    found = network.problem(interface)
    assert found is None if says is None else says in (found or "")


def test_a_loopback_without_its_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_is_up", lambda _: True)
    monkeypatch.setattr(network, "_can_bind", lambda _: False)
    assert "no address ::1" in (network.problem("lo") or "")
