"""The words of a bench: verbs and faults with their arguments, as data. The language of scenarios checks them, the pages list them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hil.record.line import Json


class ArgumentType(Enum):
    """What an argument is."""

    NUMBER = "number"
    INTEGER = "integer"
    TEXT = "text"
    FLAG = "flag"
    OBJECT = "object"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a word. `choices`: all texts that it takes, where they are few and fixed."""

    name: str
    type: ArgumentType
    meaning: str
    unit: str = ""
    required: bool = False
    default: Json = None
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """A verb, or a fault by its id. `of_station`: it needs no EVSE."""

    name: str
    meaning: str
    arguments: tuple[Argument, ...] = ()
    of_station: bool = False
    virtual_only: bool = False
    """A bench in real time cannot do it."""
    realtime_only: bool = False
    open_arguments: bool = False
    """It takes other arguments, too; whoever performs it checks them."""
