"""What the network of this computer lacks for a demo: IPv6 for the car protocol, an interface that is up."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

_IFF_UP = 1


def problem(interface: str) -> str | None:
    """What is missing and how to mend it; None when the demo can run with its car on `interface`."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM):
            pass
    except OSError as error:
        if error.errno in (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
            return "this computer has no IPv6, and ISO 15118 needs it: start the kernel without ipv6.disable=1"
        raise
    for name in dict.fromkeys(("lo", interface)):  # daemon and central system always talk over the loopback
        if not _is_up(name):
            return f"network interface {name} is down: as root, ip link set {name} up"
    if interface == "lo" and not _can_bind("::1"):
        return "the loopback has no address ::1: as root, sysctl -w net.ipv6.conf.lo.disable_ipv6=0"
    return None


def _is_up(interface: str) -> bool:
    try:
        return bool(int(Path(f"/sys/class/net/{interface}/flags").read_text(), 16) & _IFF_UP)
    except (OSError, ValueError):
        return True  # a system without /sys: the connection itself will show it


def _can_bind(address: str) -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL
    return True
