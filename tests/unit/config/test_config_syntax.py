"""Broken TOML in words for its writer: file:line:column, what stands there, how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargepoint.config.load import study_text

FILE = Path("site.toml")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[csms]\nidentity = CP1\n", "2:12: syntax: there is no value TOML knows, in «identity = CP1»; text stands in quotes"),
        ("[csms]\nenabled = True\n", "2:11: syntax: there is no value TOML knows, in «enabled = True»; text stands in quotes"),
        ('[csms]\nidentity = "CP1\n', "2:16: syntax: the text has no closing quote on its line, in «identity = \"CP1»; close"),
        ("[csms\nenabled = true\n", "1:6: syntax: the table's name has no closing bracket, in «[csms»; write [table.name]"),
        ("[csms]\nenabled true\n", "2:9: syntax: a key without «=», in «enabled true»; write key = value"),
        ("[bus.a]\nbaud = 115 200\n", "2:12: syntax: something stands after the value, in «baud = 115 200»; one key on"),
        ("[csms]\n= 5\n", "2:1: syntax: this is neither a key, nor a table, nor a comment, in «= 5»; write key = value"),
        ('[evse.1]\npower_modules = ["a" "b"]\n', "2:22: syntax: the list has no end, or two of its values no comma"),
        ("[meter.m]\nparams = { a = 1 b = 2 }\n", "2:18: syntax: the braces have no end, or two of their keys no comma"),
        ("[csms]\nenabled = true\nenabled = false\n", "syntax: this key or table is in the file a second time"),
        ('[bus.a]\nport = "C:\\dev"\n', "2:13: syntax: a backslash in quotes has no meaning here"),
        ("[csms]\nidentity = 'CP\x00'\n", "2:15: syntax: a control character in a comment or text, in «identity = 'CP\\x00'»; remove it"),
        ("[station]\nmodel = 2026-13-45\n", "syntax: "),
        ('[station]\nmodel = """abc', "2:15: syntax: the text has no closing quote"),
        ("[station]\nmodel =", "2:8: syntax: there is no value TOML knows, in «model =»"),
    ],
)  # fmt: skip
def test_broken_toml_is_said_in_our_own_words(text: str, shown: str) -> None:
    (mistake,) = study_text(text, FILE).mistakes
    found = str(mistake)
    assert found.startswith("site.toml:2:" if "1:6" not in shown and "a second" not in shown else "site.toml:")
    assert shown in found
    assert "(at line" not in found
    assert mistake.mistake.remedy


def test_a_long_line_is_cut() -> None:
    (mistake,) = study_text(f"[csms]\nidentity = {'x' * 500}\n", FILE).mistakes
    assert len(str(mistake)) < 300
