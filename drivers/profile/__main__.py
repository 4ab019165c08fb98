"""`python -m drivers.profile FILE…`: check profiles; status 1 and one line per mistake if any is found."""

import sys
from pathlib import Path

from drivers.profile.load import load
from drivers.profile.schema import ProfileError


def main() -> int:
    """Check every file named on the command line."""
    status = 0
    for name in sys.argv[1:]:
        try:
            profile = load(Path(name))
        except ProfileError as error:
            sys.stderr.write(f"{error}\n")
            status = 1
        else:
            sys.stdout.write(
                f"{name}: {profile.id}, {len(profile.points)} points, {len(profile.vectors)} vectors: good\n"
            )
    return status


if __name__ == "__main__":
    sys.exit(main())
