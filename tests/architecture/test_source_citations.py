"""Every citation of `docs/sources/` names a page and a section that exist; nothing cites what is not in the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "docs" / "sources"
# built from parts, so that this file does not match itself
FORMER_FOLDER = "fac" + "ts/"
CITATION = re.compile(
    r"docs/sources/(?P<page>[a-z0-9-]+)\.md(?P<sections>(?:,? (?:sections? )?(?:and |to )?\d+(?:\.\d+)*\b)*)"
)
HEADING = re.compile(r"^#+ (\d+(?:\.\d+)*)\b", re.MULTILINE)


def tracked_texts() -> list[tuple[str, str]]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    texts = []
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.suffix in {".py", ".md", ".toml", ".service", ".sh", ""}:
            texts.append((name, path.read_text(encoding="utf-8", errors="replace")))
    return texts


def sections_of(page: str) -> set[str]:
    return set(HEADING.findall((SOURCES / f"{page}.md").read_text(encoding="utf-8")))


def test_every_citation_resolves() -> None:
    missing: list[str] = []
    found = 0
    for name, text in tracked_texts():
        # a citation may be broken over two lines of a docstring or a comment
        joined = re.sub(r"\s*\n\s*(?:# ?)?", " ", text)
        for match in CITATION.finditer(joined):
            found += 1
            page = match["page"]
            if not (SOURCES / f"{page}.md").is_file():
                missing.append(f"{name}: docs/sources/{page}.md does not exist")
                continue
            known = sections_of(page)
            for section in re.findall(r"\d+(?:\.\d+)*", match["sections"]):
                if section not in known:
                    missing.append(f"{name}: docs/sources/{page}.md has no section {section}")
    assert missing == []
    assert found > 50, "the citations are gone, or the pattern does not see them any more"


def test_nothing_cites_a_folder_outside_the_repository() -> None:
    citing = [name for name, text in tracked_texts() if FORMER_FOLDER in text.lower().replace("artifacts/", "")]
    assert citing == []
