"""docs/ocpp-requirements.md is what the repository shows, and the reading of ids finds what is written."""

from __future__ import annotations

import pytest

from tests.requirements.requirement_table import (
    PAGE,
    STATION,
    Requirement,
    Standing,
    generated,
    ids_in,
    judged,
    page,
    requirements,
)


def test_the_page_is_what_the_repository_shows() -> None:
    assert PAGE.read_text("utf-8") == page(generated()), "write it anew: python -m tests.requirements.requirement_table"


def test_every_requirement_stands_once_and_a_given_standing_has_its_reason() -> None:
    rows = requirements()
    assert len({row.requirement_id for row in rows}) == len(rows)
    for row in rows:
        assert row.same_as != row.requirement_id, row
        assert not row.same_as or row.same_as in {other.requirement_id for other in rows if not other.same_as}, row
        assert (row.standing is None) == (not row.reason), row
        assert row.standing is None or row.addressee == STATION, row
        assert row.standing is not Standing.SATISFIED, f"{row.requirement_id}: a test or a case says that, not a table"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("A02.FR.06", {"A02.FR.06"}),
        ("A02.FR.06, FR.07 and N01.FR.110.", {"A02.FR.06", "A02.FR.07", "N01.FR.110"}),
        ("A02.FR.17 to FR.19", {"A02.FR.17", "A02.FR.18", "A02.FR.19"}),
        ("A00.FR.502 and FR.503, FR.507", {"A00.FR.502", "A00.FR.503", "A00.FR.507"}),
        ("nothing", set()),
    ],
)
def test_ids_are_found(text: str, ids: set[str]) -> None:
    assert ids_in(text) == ids


def test_code_alone_satisfies_nothing() -> None:
    row = Requirement("A02.FR.06", STATION, "shall", "", None, "")
    code = {"A02.FR.06": {"chargepoint/x.py"}}
    assert [item.standing for item in judged([row], {}, {}, code)] == [Standing.OPEN]
    assert [item.standing for item in judged([row], {"A02.FR.06": ["TC_A_11"]}, {}, code)] == [Standing.SATISFIED]
    assert [item.standing for item in judged([row], {}, {"A02.FR.06": {"test_x::test_y"}}, {})] == [Standing.SATISFIED]


def test_the_same_words_need_one_proof() -> None:
    first = Requirement("A02.FR.06", STATION, "shall", "", None, "")
    again = Requirement("A03.FR.06", STATION, "shall", "A02.FR.06", None, "")
    for proven in ("A02.FR.06", "A03.FR.06"):
        rows = judged([first, again], {proven: ["TC_A_11"]}, {}, {})
        assert [row.standing for row in rows] == [Standing.SATISFIED] * 2


def test_a_given_standing_counts_more_than_a_test() -> None:
    row = Requirement("L03.FR.02", STATION, "shall", "", Standing.NOT_APPLICABLE, "a station publishes nothing")
    [item] = judged([row], {"L03.FR.02": ["TC_L_99"]}, {}, {})
    assert (item.standing, item.shown_by) == (Standing.NOT_APPLICABLE, "a station publishes nothing")
