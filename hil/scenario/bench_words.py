"""All words that a scenario may use on a bench, by name: verbs, faults and signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec

from hil.bench.words import Word
from hil.record.signals import SIGNALS, BenchSignal

VERBS = "hil.bench.verbs:VERBS"
FAULTS = "hil.faults.catalogue:FAULTS"
"""Where the words of the bench stand: a module and a tuple in it."""


@dataclass(frozen=True, slots=True)
class BenchWords:
    """What one bench understands."""

    verbs: Mapping[str, Word]
    faults: Mapping[str, Word]
    signals: Mapping[str, BenchSignal] = field(default_factory=lambda: SIGNALS)


def words_by_name(verbs: Iterable[Word], faults: Iterable[Word]) -> BenchWords:
    """These words, with all signals of `hil.record.signals`. Raises ValueError where a name stands twice."""
    return BenchWords(_by_name(verbs), _by_name(faults))


def words_of_bench() -> BenchWords:
    """The words of the bench that is here."""
    return words_by_name(_tuple_at(VERBS), _tuple_at(FAULTS))


def _tuple_at(place: str) -> tuple[Word, ...]:
    module, _, name = place.partition(":")
    package = module.rpartition(".")[0]
    if find_spec(package) is None or find_spec(module) is None:
        return ()
    found: tuple[Word, ...] = getattr(import_module(module), name)
    return found


def _by_name(words: Iterable[Word]) -> dict[str, Word]:
    found: dict[str, Word] = {}
    for word in words:
        if word.name in found:
            raise ValueError(f"the word {word.name!r} stands twice: give one of them another name")
        found[word.name] = word
    return found
