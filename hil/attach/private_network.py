"""A network of its own for a bench with several EVSEs: each EVSE needs a network interface of its own, as each has its own cable.

`inside(MODULE, ARGUMENTS)` is the command that runs a module in a fresh network namespace. There `lay_cables` makes pairs of
virtual interfaces, one pair for each EVSE. A process that exists already goes there by `enter`. Nothing of it is seen outside, and it is gone with its last process. Needs `unshare`
(util-linux) and `ip` (iproute2), and the right to make a namespace: root has it, most systems give it to everybody.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from hil.attach import own_namespace
from hil.attach.cable import CarCable
from hil.attach.own_namespace import OwnNamespace

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
    """So many pairs of interfaces, up and with link-local addresses. To be called in a namespace of `inside` or `enter` and nowhere else.

    Raises RuntimeError with what the command `ip` reported.
    """
    cables = tuple(CarCable(f"evse{number}", f"car{number}") for number in range(1, count + 1))
    commands = ["link set lo up"]
    for number, cable in enumerate(cables, start=1):
        commands.append(f"link add {cable.station} type veth peer name {cable.car}")
        for end, interface in enumerate((cable.station, cable.car), start=1):
            commands.append(f"link set {interface} addrgenmode none up")
            # no waiting for duplicate address detection on a wire of two
            commands.append(f"address add {_BASE}:{number}:{end}/64 dev {interface} nodad")
    done = subprocess.run(
        ["ip", "-batch", "-"], input="\n".join(commands), capture_output=True, text=True, timeout=COMMAND_PATIENCE_S
    )
    if done.returncode != 0:
        raise RuntimeError(f"ip -batch: {done.stderr.strip()}")
    return cables


def enter() -> None:
    """This process goes into a fresh network namespace, for good: sockets that it opens from now on are in it, and files are as before.

    Call it while the process has one thread. Raises RuntimeError with what is missing, and what to do.
    """
    if shutil.which("ip") is None:
        raise RuntimeError("the command ip is missing: install the package iproute2")
    own_namespace.enter(OwnNamespace.NETWORK)


def _namespace() -> list[str]:
    """Root keeps its rights in the namespace; anybody else becomes root of a user namespace, which gives no real-time priority."""
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
