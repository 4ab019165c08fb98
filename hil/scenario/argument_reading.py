"""Reading the arguments of a word: what was written, with the defaults of the rest, and every mistake in it."""

from __future__ import annotations

from hil.record.line import Json
from hil.scenario.mistakes import FoundMistakes, KeyPath, near_misses, shown
from hil.scenario.value_test import number_of
from hil.words import Argument, ArgumentType, Word


def read_arguments(
    raw: Json, word: Word, path: KeyPath, mistakes: FoundMistakes, *, partial: bool = False
) -> dict[str, Json]:
    """The arguments with their defaults. `partial`: what is missing is left out."""
    given = raw if isinstance(raw, dict) else {}
    known = {argument.name: argument for argument in word.arguments}
    found: dict[str, Json] = {}
    for name, value in given.items():
        found[name] = value
        if name in known:
            _check(value, known[name], (*path, name), mistakes)
        elif not known and not word.open_arguments:
            mistakes.add((*path, name), f"{word.name} takes no arguments", "remove it")
        elif not word.open_arguments:
            mistakes.unknown((*path, name), f"argument of {word.name}", known)
    for name, argument in known.items():
        if name in found or partial:
            continue
        if argument.required:
            mistakes.add((*path, name), f"{word.name} requires it", f"add it: {described(argument)}")
        elif argument.default is not None:
            found[name] = argument.default
    return found


def described(argument: Argument) -> str:
    """What may be written: «a number of ohm, 0 to 1000000: the resistance»."""
    kinds = {
        ArgumentType.TEXT: "text (digits in quotes)",
        ArgumentType.FLAG: "true or false",
        ArgumentType.OBJECT: "a mapping",
    }
    text = kinds.get(argument.type, f"{'an' if argument.type is ArgumentType.INTEGER else 'a'} {argument.type.value}")
    if argument.unit:
        text += f" of {argument.unit}"
    least, most = argument.least, argument.most
    if least is not None and most is not None:
        text += f", {least:g} to {most:g}"
    elif least is not None:
        text += f", at least {least:g}"
    elif most is not None:
        text += f", at most {most:g}"
    return text + (f": {argument.meaning}" if argument.meaning else "")


def _check(value: Json, argument: Argument, path: KeyPath, mistakes: FoundMistakes) -> None:
    if not _has_type(value, argument.type):
        mistakes.add(path, f"= {shown(value)}: no {argument.type.value}", f"write {described(argument)}")
        return
    if argument.choices and value not in argument.choices:
        near = near_misses(value, argument.choices) if isinstance(value, str) else "choose one of them"
        mistakes.add(path, f"= {shown(value)}: one of {', '.join(argument.choices)} is needed", near)
    number = number_of(value)
    least, most = argument.least, argument.most
    if number is not None and ((least is not None and number < least) or (most is not None and number > most)):
        mistakes.add(path, f"= {shown(value)}: outside its bounds", f"write {described(argument)}")


def _has_type(value: Json, wanted: ArgumentType) -> bool:
    match wanted:
        case ArgumentType.NUMBER:
            return number_of(value) is not None
        case ArgumentType.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case ArgumentType.TEXT:
            return isinstance(value, str)
        case ArgumentType.FLAG:
            return isinstance(value, bool)
        case ArgumentType.OBJECT:
            return isinstance(value, dict)
        case ArgumentType.LIST:
            return isinstance(value, list)
