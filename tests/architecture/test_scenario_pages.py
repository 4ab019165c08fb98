"""docs/scenarios.md: every example in it is a good scenario. docs/scenario-words.md: made from the words of the bench."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hil.scenario.bench_words import words_of_bench
from hil.scenario.operators import OPERATORS_OF
from hil.scenario.reading import read_text
from hil.scenario.words_page import words_page
from hil.scenario.written import STEP_KINDS, WrittenScenario

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/scenarios.md"
TEXT = PAGE.read_text()
WORDS = words_of_bench()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_page_has_examples_of_every_step_but_healing() -> None:
    used = {kind for kind in STEP_KINDS for example in EXAMPLES if f"- {kind}:" in example}
    assert used == set(STEP_KINDS) - {"heal"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[0])
def test_an_example_is_a_good_scenario(example: str) -> None:
    found = read_text(example, PAGE, WORDS)
    assert [str(mistake) for mistake in found.mistakes] == []
    assert found.runs()


def test_the_page_names_every_key_step_and_operator() -> None:
    operators = {name for names in OPERATORS_OF.values() for name in names}
    missing = [word for word in (*WrittenScenario.model_fields, *STEP_KINDS, *operators) if f"`{word}" not in TEXT]
    assert missing == []


def test_the_python_of_the_page_is_python() -> None:
    for example in re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        ast.parse(example)


def test_the_page_of_words_is_made_from_the_words() -> None:
    documented = (ROOT / "docs/scenario-words.md").read_text()
    assert documented == words_page(WORDS), "python -m hil.scenario.words_page > docs/scenario-words.md"
