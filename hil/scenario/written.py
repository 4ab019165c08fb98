"""A scenario as it stands in its file: the keys of the language with their types and bounds.

What depends on the bench (conditions, arguments) is read in `condition_reading` and `step_reading`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TIME_LIMIT_S = 600.0
WITHIN_OF_MEASURE_S = 10.0
REPEAT_MAX = 10_000
LONGEST_S = 7 * 86400.0

_TIME = "seconds of the bench's clock, 0 to 604800"
_EVSE = "number of the EVSE, 1 or more"


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class WrittenScenario(_Written):
    """One file."""

    name: str = Field(min_length=1, max_length=200, description="a short sentence, for lists and reports")
    about: str = Field("", description="a sentence or more, for the report")
    tags: list[str] = Field([], description="a list of words: use cases, standards, certification cases")
    bench: dict[str, Any] = Field({}, description="a mapping: what the scenario needs of the bench")
    variables: dict[str, Any] = Field({}, description="a mapping of names to values; $name stands for the value")
    matrix: dict[str, list[Any]] = Field(
        {}, description="a mapping of names to lists; each combination is a run of its own"
    )
    time_limit_s: float = Field(TIME_LIMIT_S, gt=0, le=LONGEST_S, description="seconds, above 0, at most 604800")
    steps: list[Any] = Field(min_length=1, description="a list of steps, at least one")


class WrittenStep(_Written):
    """What every step may have."""

    id: str = Field("", pattern=r"^[A-Za-z][\w.-]*$|^$", description="a word, by which later steps name this one")
    evse: int = Field(1, ge=1, description=_EVSE)
    about: str = Field("", description="a sentence for the report")


class WrittenDo(WrittenStep):
    """Performs a verb of the bench."""

    do: str = Field(description="the name of a verb")
    with_: dict[str, Any] = Field({}, alias="with", description="a mapping of the verb's arguments")
    answer: dict[str, Any] = Field({}, description="a mapping: what the verb's answer must hold")
    refused: Literal[True] | str | None = Field(
        None, description="true, or words: the verb must be refused, with these words in the reason"
    )


class WrittenInject(WrittenStep):
    """Causes a fault."""

    inject: str = Field(description="the name of a fault")
    with_: dict[str, Any] = Field({}, alias="with", description="a mapping of the fault's arguments")


class WrittenHeal(WrittenStep):
    """Takes a fault back."""

    heal: str = Field(description="the name of a fault")
    with_: dict[str, Any] = Field({}, alias="with", description="a mapping of the fault's arguments")


class WrittenExpect(WrittenStep):
    """The condition becomes true within a time, and stays so."""

    expect: Any = Field(description="a condition: a mapping of signals to values or operators")
    within_s: float = Field(0.0, ge=0, le=LONGEST_S, description=f"{_TIME}; 0: at once")
    for_s: float = Field(0.0, ge=0, le=LONGEST_S, description=f"{_TIME}: so long it must stay true")
    since: str = Field("", description="the id of an earlier step: messages count from its beginning")


class WrittenNever(WrittenStep):
    """The condition is not true at any moment of a time."""

    never: Any = Field(description="a condition: a mapping of signals to values or operators")
    for_s: float | None = Field(None, gt=0, le=LONGEST_S, description="seconds of the bench's clock, above 0")
    until: Literal["end"] | None = Field(None, description="end: watched beside the following steps until the last one")
    since: str = Field("", description="the id of an earlier step: messages count from its beginning")


class WrittenMeasure(WrittenStep):
    """A value taken from the record, with its limit: a time between two moments, or a statistic of a signal."""

    measure: str = Field(
        pattern=r"^[A-Za-z]\w*$", description="a name of letters, digits and _, with its unit at the end"
    )
    from_: Any = Field(None, alias="from", description="a moment: a fault, verb, step or condition")
    to: Any = Field(None, description="a moment: a condition that becomes true after `from`")
    since: str = Field("", description="the id of an earlier step: conditions of `from` count from its beginning")
    within_s: float = Field(WITHIN_OF_MEASURE_S, ge=0, le=LONGEST_S, description=f"{_TIME}: so long `to` is waited for")
    of: Any = Field(None, description="a mapping: signal, statistic, and against for rms_error")
    over: Any = Field(None, description="the id of a step, or a mapping of two: from and to")
    limit: Any = Field(None, description="a number or a mapping of operators")


class WrittenStatistic(_Written):
    """What is computed of a signal."""

    signal: str = Field(description="the name of a signal of type number")
    statistic: Literal["mean", "max", "min", "rms_error", "first", "last", "change"] = Field(
        description="one of mean, max, min, rms_error, first, last, change"
    )
    against: float | None = Field(None, description="a number: rms_error is the distance from it")


class WrittenSpan(_Written):
    """A time between two steps: from the beginning of one to the end of the other."""

    from_: str = Field(alias="from", description="the id of an earlier step")
    to: str = Field(description="the id of an earlier step")


class WrittenMessage(_Written):
    """A message on a wire."""

    name: str = Field(min_length=1, description="the type of the message, as its standard calls it")
    source: Literal["station", "car", "csms", "plant", "bench"] | None = Field(
        None, description="who saw it: station, car, csms, plant or bench"
    )
    has: dict[str, Any] = Field({}, description="a mapping: places in the message, with dots between, to values")


class WrittenWait(WrittenStep):
    """Lets time pass."""

    wait_s: float = Field(gt=0, le=LONGEST_S, description="seconds of the bench's clock, above 0, at most 604800")


class WrittenRepeat(WrittenStep):
    """Performs steps several times."""

    repeat: int = Field(ge=1, le=REPEAT_MAX, description=f"how often, 1 to {REPEAT_MAX}")
    steps: list[Any] = Field(min_length=1, description="a list of steps, at least one")


STEP_KINDS: dict[str, type[WrittenStep]] = {
    "do": WrittenDo,
    "inject": WrittenInject,
    "heal": WrittenHeal,
    "expect": WrittenExpect,
    "never": WrittenNever,
    "measure": WrittenMeasure,
    "wait_s": WrittenWait,
    "repeat": WrittenRepeat,
}
"""The key that says what a step does."""
