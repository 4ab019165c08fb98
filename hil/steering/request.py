"""One request to the door: read and checked against the words. A core: bytes in, a request or a refusal out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hil.record.line import Json
from hil.scenario.argument_reading import read_arguments
from hil.scenario.mistakes import FoundMistakes, near_misses, shown
from hil.simulators.line_socket import Refused
from hil.steering.words import DOOR_WORDS, EVSE, FAULTS_BY_ID
from hil.words import Word

DEPTH_MAX = 32
INTEGER_MAX = 1 << 62
ID_MAX = 64
RequestId = str | int | None
_FILTERS = ("record", "subscribe")
_OUTER = ("do", "id", "evse")
_CAUSES = ("inject", "heal")


@dataclass(frozen=True, slots=True)
class SteerRequest:
    """A request with every argument checked, and defaults filled in. `evse` None: all of them (`record`, `subscribe`)."""

    verb: str
    arguments: Mapping[str, Json]
    evse: int | None = 1
    id: RequestId = None
    """The answer carries it back; a request that has one may be answered out of order."""

    @property
    def waits(self) -> bool:
        """It may take long, and nobody needs its end when who asked is gone."""
        return self.verb in ("wait", "play")


def id_of(line: bytes) -> RequestId:
    """The id of a request that is refused, as far as one can be read."""
    try:
        raw = json.loads(line)
        return _id(raw.get("id")) if isinstance(raw, dict) else None
    except (ValueError, RecursionError, Refused):
        return None


def read_request(line: bytes) -> SteerRequest:
    """A line of JSON as a request. Raises Refused with every mistake in it: what, the value, its bound, what to do."""
    try:
        raw: Json = json.loads(line.decode())
    except RecursionError:
        raise Refused(f"the request is nested too deep (recursion): at most {DEPTH_MAX} levels") from None
    except ValueError as error:
        raise Refused(f"the request is no JSON in UTF-8: {error}") from error
    if not isinstance(raw, dict):
        raise Refused(f'= {shown(raw)}: a request is a JSON object, like {{"do": "plug"}}')
    return request_of(raw)


def request_of(raw: Mapping[str, Json]) -> SteerRequest:
    """As `read_request`, from a JSON object."""
    _check_size(dict(raw))
    id = _id(raw.get("id"))
    verb = raw.get("do")
    word = DOOR_WORDS.get(verb) if isinstance(verb, str) else None
    if word is None:
        near = near_misses(verb, DOOR_WORDS) if isinstance(verb, str) else "name a verb"
        raise Refused(f"do = {shown(verb)}: one of {', '.join(DOOR_WORDS)}; {near}")
    mistakes = FoundMistakes(Path(), {})
    evse = _evse(raw, word, mistakes)
    given = {key: value for key, value in raw.items() if key not in _OUTER}
    if word.name in _CAUSES:
        arguments = _of_fault(given, word, mistakes)
    else:
        arguments = read_arguments(given, word, (), mistakes)
    if mistakes.found:
        raise Refused("; ".join(mistake.text for mistake in mistakes.sorted()) + _takes(word, given))
    return SteerRequest(word.name, arguments, evse, id)


def words_in(value: Json, name: str, known: Iterable[str] = ()) -> tuple[str, ...]:
    """A list of texts, each one of the known, where those are given. Raises Refused."""
    known = tuple(known)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Refused(f"{name} = {shown(value)}: a list of words; write [{', '.join(known) or 'NAME, …'}]")
    for word in value:
        if not isinstance(word, str) or (known and word not in known):
            raise Refused(f"{name} = {shown(word)}: {'one of ' + ', '.join(known) if known else 'a word'} is needed")
    return tuple(str(word) for word in value)


def _of_fault(given: dict[str, Json], word: Word, mistakes: FoundMistakes) -> dict[str, Json]:
    """`fault`, and beside it the arguments of that fault."""
    name = given.pop("fault", None)
    fault = FAULTS_BY_ID.get(name) if isinstance(name, str) else None
    if fault is None:
        near = near_misses(name, FAULTS_BY_ID) if isinstance(name, str) else "name one of docs/scenario-words.md"
        mistakes.add(("fault",), f"= {shown(name)}: no id of a fault", near)
        return {}
    if fault.virtual_only:
        mistakes.add(
            ("fault",), f"= {name!r}: only on a bench in virtual time", "perform it in ./run hil run --virtual"
        )
    return {"fault": name, **read_arguments(given, fault, (), mistakes, partial=word.name == "heal")}


def _evse(raw: Mapping[str, Json], word: Word, mistakes: FoundMistakes) -> int | None:
    if "evse" not in raw:
        return None if word.name in _FILTERS else 1
    found = read_arguments({"evse": raw["evse"]}, Word(word.name, "", (EVSE,)), (), mistakes)["evse"]
    return found if isinstance(found, int) else 1


def _takes(word: Word, given: Mapping[str, Json]) -> str:
    """What the verb takes, where something else was given."""
    known = [argument.name for argument in word.arguments]
    if word.open_arguments or all(key in known for key in given):
        return ""
    return f" ({word.name} takes {', '.join([*known, 'evse'])})"


def _id(value: Json) -> RequestId:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and len(value) <= ID_MAX:
        return value
    raise Refused(f"id = {shown(value)}: a whole number, or text of at most {ID_MAX} characters")


def _check_size(raw: Json) -> None:
    """Raises Refused for what is nested beyond the cap, and for integers that no number of the bench is."""
    level: list[Json] = [raw]
    for _ in range(DEPTH_MAX):
        inner: list[Json] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, int) and abs(value) > INTEGER_MAX:
                raise Refused(f"{shown(value)[:30]}: the number is too large; at most {INTEGER_MAX}")
        if not inner:
            return
        level = inner
    raise Refused(f"the request is nested too deep: at most {DEPTH_MAX} levels")
