"""A pair of virtual interfaces: one end for the station, one in a namespace for the program of a car. Needs root."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator

from hil.attach.cable import CarCable

COMMAND_PATIENCE_S = 10.0
_numbers = itertools.count()


@contextlib.contextmanager
def veth_cable() -> Iterator[CarCable]:
    """There until the block ends. Raises RuntimeError with what the command `ip` reported."""
    if shutil.which("ip") is None:
        raise RuntimeError("the command ip is missing: install the package iproute2")
    mark = f"{os.getpid() % 100_000}{next(_numbers) % 100:02}"
    cable = CarCable(f"vs{mark}", f"vc{mark}", f"car{mark}")
    _ip("netns", "add", cable.namespace)
    try:
        _ip("link", "add", cable.station, "type", "veth", "peer", "name", cable.car, "netns", cable.namespace)
        inside = ("-n", cable.namespace)
        for prefix, interface, end in (((), cable.station, 1), (inside, cable.car, 2)):
            _ip(*prefix, "link", "set", interface, "addrgenmode", "none", "up")
            # no waiting for duplicate address detection on a wire of two
            _ip(*prefix, "address", "add", f"fe80::ca5:{end}/64", "dev", interface, "nodad")
        _ip(*inside, "link", "set", "lo", "up")
        yield cable
    finally:
        subprocess.run(["ip", "netns", "del", cable.namespace], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", cable.station], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=COMMAND_PATIENCE_S)
    if done.returncode != 0:
        why = done.stderr.strip()
        raise RuntimeError(f"ip {' '.join(arguments)}: {why}; a car's program on veth needs root")
