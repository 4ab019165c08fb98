"""Which scenarios run: files found by path or tag, runs by name, and the share of one shard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hil.scenario.bench_words import BenchWords
from hil.scenario.mistakes import ScenarioMistake, near_misses
from hil.scenario.reading import read_scenario
from hil.scenario.step import PlannedRun

SHIPPED = Path(__file__).resolve().parents[1] / "scenarios"
"""The scenarios that come with the bench."""
ENDINGS = (".yaml", ".yml")


class NothingSelected(ValueError):
    """A word on the command line names neither a file nor a tag nor a scenario."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Share `number` of `of` shares, counted from 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From «2/5». Raises ValueError."""
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise ValueError(f"{text!r} is no shard: write i/n with 1 ≤ i ≤ n, such as 1/4")
        return cls(int(number), int(of))

    def share(self, runs: Sequence[PlannedRun]) -> list[PlannedRun]:
        """Every n-th run, so that a long file is spread over all shards. Each run is in one shard."""
        return list(runs[self.number - 1 :: self.of])


@dataclass(frozen=True, slots=True)
class Selected:
    """What the command line asked for: runs in the order of their files, and what is wrong with the files."""

    files: tuple[Path, ...]
    runs: tuple[PlannedRun, ...]
    mistakes: tuple[ScenarioMistake, ...]


def files_in(places: Iterable[Path]) -> list[Path]:
    """The files themselves, and all YAML files in folders, by name, each once."""
    found: dict[Path, None] = {}
    for place in places:
        if place.is_dir():
            inside = (file for file in place.rglob("*") if file.suffix in ENDINGS and file.is_file())
            found.update(dict.fromkeys(sorted(inside)))
        else:
            found[place] = None
    return list(found)


def select(asked: Sequence[str], words: BenchWords, only: str | None = None) -> Selected:
    """The runs of these paths, tags and names of files; nothing asked: all shipped ones. `only`: the name of one run.

    A path reads its files; a tag chooses among the shipped scenarios. Raises NothingSelected.
    """
    paths = [Path(word) for word in asked if _is_path(word)]
    tags = [word for word in asked if not _is_path(word)]
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise NothingSelected(f"{missing[0]}: no such file or folder; name one, or a tag")
    files = files_in(paths)
    shipped = files_in([SHIPPED]) if SHIPPED.is_dir() and (tags or not paths) else []
    findings = {file: read_scenario(file, words) for file in dict.fromkeys((*files, *shipped))}
    runs = [run for found in findings.values() if not found.mistakes for run in found.runs()]
    if tags:
        known = {name for run in runs for name in _names(run)}
        for tag in tags:
            if tag.lower() not in known:
                near = f"for the folder write ./{tag}" if Path(tag).exists() else near_misses(tag.lower(), known)
                raise NothingSelected(f"{tag!r} is no file, tag or scenario; {near}")
    wanted = {tag.lower() for tag in tags}
    explicit = set(files)
    runs = [run for run in runs if run.file in explicit or not asked or wanted & _names(run)]
    if only is not None:
        names = [run.name for run in runs]
        runs = [run for run in runs if run.name == only]
        if not runs:
            raise NothingSelected(f"no run is named {only!r}; {near_misses(only, names)}")
    # a broken file outside of what was asked for is none of this command's business
    asked_files = tuple(findings) if not paths or tags else tuple(files)
    mistakes = tuple(mistake for file in asked_files for mistake in findings[file].mistakes)
    return Selected(asked_files, tuple(runs), mistakes)


def _is_path(word: str) -> bool:
    """A word alone is a tag, also where a folder has this name: that is written `./NAME`."""
    return "/" in word or word.endswith(ENDINGS) or word in (".", "..")


def _names(run: PlannedRun) -> set[str]:
    return {run.file.name.split(".")[0].lower(), *(tag.lower() for tag in run.tags)}
