"""docs/configuration.md is what the schema says today."""

from pathlib import Path

from chargepoint.config.reference import markdown

PAGE = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"


def test_the_page_is_made_from_the_schema() -> None:
    assert PAGE.read_text() == markdown(), "write it anew: ./run reference > docs/configuration.md"


def test_every_section_has_a_table_and_bounds_are_told() -> None:
    text = markdown()
    assert "## [evse.N]" in text
    assert "| `lease_s` | number, ≥ 0.1, ≤ 2 | `0.5` |" in text
    assert "**required**" in text
