"""The words of docstrings, comments, messages and pages: no private metaphors, no endless sentences, three sentences a room.

A newcomer whose first language is another one shall understand each sentence at first reading. New text keeps to 20 words a
sentence; the test here fails above 35.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("certs", "chargepoint", "drivers", "hil")
GENERATED = ("chargepoint/iso15118/exi/generated/", "chargepoint/iso15118/messages/")
SENTENCE_WORDS_MAX = 35

FORBIDDEN = {
    r"tells?|told|telling": "write log, report, notify, send or answer",
    r"teller|sitters?|bells?": "name the thing: reporter, waiting answer, event",
    r"voices?": "write owner, party or contribution",
    r"the house|a house": "write station, project or code",
    r"stood[ _]still": "write stalled",
    r"guts|magic|gotchas?|simply|obviously|of course": "say what the reader must know, or leave the word out",
}
ALLOWED: dict[str, str] = {}
"""`file: phrase` with the reason: where the phrase stands, a forbidden word in it is meant."""

_FORBIDDEN = re.compile(rf"\b(?:{'|'.join(FORBIDDEN)})\b", re.IGNORECASE)
_CODE = re.compile(r"`[^`\n]*`")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])[»\")]?\s+(?=[A-Z«`0-9(])|\n\s*\n|\n\s*[*-] ")


def sources() -> list[Path]:
    """The hand-written modules."""
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in found if not path.relative_to(ROOT).as_posix().startswith(GENERATED)]


def pages() -> list[Path]:
    outside = (*ROOT.glob("*.md"), *(ROOT / "systemd").glob("*.md"), *(ROOT / "certs").glob("*.md"))
    return [*sorted(outside), *sorted((ROOT / "docs").rglob("*.md"))]


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of each comment and each string of a module: docstrings, log lines, messages of errors."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            yield token.start[0], token.string


def strange_words(name: str, text: str) -> list[str]:
    """Each forbidden word with its line and what to write instead; code between backticks is no prose."""
    for allowed in ALLOWED:
        file, phrase = allowed.split(": ", 1)
        text = text.replace(phrase, "") if file == name else text
    parts = prose(text) if name.endswith(".py") else enumerate(text.splitlines(), 1)
    found = []
    for line, part in parts:
        for match in _FORBIDDEN.finditer(_CODE.sub("", part)):
            advice = next(a for words, a in FORBIDDEN.items() if re.fullmatch(words, match.group(), re.IGNORECASE))
            found.append(f"{name}:{line}: «{match.group()}»: {advice}")
    return found


def long_sentences(name: str, text: str) -> list[str]:
    """Sentences of docstrings and of the texts behind constants with more words than the bound."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for sentence in _SENTENCE_END.split(node.value.value):
                count = len(sentence.split())
                if count > SENTENCE_WORDS_MAX:
                    found.append(f"{name}:{node.lineno}: {count} words: {' '.join(sentence.split()[:8])} …")
    return found


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_strange_word_is_in_rooms_and_pages() -> None:
    assert [w for path in (*sources(), *pages()) for w in strange_words(name_of(path), path.read_text())] == []


def test_no_docstring_has_an_endless_sentence() -> None:
    assert [s for path in sources() for s in long_sentences(name_of(path), path.read_text())] == []


@pytest.mark.parametrize("room", sorted(path.parent.name for path in (ROOT / "chargepoint").glob("*/__init__.py")))
def test_a_room_says_what_lives_there_what_comes_in_and_what_goes_out(room: str) -> None:
    said = ast.get_docstring(ast.parse((ROOT / "chargepoint" / room / "__init__.py").read_text())) or ""
    assert len(re.findall(r"[.!?](?=\s|$)", said)) >= 3, said
    assert re.search(r"\b[Ii]n comes?\b|\bcomes in\b", said), said
    assert re.search(r"\b[Oo]ut (?:goes?|comes?|go)\b|\bgoes out\b|\bare carried\b", said), said


def test_the_tests_find_what_they_look_for() -> None:
    assert strange_words("x.py", '"""It tells the daemon."""\n') == [
        "x.py:1: «tells»: write log, report, notify, send or answer"
    ]
    assert strange_words("x.py", "a = 1  # the Teller\nlog('nobody was told')\n") != []
    assert strange_words("x.py", "tell = 1  # `tell` is a name\n") == []
    assert strange_words("x.md", "No voice.\n") != []
    assert long_sentences("x.py", '"""' + "word " * 36 + '."""\n') != []
    assert long_sentences("x.py", '"""' + "Ten words in a sentence, each of them quite short. " * 9 + '"""\n') == []
