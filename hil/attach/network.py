"""What the network of this computer lacks for a demo: IPv6 for the car protocol, an interface that is up."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct

_SIOCGIFFLAGS = 0x8913
"""netdevice(7)."""

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
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), _SIOCGIFFLAGS, struct.pack("16s16x", interface.encode()))
        except OSError:
            return True  # no such question here: the connection itself will show it
    return bool(struct.unpack_from("16xH", answer)[0] & _IFF_UP)


def _can_bind(address: str) -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL
    return True
