"""All words that a scenario may use on a bench, by name: verbs, faults and signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from hil.record.signals import SIGNALS, BenchSignal
from hil.words import Word


@dataclass(frozen=True, slots=True)
class BenchWords:
    """What one bench understands."""

    verbs: Mapping[str, Word]
    faults: Mapping[str, Word]
    signals: Mapping[str, BenchSignal] = field(default_factory=lambda: SIGNALS)
    needs: type[BaseModel] | None = None
    """What the `bench:` section may hold; None: anything."""


def words_by_name(verbs: Iterable[Word], faults: Iterable[Word], needs: type[BaseModel] | None = None) -> BenchWords:
    """These words, with all signals of `hil.record.signals`. Raises ValueError where a name stands twice."""
    return BenchWords(_by_name(verbs), _by_name(faults), needs=needs)


def words_of_bench() -> BenchWords:
    """The words of the bench that is here. The import takes a while: the faults are those of plant, wires and cars."""
    from hil.bench.needs import BenchNeeds
    from hil.bench.verbs import VERB_WORDS
    from hil.faults.catalogue import FAULT_WORDS

    return words_by_name(VERB_WORDS, FAULT_WORDS, BenchNeeds)


def _by_name(words: Iterable[Word]) -> dict[str, Word]:
    found: dict[str, Word] = {}
    for word in words:
        if word.name in found:
            raise ValueError(f"the word {word.name!r} stands twice: give one of them another name")
        found[word.name] = word
    return found
