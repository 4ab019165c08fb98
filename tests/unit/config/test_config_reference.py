"""docs/configuration.md is what the schema says today."""

from pathlib import Path

from chargepoint.config.reference import markdown
from chargepoint.power.wiring import drivers_reference
from drivers.catalog import DRIVERS
from drivers.profile.load import PROFILES, shipped

PAGE = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"


def test_the_page_is_made_from_the_schema() -> None:
    assert PAGE.read_text() == markdown() + drivers_reference(), (
        "write it anew: ./run reference > docs/configuration.md"
    )


def test_every_section_has_a_table_and_bounds_are_told() -> None:
    text = markdown()
    assert "## [evse.N]" in text
    assert "| `lease_s` | number, ≥ 0.1, ≤ 2 | `0.5` |" in text
    assert "**required**" in text


def test_every_key_says_what_it_means() -> None:
    rows = [line for line in (markdown() + drivers_reference()).splitlines() if line.startswith("| `")]
    assert len(rows) >= 85
    assert [row for row in rows if not row.split(" | ")[-1].strip(" |")] == []


def test_every_driver_profile_and_parameter_is_listed() -> None:
    text = drivers_reference()
    for kind, driver in DRIVERS:
        assert f'[{kind}.NAME] driver = "{driver}"' in text
    for file in PROFILES.glob("*.toml"):
        section = text.partition(f'profile = "{file.stem}"')[2].partition("###")[0]
        assert all(f"| `{name}` |" in section for name in shipped(file.stem).params)
    for name in ("watchdog_ms", "pattern", "repeat_s"):
        assert f"| `{name}` |" in text
