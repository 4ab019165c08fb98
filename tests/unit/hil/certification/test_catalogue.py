"""The catalogue of certification cases, their conditions, and the statement of a station's features."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hil.certification import catalogue, pics
from hil.certification.catalogue import CatalogueRow, Demand
from hil.certification.condition import Condition, ConditionError, FeatureValue
from hil.certification.device_reports import required_variables
from hil.certification.pics import PicsError
from hil.certification.registry import written

ROWS = catalogue.load()
PER_BLOCK = {
    "A": 17, "B": 48, "C": 53, "D": 9, "E": 47, "F": 24, "G": 21, "H": 21, "I": 3, "J": 10, "K": 44, "L": 15, "M": 25,
    "N": 52, "O": 32, "P": 3,
}  # fmt: skip


def row(case_id: str) -> CatalogueRow:
    return next(row for row in ROWS if row.case_id == case_id)


def test_every_case_of_part_6_is_there_once() -> None:
    assert len({row.case_id for row in ROWS}) == len(ROWS) == 424
    assert {block: sum(row.block == block for row in ROWS) for block in PER_BLOCK} == PER_BLOCK
    assert all(re.fullmatch(r"TC_[A-P]_\d\d_CS", row.case_id) and row.name for row in ROWS)


def test_mandatory_conditional_and_unasked_cases_are_counted_as_part_5_has_them() -> None:
    demands = [row.demand for row in ROWS]
    assert demands.count(Demand.MANDATORY) == 260
    assert demands.count(Demand.CONDITIONAL) == 149
    assert demands.count(None) == 15


def test_every_conditional_case_has_a_condition_of_known_features_and_no_other_has_one() -> None:
    known = pics.load().features.keys()
    for row in ROWS:
        assert bool(row.condition.text) == (row.demand is Demand.CONDITIONAL), row.case_id
        assert row.condition.ids <= known, row.case_id


def test_every_written_case_is_in_the_catalogue() -> None:
    assert written().keys() <= {row.case_id for row in ROWS}


def test_every_written_case_says_in_one_line_what_it_is() -> None:
    for case_id, case in written().items():
        first, _, rest = (case.function.__doc__ or "").partition("\n")
        assert first.endswith("."), case_id
        assert not rest or rest.startswith("\n"), case_id


def test_required_variables_have_a_profile() -> None:
    assert len(required_variables()) == 64
    assert {required.profile for required in required_variables()} <= set(pics.PROFILES)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("A-1", True),
        ("not A-1", False),
        ("A-1 and B-2", False),
        ("A-1 or B-2", True),
        ("B-2 or A-1 and not B-2", True),
        ("(B-2 or A-1) and B-2", False),
        ("not (B-2 and A-1)", True),
        ("not not A-1", True),
        ("N-1>1", True),
        ("N-1>2", False),
        ("A-1>0", True),
        ("L-1", True),
        ("L-2", False),
    ],
)
def test_a_condition_reads_its_words_in_their_order(text: str, holds: bool) -> None:
    features: dict[str, FeatureValue] = {"A-1": True, "B-2": False, "N-1": 2, "L-1": ("x",), "L-2": ()}
    assert Condition.read(text).holds(features) is holds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A-1 and", "ends where a feature is expected"),
        ("(A-1", "a parenthesis is not closed"),
        ("A-1)", "')' is too much"),
        ("A-1 B-2", "'B-2' is too much"),
        ("A-1 & B-2", "character 4, ' '"),
        ("or A-1", "'or' is not a known feature"),
    ],
)
def test_a_condition_that_cannot_be_read_says_where(text: str, words: str) -> None:
    with pytest.raises(ConditionError, match=re.escape(words)):
        Condition.read(text)


def test_an_unknown_feature_in_a_condition_is_an_error() -> None:
    with pytest.raises(ConditionError, match="'Z-9' is not a known feature"):
        Condition.read("Z-9").holds({"A-1": True})


def test_a_case_that_does_not_apply_names_the_condition_and_its_features() -> None:
    statement = pics.load()
    features = statement.features | {"C-49": False}
    reason = row("TC_C_08_CS").exclusion(pics.Pics(features, statement.configured))
    assert reason == "condition C-49 and (C-30 or C-31 or C-32) (C-30 yes, C-31 no, C-32 no, C-49 no)"


def test_a_case_of_a_profile_that_is_not_claimed_does_not_apply() -> None:
    statement = pics.load()
    features = statement.features | {"Reservation": False}
    reason = row("TC_H_01_CS").exclusion(pics.Pics(features, statement.configured))
    assert reason == "the station does not claim Reservation"


def test_a_case_that_no_profile_asks_for_does_not_apply() -> None:
    assert row("TC_G_20_CS").exclusion(pics.load()) == "no profile of Part 5 asks a station for this case"


def test_cases_are_chosen_by_id_block_and_profile() -> None:
    assert [row.case_id for row in catalogue.select(ROWS, (), ["b_01", "TC_G_02_CS"])] == ["TC_B_01_CS", "TC_G_02_CS"]
    assert len(catalogue.select(ROWS, (), ["P"])) == 3
    assert len(catalogue.select(ROWS, ["core"], ())) == 222
    assert len(catalogue.select(ROWS, (), ())) == 424


@pytest.mark.parametrize(("profiles", "ids", "words"), [((), ("B_99",), "case TC_B_99_CS"), (("gold",), (), "gold")])
def test_an_unknown_case_or_profile_is_refused(profiles: tuple[str, ...], ids: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        catalogue.select(ROWS, profiles, ids)


def test_a_row_that_cannot_be_read_names_file_and_row(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_text("id,name,use_cases,requirements,profiles,condition\nTC_B_01_CS,Boot,B01,,Gold:M,\n")
    with pytest.raises(ValueError, match=r"cases\.csv, row 2: profile 'Gold'"):
        catalogue.load(file)


def test_a_row_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    one = "TC_B_01_CS,Boot,B01,,Core:M,\n"
    file.write_text(f"id,name,use_cases,requirements,profiles,condition\n{one}{one}")
    with pytest.raises(ValueError, match="TC_B_01_CS stands twice"):
        catalogue.load(file)


OWN = pics.OWN_FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "instead", "words"),
    [
        ('"C-13" = true', '"C-13" = "yes"', r"\[features\] C-13 = 'yes': a flag is expected"),
        ('"C-13" = true', '"C-113" = true', r"\[features\]: C-13 is missing"),
        ('"C-13" = true', '"C-13" = true\n"Z-1" = true', r"\[features\]: Z-1 is unknown"),
        ('"HFS-8" = 2', '"HFS-8" = true', r"HFS-8 = True: a number is expected"),
        ("Core = true", "Core = 1", r"\[profiles\] Core = 1: a flag is expected"),
        ("evse_id = 1", 'evse_id = "1"', r"\[configured\] evse_id = '1': int is expected"),
        ("heartbeat_interval_s = 300\n", "", r"\[configured\]: heartbeat_interval_s is missing"),
        (', kind = "ISO14443" }\nsecond', " }\nsecond", r"\[configured\] valid_token: kind is missing"),
        ("[profiles]", "[profile]", "the file: profiles is missing"),
        ("Core = true", "Core = ", "pics.toml: Invalid value"),
    ],
)
def test_a_mistake_in_the_statement_names_file_table_and_key(
    tmp_path: Path, text: str, instead: str, words: str
) -> None:
    assert text in OWN
    file = tmp_path / "pics.toml"
    file.write_text(OWN.replace(text, instead, 1), encoding="utf-8")
    with pytest.raises(PicsError, match=words):
        pics.load(file)
