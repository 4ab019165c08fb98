"""docs/scenario-words.md, made from the words of the bench: `python -m hil.scenario.words_page > docs/scenario-words.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from hil.record.line import Seer
from hil.scenario.bench_words import BenchWords, words_of_bench
from hil.scenario.value_test import text_of
from hil.words import Argument, Word

_SEERS = {
    Seer.PLANT: "The plant: what is true",
    Seer.STATION: "The station: what it says of itself",
    Seer.CAR: "The car",
    Seer.CSMS: "The central system",
    Seer.BENCH: "The bench",
}


def words_page(words: BenchWords) -> str:
    """Markdown, ending with a line feed."""
    return "\n".join(_lines(words)) + "\n"


def _lines(words: BenchWords) -> Iterator[str]:
    yield "# Words of scenarios"
    yield ""
    yield "Made by `python -m hil.scenario.words_page > docs/scenario-words.md`. The language: [scenarios.md](scenarios.md)."
    yield ""
    yield "## Signals"
    for seer, title in _SEERS.items():
        signals = [signal for signal in words.signals.values() if signal.seer is seer]
        if not signals:
            continue
        yield ""
        yield f"### {title}"
        yield ""
        yield "| signal | type | meaning |"
        yield "|---|---|---|"
        for signal in signals:
            kind = f"{signal.type.value}{', ' + signal.unit if signal.unit else ''}"
            known = f": {', '.join(f'`{word}`' for word in signal.words)}" if signal.words else ""
            whole = " (of the whole station)" if signal.of_station else ""
            yield f"| `{signal.name}` | {kind} | {_cell(signal.meaning)}{known}{whole} |"
    yield ""
    yield "## Verbs"
    yield ""
    yield from _table("verb", words.verbs.values())
    yield ""
    yield "## Faults"
    yield ""
    yield from _table("fault", words.faults.values())


def _table(what: str, words: Iterable[Word]) -> Iterator[str]:
    yield f"| {what} | meaning | arguments |"
    yield "|---|---|---|"
    for word in words:
        notes = [
            note
            for note, holds in (
                ("of the whole station", word.of_station),
                ("in virtual time only", word.virtual_only),
                ("in real time only", word.realtime_only),
            )
            if holds
        ]
        arguments = [_argument(argument) for argument in word.arguments]
        if word.open_arguments:
            arguments.append("others, which the bench checks")
        meaning = _cell(word.meaning) + (f" ({', '.join(notes)})" if notes else "")
        yield f"| `{word.name}` | {meaning} | {'; '.join(arguments)} |"


def _argument(argument: Argument) -> str:
    text = f"`{argument.name}` ({argument.type.value}{', ' + argument.unit if argument.unit else ''}"
    if argument.required:
        text += ", required"
    elif argument.default not in (None, {}, []):
        text += f", default {text_of(argument.default)}"
    if argument.least is not None:
        text += f", at least {argument.least:g}"
    if argument.most is not None:
        text += f", at most {argument.most:g}"
    text += f"): {_cell(argument.meaning)}"
    return text + (f": {', '.join(f'`{choice}`' for choice in argument.choices)}" if argument.choices else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.stdout.write(words_page(words_of_bench()))
