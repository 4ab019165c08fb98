"""docs/interlocks.md is the code's own words: every fault, every row."""

from __future__ import annotations

from pathlib import Path

from chargepoint.diagnostics.interlock_page import page
from chargepoint.model.faults import FaultCode
from chargepoint.safety.interlocks.table import TABLE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "interlocks.md"


def test_the_page_is_made_of_the_table() -> None:
    assert PAGE.read_text() == page(), (
        "make it anew: python -m chargepoint.diagnostics.interlock_page > docs/interlocks.md"
    )


def test_every_fault_and_every_row_is_on_the_page() -> None:
    text = PAGE.read_text()
    for code in FaultCode:
        assert text.count(f"| {code.name} |") >= 2, code
    for row in TABLE:
        assert row.cause in text
