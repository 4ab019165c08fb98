"""The table of docs/ocpp-requirements.md: each requirement of OCPP 2.0.1 Part 2, and what shows that the station meets it.

`python -m tests.requirements.requirement_table` writes the page anew. `requirements.csv` has every id with its addressee.
A requirement is satisfied where a certification case that applies to our station, or a test of this repository, names it.
"""

from __future__ import annotations

import ast
import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hil.certification import catalogue, pics
from hil.certification.registry import written

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "ocpp-requirements.md"
DATA = Path(__file__).with_name("requirements.csv")
STATION = "station"
_ID = re.compile(r"(?P<first>[A-P]\d{2})\.FR\.(?P<number>\d{2,3})(?P<more>(?:(?:, | and |, and | to )FR\.\d{2,3})*)")
_MORE = re.compile(r"(?P<joint>, | and |, and | to )FR\.(?P<number>\d{2,3})")
_SHOWN_AT_MOST = 3


class Standing(Enum):
    """What can be said about a requirement."""

    SATISFIED = "satisfied"
    NOT_APPLICABLE = "not applicable"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the data. `standing`: None where evidence decides; else it is given, with its reason.

    `same_as`: another use case asks the same in the same words; what shows one shows the other.
    """

    requirement_id: str
    addressee: str
    strength: str
    same_as: str
    standing: Standing | None
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One row of the page. `shown_by`: ids of cases and names of tests, or the reason."""

    requirement: Requirement
    standing: Standing
    shown_by: str


def requirements(file: Path = DATA) -> list[Requirement]:
    """The rows of the data, in their order."""
    with file.open(encoding="utf-8", newline="") as source:
        return [
            Requirement(
                row["id"],
                row["addressee"],
                row["strength"],
                row["same_as"],
                Standing(row["standing"]) if row["standing"] else None,
                row["reason"],
            )
            for row in csv.DictReader(source)
        ]


def ids_in(text: str) -> set[str]:
    """The requirements a text names. `A02.FR.06, FR.07` names two, `A02.FR.17 to FR.19` three."""
    found = set()
    for match in _ID.finditer(text):
        case, last = match["first"], int(match["number"])
        width = len(match["number"])
        found.add(f"{case}.FR.{last:0{width}d}")
        for more in _MORE.finditer(match["more"]):
            number = int(more["number"])
            first = last + 1 if more["joint"] == " to " else number
            found |= {f"{case}.FR.{each:0{width}d}" for each in range(first, number + 1)}
            last = number
    return found


def shown_by_tests(folder: Path = ROOT / "tests") -> dict[str, set[str]]:
    """For each requirement the tests that name it: in the function, or in the module's docstring."""
    shown: dict[str, set[str]] = {}
    for file in sorted(folder.rglob("test_*.py")):
        text = file.read_text("utf-8")
        if ".FR." not in text or file.parent == DATA.parent:
            continue
        lines, module = text.splitlines(), ast.parse(text)
        for named in ids_in(ast.get_docstring(module) or ""):
            shown.setdefault(named, set()).add(file.stem)
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                for named in ids_in("\n".join(lines[first - 1 : node.end_lineno])):
                    shown.setdefault(named, set()).add(f"{file.stem}::{node.name}")
    return shown


def shown_by_cases() -> dict[str, list[str]]:
    """For each requirement the certification cases that are written, apply to our station, and name it."""
    present, statement = written(), pics.load()
    shown: dict[str, list[str]] = {}
    for row in catalogue.load():
        if row.case_id in present and row.exclusion(statement) is None:
            for named in row.requirements:
                shown.setdefault(named, []).append(row.case_id.removesuffix("_CS"))
    return shown


def named_in_code(folders: Iterable[Path] = (ROOT / "chargepoint",)) -> dict[str, set[str]]:
    """For each requirement the modules that name it. A name is no proof; it says where to look."""
    named: dict[str, set[str]] = {}
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            for each in ids_in(file.read_text("utf-8")):
                named.setdefault(each, set()).add(file.relative_to(ROOT).as_posix())
    return named


def judged(
    rows: Iterable[Requirement],
    by_case: Mapping[str, list[str]],
    by_test: Mapping[str, set[str]],
    in_code: Mapping[str, set[str]],
) -> list[Judged]:
    """Every row with its standing."""
    rows = list(rows)
    by_id = {row.requirement_id: row for row in rows}
    words: dict[str, list[str]] = {}
    for row in rows:
        words.setdefault(row.same_as or row.requirement_id, []).append(row.requirement_id)
    found = []
    for row in rows:
        first = by_id.get(row.same_as, row)
        ids = [row.requirement_id, *(other for other in words[first.requirement_id] if other != row.requirement_id)]
        proofs = list(
            dict.fromkeys(proof for each in (by_case, by_test) for one in ids for proof in sorted(each.get(one, ())))
        )
        if row.addressee != STATION:
            found.append(Judged(row, Standing.NOT_APPLICABLE, f"addressed to the {row.addressee}"))
        elif row.standing is not None:
            found.append(Judged(row, row.standing, row.reason))
        elif first.standing is not None:
            found.append(Judged(row, first.standing, f"as {first.requirement_id}: {first.reason}"))
        elif proofs:
            found.append(Judged(row, Standing.SATISFIED, _shown(proofs)))
        else:
            places = sorted({place for one in ids for place in in_code.get(one, ())})
            reason = f"{places[0]} names it, no test does" if places else "nothing shows it"
            found.append(Judged(row, Standing.OPEN, reason))
    return found


def _shown(proofs: list[str]) -> str:
    more = len(proofs) - _SHOWN_AT_MOST
    return ", ".join(proofs[:_SHOWN_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def page(rows: Iterable[Judged]) -> str:
    """The whole page."""
    rows = list(rows)
    lines = [
        "# Requirements of OCPP 2.0.1, one by one",
        "",
        "Generated by `python -m tests.requirements.requirement_table`; a test holds it. The ids are those of Part 2, edition 3, with the errata of 2025-09.",
        "A requirement is **satisfied** where a certification case that applies to our station, or a test, names it. A case is written `TC_B_01`; `./run hil certify --case B_01` plays it.",
        "It is **not applicable** where it is addressed to others, or where the reason says so. Everything else is **open**.",
        "",
        "| block | satisfied | not applicable | open |",
        "|---|---|---|---|",
    ]
    counts = Counter((row.requirement.requirement_id[0], row.standing) for row in rows)
    for block in sorted({row.requirement.requirement_id[0] for row in rows}):
        lines.append(f"| {block} | " + " | ".join(str(counts[block, standing]) for standing in Standing) + " |")
    whole = Counter(row.standing for row in rows)
    lines.append("| all | " + " | ".join(str(whole[standing]) for standing in Standing) + " |")
    use_case = ""
    for row in rows:
        if row.requirement.requirement_id[:3] != use_case:
            use_case = row.requirement.requirement_id[:3]
            lines += [
                "",
                f"## {use_case}",
                "",
                "| requirement | asks | standing | shown by, or why |",
                "|---|---|---|---|",
            ]
        lines.append(
            f"| {row.requirement.requirement_id} | {row.requirement.strength} | {row.standing.value} | {row.shown_by} |"
        )
    return "\n".join(lines) + "\n"


def generated() -> list[Judged]:
    """The rows of the page, from the repository as it stands."""
    return judged(requirements(), shown_by_cases(), shown_by_tests(), named_in_code())


if __name__ == "__main__":
    PAGE.write_text(page(generated()), encoding="utf-8")
