"""`docs/misbehaviour.md` shows the table that the matrix is held against."""

from __future__ import annotations

from pathlib import Path

from hil.simulators.evcc.misbehaviour import KINDS
from tests.joined.expected import EXPECTED
from tests.joined.page import table

PAGE = Path(__file__).resolve().parents[3] / "docs" / "misbehaviour.md"


def test_the_page_shows_the_table() -> None:
    assert PAGE.read_text().endswith(table()), (
        "make it anew: the text before the table, then `python -m tests.joined.page`"
    )


def test_the_table_has_every_misbehaviour() -> None:
    assert list(EXPECTED) == list(KINDS)
