"""The faults `disk.…`: the file systems under the controller's state are full."""

from __future__ import annotations

from collections.abc import Sequence

from hil.attach.small_disk import SmallDisk
from hil.simulators.line_socket import Refused


class DiskFaults:
    """`disks`: those of the controller, where they are the bench's own."""

    def __init__(self, disks: Sequence[SmallDisk]) -> None:
        self._disks = disks

    def set(self, name: str, *, on: bool) -> None:
        """Cause it or take it back; `name` without the group. Raises Refused where the bench has no disk of its own."""
        if not self._disks:
            raise Refused(
                f"disk.{name}: the bench must not fill this computer's disk: add `small_disk: true` to the scenario's bench; "
                "it needs root or user namespaces"
            )
        for disk in self._disks:
            if on:
                disk.fill()
            else:
                disk.empty()
