"""Which cases exist, which profiles ask for them, and which of them apply to a station. The rows are `data/cases.csv`.

Source: docs/sources/ocpp.md 2. Ids, names and conditions are those of OCPP 2.0.1 Part 5 and Part 6, edition 3.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hil.certification.condition import Condition
from hil.certification.pics import PROFILES, Pics

CASES_FILE = Path(__file__).parent / "data" / "cases.csv"
SHORT_NAMES = {
    "core": "Core",
    "security": "AdvancedSecurity",
    "local-list": "LocalAuthList",
    "smart-charging": "SmartCharging",
    "device-management": "AdvancedDeviceManagement",
    "user-interface": "AdvancedUserInterface",
    "reservation": "Reservation",
    "iso15118": "ISO15118Support",
}
"""What the command line calls the profiles."""


class Demand(Enum):
    """How a profile asks for a case."""

    MANDATORY = "M"
    CONDITIONAL = "C"


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One case of Part 6."""

    case_id: str
    name: str
    use_cases: tuple[str, ...]
    requirements: tuple[str, ...]
    profiles: dict[str, Demand]
    """Empty for the cases that Part 6 has and no profile of Part 5 asks of a station."""
    condition: Condition

    @property
    def block(self) -> str:
        """The functional block: the letter in the id."""
        return self.case_id[3]

    @property
    def demand(self) -> Demand | None:
        """Mandatory where any profile says so; None where no profile asks for the case."""
        if not self.profiles:
            return None
        return Demand.MANDATORY if Demand.MANDATORY in self.profiles.values() else Demand.CONDITIONAL

    def exclusion(self, pics: Pics) -> str | None:
        """Why the case does not apply to this station; None where it applies."""
        if not self.profiles:
            return "no profile of Part 5 asks a station for this case"
        claimed = [profile for profile in self.profiles if pics.features[profile]]
        if not claimed:
            return f"the station does not claim {' or '.join(self.profiles)}"
        if any(self.profiles[profile] is Demand.MANDATORY for profile in claimed):
            return None
        return None if self.condition.holds(pics.features) else f"condition {self.condition.reason(pics.features)}"


def load(file: Path = CASES_FILE) -> tuple[CatalogueRow, ...]:
    """Every row, by id. Raises ValueError with file, row and field for what cannot be read."""
    with file.open(encoding="utf-8", newline="") as source:
        rows = [_row(file, number, fields) for number, fields in enumerate(csv.DictReader(source), start=2)]
    twice = {row.case_id for row in rows if sum(other.case_id == row.case_id for other in rows) > 1}
    if twice:
        raise ValueError(f"{file}: {', '.join(sorted(twice))} stands twice: remove one row")
    return tuple(rows)


def select(rows: Iterable[CatalogueRow], profiles: Iterable[str], ids: Iterable[str]) -> tuple[CatalogueRow, ...]:
    """The rows of these ids, or of these profiles; all of them where neither is given.

    An id may lack `TC_` and `_CS`; a single letter is a whole functional block.

    Raises ValueError for an id or a profile that does not exist.
    """
    rows, wanted, asked = tuple(rows), [_full(name) for name in ids], [_profile(name) for name in profiles]
    known = {row.case_id for row in rows} | {row.block for row in rows}
    if strange := [name for name in wanted if name not in known]:
        raise ValueError(f"case {strange[0]}: no such case; an id is like B_01 or TC_B_01_CS, or B for the whole block")
    if wanted:
        return tuple(row for row in rows if row.case_id in wanted or row.block in wanted)
    return tuple(row for row in rows if not asked or not set(asked).isdisjoint(row.profiles))


def _full(name: str) -> str:
    name = name.upper()
    return name if name.startswith("TC_") or len(name) == 1 else f"TC_{name}_CS"


def _profile(name: str) -> str:
    if name in SHORT_NAMES:
        return SHORT_NAMES[name]
    raise ValueError(f"profile {name}: one of {', '.join(SHORT_NAMES)}")


def _row(file: Path, number: int, fields: dict[str, str]) -> CatalogueRow:
    try:
        demands = dict(part.split(":") for part in fields["profiles"].split())
        if unknown := demands.keys() - set(PROFILES):
            raise ValueError(f"profile {unknown.pop()!r} is none of {', '.join(PROFILES)}")
        return CatalogueRow(
            case_id=fields["id"],
            name=fields["name"],
            use_cases=tuple(fields["use_cases"].split()),
            requirements=tuple(fields["requirements"].split()),
            profiles={profile: Demand(demand) for profile, demand in demands.items()},
            condition=Condition.read(fields["condition"]),
        )
    except (KeyError, ValueError, AttributeError) as error:
        raise ValueError(f"{file}, row {number}: {error}") from error
