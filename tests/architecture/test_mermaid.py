"""Every diagram of the documentation can be drawn: each line follows the part of Mermaid's grammar that the pages use.

Mermaid itself needs a browser. The pages were rendered with it once (mermaid-cli 11); this test keeps them in the forms that were.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)

_TEXT = r"[^;#{}<>\"]+"
_QUOTED = r"\"[^\"<>]+\""
_NODE = rf"\w+(?:\[{_QUOTED}\])?"
LINES = {
    "stateDiagram-v2": (
        rf"(?:\[\*\]|\w+) --> (?:\[\*\]|\w+)(?:: {_TEXT})?",
        rf"state {_QUOTED} as \w+ {{",
        r"}",
    ),
    "sequenceDiagram": (
        r"autonumber",
        rf"participant \w+(?: as {_TEXT})?",
        rf"\w+(?:->>|-->>)\w+: {_TEXT}",
        rf"Note over \w+(?:,\w+)?: {_TEXT}",
        rf"loop {_TEXT}",
        r"rect rgb\(\d+, \d+, \d+\)",
        r"end",
    ),
    "flowchart": (
        rf"subgraph \w+\[{_QUOTED}\]",
        _NODE,
        rf"{_NODE} (?:-->|<-->|---)(?:\|{_QUOTED}\|)? {_NODE}",
        r"end",
    ),
}
OPENING = re.compile(r"(?:loop|rect|subgraph) .*|state .* \{")


def blocks() -> list[tuple[str, str]]:
    return [
        (f"{page.relative_to(ROOT)} {n}", text)
        for page in PAGES
        for n, text in enumerate(BLOCK.findall(page.read_text()), 1)
    ]


def mistakes(block: str) -> list[str]:
    """The lines of a diagram that its grammar does not have; empty where all is well."""
    head, *lines = block.splitlines()
    kind, *direction = head.split()
    if kind not in LINES or (direction and (kind != "flowchart" or direction[0] not in ("LR", "TB", "TD"))):
        return [head]
    forms = [re.compile(form) for form in LINES[kind]]
    found = [line for line in lines if not any(form.fullmatch(line.strip()) for form in forms)]
    if kind == "sequenceDiagram":
        named = {line.split()[1] for line in lines if line.strip().startswith("participant")}
        ends = re.findall(r"^ *(\w+)--?>>(\w+):", block, re.MULTILINE)
        found += [f"no participant {end}" for pair in ends for end in pair if end not in named]
    opened = sum(bool(OPENING.fullmatch(line.strip())) for line in lines)
    closed = sum(line.strip() in ("end", "}") for line in lines)
    return found if opened == closed else [*found, f"{opened} parts opened, {closed} closed"]


@pytest.mark.parametrize(("where", "block"), blocks(), ids=[where for where, _ in blocks()])
def test_a_diagram_has_only_lines_that_can_be_drawn(where: str, block: str) -> None:
    assert mistakes(block) == [], where


def test_there_are_diagrams_of_processes_session_trip_set_point_and_states() -> None:
    pages = {where.rpartition(" ")[0] for where, _ in blocks()}
    flows = {f"docs/flows/{name}.md" for name in ("processes", "dc-session", "ac-session", "trip", "set-point")}
    assert pages >= {"docs/states.md", *flows}


@pytest.mark.parametrize(
    "broken",
    [
        "pie\n    A --> B\n",
        "stateDiagram-v2\n    A -> B\n",
        "stateDiagram-v2\n    A --> B: a; b\n",
        'stateDiagram-v2\n    state "a" as S {\n    A --> B\n',
        "sequenceDiagram\n    participant A\n    A->>B: hello\n",
        "sequenceDiagram\n    participant A\n    loop twice\n    A->>A: hello\n",
        "flowchart LR\n    a[text without quotes (1)] --> b\n",
    ],
)
def test_a_broken_diagram_is_found(broken: str) -> None:
    assert mistakes(broken) != []


def test_every_link_between_pages_leads_to_a_file() -> None:
    dead = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert dead == []


def test_the_index_names_every_page_of_the_folder() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    pages = [p.relative_to(ROOT / "docs").as_posix() for p in PAGES if p.is_relative_to(ROOT / "docs")]
    shown = [p for p in pages if p != "README.md" and not (p.startswith("sources/") and p != "sources/README.md")]
    assert [p for p in shown if f"({p})" not in index] == []
