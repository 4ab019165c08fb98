"""docs/architecture.md is true: the functions its walks name exist, and every room is on the page."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
WALKS = PAGE[PAGE.index("## Four walks") : PAGE.index("## Where things go")]
STEP = re.compile(r"`([\w/]+\.py)` -> `([\w.]+)`")


def defined(path: Path) -> set[str]:
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef))
            }
    return names


def test_every_function_of_the_four_walks_exists() -> None:
    steps = STEP.findall(WALKS)
    assert len(steps) >= 30
    missing = []
    for file, function in steps:
        path = ROOT / file if (ROOT / file).exists() else ROOT / "chargepoint" / "iso15118" / file
        if not path.exists() or function not in defined(path):
            missing.append(f"{file} -> {function}")
    assert missing == []


def test_there_are_four_walks_and_each_numbered_step_names_code_or_another_walk() -> None:
    assert len(re.findall(r"^### \d\. ", WALKS, re.MULTILINE)) == 4
    for line in re.findall(r"^\d+\. .*$", WALKS, re.MULTILINE):
        assert STEP.search(line) or "`EvseStage.cycle`" in line or "walk 1" in line, line


def test_every_room_is_on_the_page() -> None:
    rooms = {path.parent.name for path in (ROOT / "chargepoint").glob("*/__init__.py")}
    assert rooms
    assert {room for room in rooms if f"`{room}`" not in PAGE} == set()


def test_files_named_on_the_page_exist() -> None:
    named = set(re.findall(r"`((?:\w+/)+\w+\.(?:py|toml|service))`", PAGE))
    roots = (ROOT, ROOT / "chargepoint", ROOT / "chargepoint" / "iso15118")
    assert named
    assert {name for name in named if not any((root / name).exists() for root in roots)} == set()
