"""A network of its own for a bench with several EVSEs: each EVSE needs a network interface of its own, as each has its own cable.

`inside(MODULE, ARGUMENTS)` is the command that runs a module in a fresh network namespace. There `lay_cables` makes pairs of
virtual interfaces, one pair for each EVSE. Nothing of it is seen outside, and it is gone with its last process. Needs `unshare`
(util-linux) and `ip` (iproute2), and the right to make a namespace: root has it, most systems give it to everybody.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from hil.attach.cable import CarCable

COMMAND_PATIENCE_S = 10.0
_BASE = "fe80::ca5"


def problem() -> str | None:
    """Why there can be no network of its own here; None where there can."""
    for tool, package in (("unshare", "util-linux"), ("ip", "iproute2")):
        if shutil.which(tool) is None:
            return f"the command {tool} is missing: install the package {package}"
    tried = subprocess.run([*_namespace(), "true"], capture_output=True, text=True, timeout=COMMAND_PATIENCE_S)
    if tried.returncode != 0:
        return f"no network namespace can be made ({tried.stderr.strip()}): start this as root"
    return None


def inside(module: str, *arguments: str) -> list[str]:
    """The command that runs `python -m module arguments` in a network namespace of its own."""
    return [*_namespace(), sys.executable, "-m", module, *arguments]


def lay_cables(count: int) -> tuple[CarCable, ...]:
    """So many pairs of interfaces, up and with link-local addresses. To be called in a namespace of `inside` and nowhere else.

    Raises RuntimeError with what the command `ip` reported.
    """
    _ip("link", "set", "lo", "up")
    cables = tuple(CarCable(f"evse{number}", f"car{number}") for number in range(1, count + 1))
    for number, cable in enumerate(cables, start=1):
        _ip("link", "add", cable.station, "type", "veth", "peer", "name", cable.car)
        for end, interface in enumerate((cable.station, cable.car), start=1):
            _ip("link", "set", interface, "addrgenmode", "none", "up")
            # no waiting for duplicate address detection on a wire of two
            _ip("address", "add", f"{_BASE}:{number}:{end}/64", "dev", interface, "nodad")
    return cables


def _namespace() -> list[str]:
    """Root keeps its rights in the namespace; anybody else becomes root of a user namespace, which gives no real-time priority."""
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=COMMAND_PATIENCE_S)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
