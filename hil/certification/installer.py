"""The program that installs firmware on our own bench (`[station] firmware_command`): it looks at the file, and installs nothing.

Exit status 0: the file is an image of the suite, and the station restarts to activate it. 2: the file is no firmware for this station.
It needs nothing but Python, so it can be started by its path.
"""

from __future__ import annotations

import sys
from pathlib import Path

BEGINNING = b"OPEN-CHARGEPOINT BENCH FIRMWARE\n"
EXIT_NO_FIRMWARE = 2


def install(file: Path) -> int:
    """The exit status for this file."""
    with file.open("rb") as stream:
        return 0 if stream.read(len(BEGINNING)) == BEGINNING else EXIT_NO_FIRMWARE


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1])))
