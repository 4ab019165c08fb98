"""Reading steps: from the mappings in the file to what the runner performs, with every mistake in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from hil.record.line import STATION, Json, Seer
from hil.record.signals import BenchSignal, SignalType
from hil.scenario.argument_reading import read_arguments
from hil.scenario.bench_words import BenchWords
from hil.scenario.condition import RecordCondition
from hil.scenario.condition_reading import read_condition, read_fields
from hil.scenario.mistakes import FoundMistakes, KeyPath, near_misses, shown
from hil.scenario.operators import read_test
from hil.scenario.step import (
    ActionMoment,
    DoStep,
    ExpectStep,
    FaultStep,
    MeasureSignalStep,
    MeasureTimeStep,
    NeverStep,
    RepeatStep,
    ScenarioStep,
    StepMoment,
    StepMomentOf,
    TurnMoment,
    WaitStep,
)
from hil.scenario.value_test import ValueTest
from hil.scenario.written import (
    STEP_KINDS,
    WrittenDo,
    WrittenExpect,
    WrittenHeal,
    WrittenInject,
    WrittenMeasure,
    WrittenNever,
    WrittenRepeat,
    WrittenSpan,
    WrittenStatistic,
    WrittenStep,
    WrittenWait,
)

_W = TypeVar("_W", WrittenSpan, WrittenStatistic)

_SECONDS = BenchSignal("seconds", Seer.BENCH, SignalType.NUMBER, "a measured time", "s")

_ACTIONS = {"fault": "inject", "do": "do", "heal": "heal"}
"""Words of a moment, and the key of the step that makes it."""


@dataclass(slots=True)
class StepReading:
    """Reads the steps of one run, in order. What later steps may name is kept as it comes."""

    words: BenchWords
    mistakes: FoundMistakes
    evses: int | None = None
    """How many EVSEs the scenario asks for; None: it does not say."""
    _count: int = 0
    _ids: dict[str, int] = field(default_factory=dict)
    _done: set[tuple[str, str]] = field(default_factory=set)
    virtual_only: str = ""
    realtime_only: str = ""
    """A word of the scenario that only a bench in virtual (real) time can do; empty: there is none."""

    def read(self, raw: Json, path: KeyPath) -> tuple[ScenarioStep, ...]:
        """The steps of a list that are good. Every mistake of the others is among the mistakes."""
        found: list[ScenarioStep] = []
        for place, step in enumerate(raw if isinstance(raw, list) else ()):
            made = self._step(step, (*path, place))
            self._count += 1
            if made is not None:
                found.append(made)
        return tuple(found)

    def _step(self, raw: Json, path: KeyPath) -> ScenarioStep | None:
        if not isinstance(raw, dict):
            self.mistakes.add(
                path, f"= {shown(raw)}: a step is a mapping", f"begin it with one of: {', '.join(STEP_KINDS)}"
            )
            return None
        kinds = [kind for kind in STEP_KINDS if kind in raw]
        if not kinds:
            near = [miss for key in raw if (miss := near_misses(key, STEP_KINDS)).startswith("did")]
            self.mistakes.add(
                path, "this step does nothing", near[0] if near else f"begin it with one of: {', '.join(STEP_KINDS)}"
            )
            return None
        if len(kinds) > 1:
            self.mistakes.add(
                (*path, kinds[1]), f"a step does one thing, and this one does `{kinds[0]}`", "make two steps"
            )
            return None
        model = STEP_KINDS[kinds[0]]
        try:
            written: WrittenStep | None = model.model_validate(raw)
        except ValidationError as error:
            self.mistakes.from_schema(path, error, model)
            written = None
        evse = raw.get("evse", 1)
        before = len(self.mistakes.found)
        step = self._by_kind(kinds[0], raw, written, path, evse if isinstance(evse, int) else 1)
        self._check_place(raw, path)
        return step if written is not None and len(self.mistakes.found) == before else None

    def _check_place(self, raw: Mapping[str, Json], path: KeyPath) -> None:
        name, evse = raw.get("id"), raw.get("evse")
        if isinstance(name, str) and name:
            line = self.mistakes.line_of((*path, "id"))
            if name in self._ids:
                self.mistakes.add((*path, "id"), f"= {name!r}: line {self._ids[name]} has it", "choose another id")
            self._ids[name] = line
        if isinstance(evse, int) and self.evses is not None and evse > self.evses:
            self.mistakes.add(
                (*path, "evse"),
                f"= {evse}: the bench has {self.evses}",
                f"write {'1' if self.evses == 1 else f'1 to {self.evses}'}, or raise bench.evses",
            )

    def _by_kind(
        self, kind: str, raw: dict[str, Json], written: WrittenStep | None, path: KeyPath, evse: int
    ) -> ScenarioStep | None:
        """The step, of a schema that is good or not: a mistake in one key must not hide those in the others."""
        shared: dict[str, Any] = {"line": self.mistakes.line_of(path), "evse": evse}
        if written is not None:
            shared |= {"id": written.id, "about": written.about}
        match kind:
            case "do" | "inject" | "heal":
                return self._action(kind, raw, written, path, shared)
            case "expect" | "never":
                condition = read_condition(raw.get(kind), evse, (*path, kind), self.words, self.mistakes)
                since = self._earlier(raw.get("since"), (*path, "since"))
                return self._judged(written, path, condition, since, shared)
            case "measure":
                return self._measure(raw, written, path, shared)
            case "repeat":
                steps = self.read(raw.get("steps"), (*path, "steps"))
                return (
                    RepeatStep(times=written.repeat, steps=steps, **shared)
                    if isinstance(written, WrittenRepeat)
                    else None
                )
            case _:
                return WaitStep(for_s=written.wait_s, **shared) if isinstance(written, WrittenWait) else None

    def _action(
        self, kind: str, raw: dict[str, Json], written: WrittenStep | None, path: KeyPath, shared: dict[str, Any]
    ) -> ScenarioStep | None:
        name = raw.get(kind)
        known = self.words.verbs if kind == "do" else self.words.faults
        if not isinstance(name, str):
            return None
        self._done.add((kind, name))
        word = known.get(name)
        if word is None:
            what = "verb" if kind == "do" else "fault"
            self.mistakes.add((*path, kind), f"= {name!r}: unknown {what}", near_misses(name, known))
            return None
        arguments = read_arguments(raw.get("with", {}), word, (*path, "with"), self.mistakes, partial=kind == "heal")
        if not word.of_station:
            arguments["evse"] = shared["evse"]
        elif "evse" in raw:
            self.mistakes.add((*path, "evse"), f"{name} belongs to the whole station", "remove evse")
        self.virtual_only = self.virtual_only or (name if word.virtual_only else "")
        self.realtime_only = self.realtime_only or (name if word.realtime_only else "")
        answer = read_fields(raw.get("answer"), (*path, "answer"), self.mistakes)
        if isinstance(written, WrittenDo):
            if written.refused is not None and written.answer:
                self.mistakes.add((*path, "answer"), "a verb that is refused has no answer", "remove answer or refused")
            refused = "" if written.refused is True else written.refused
            return DoStep(verb=name, arguments=arguments, answer=answer, refused=refused, **shared)
        if isinstance(written, (WrittenInject, WrittenHeal)):
            return FaultStep(fault=name, arguments=arguments, heals=kind == "heal", **shared)
        return None

    def _judged(
        self,
        written: WrittenStep | None,
        path: KeyPath,
        condition: RecordCondition | None,
        since: str,
        shared: dict[str, Any],
    ) -> ScenarioStep | None:
        if isinstance(written, WrittenNever) and (written.for_s is None) == (written.until is None):
            how = "neither" if written.for_s is None else "both"
            self.mistakes.add((*path, "never"), f"{how} of for_s and until is given", "write for_s: 5, or until: end")
        if condition is None:
            return None
        if isinstance(written, WrittenExpect):
            return ExpectStep(
                condition=condition, within_s=written.within_s, for_s=written.for_s, since=since, **shared
            )
        if isinstance(written, WrittenNever):
            return NeverStep(condition=condition, for_s=written.for_s, since=since, **shared)
        return None

    def _measure(
        self,
        raw: dict[str, Json],
        written: WrittenStep | None,
        path: KeyPath,
        shared: dict[str, Any],
    ) -> ScenarioStep | None:
        is_time, is_statistic = "from" in raw or "to" in raw, "of" in raw
        if is_time == is_statistic:
            self.mistakes.add((*path, "measure"), "what is measured is not clear", "write from and to, or of and over")
            return None
        if is_statistic:
            return self._statistic(raw, written, path, shared)
        if "over" in raw:
            self.mistakes.add((*path, "over"), "belongs to `of`, and a time is measured here", "remove it")
        limit = self._limit(raw, _SECONDS, path)
        since = self._earlier(raw.get("since"), (*path, "since"))
        from_ = self._moment(raw.get("from"), (*path, "from"), shared["evse"])
        to = self._moment(raw.get("to"), (*path, "to"), shared["evse"])
        if from_ is None or to is None or not isinstance(written, WrittenMeasure):
            return None
        return MeasureTimeStep(
            name=written.measure, from_=from_, to=to, within_s=written.within_s, since=since, limit=limit, **shared
        )

    def _statistic(
        self,
        raw: dict[str, Json],
        written: WrittenStep | None,
        path: KeyPath,
        shared: dict[str, Any],
    ) -> ScenarioStep | None:
        for name in ("since", "within_s"):
            if name in raw:
                self.mistakes.add((*path, name), "belongs to `from` and `to`, and `of` stands here", "remove it")
        over = self._over(raw.get("over"), (*path, "over"))
        if over is None and not self._count:
            self.mistakes.add((*path, "measure"), "no step stands before this one", "name the steps with over")
        of = self._model(raw.get("of"), WrittenStatistic, (*path, "of"))
        if of is None:
            return None
        signal = self.words.signals.get(of.signal)
        if signal is None:
            self.mistakes.add(
                (*path, "of", "signal"), f"= {of.signal!r}: unknown signal", near_misses(of.signal, self.words.signals)
            )
            return None
        if signal.type is not SignalType.NUMBER:
            self.mistakes.add(
                (*path, "of", "signal"),
                f"= {of.signal!r}: of type {signal.type.value}",
                "choose a signal of type number",
            )
        if (of.statistic == "rms_error") != (of.against is not None):
            self.mistakes.add((*path, "of"), "rms_error and against belong together", "write both, or neither")
        limit = self._limit(raw, signal, path)
        if not isinstance(written, WrittenMeasure):
            return None
        return MeasureSignalStep(
            name=written.measure,
            signal=signal.name,
            unit=signal.unit,
            of_evse=STATION if signal.of_station else shared["evse"],
            statistic=of.statistic,
            against=of.against or 0.0,
            over=over,
            limit=limit,
            **shared,
        )

    def _limit(self, raw: dict[str, Json], signal: BenchSignal, path: KeyPath) -> ValueTest | None:
        return read_test(raw["limit"], signal, (*path, "limit"), self.mistakes) if "limit" in raw else None

    def _over(self, raw: Json, path: KeyPath) -> tuple[str, str] | None:
        if raw is None:
            return None
        if isinstance(raw, str):
            step = self._earlier(raw, path)
            return (step, step) if step else None
        span = self._model(raw, WrittenSpan, path)
        if span is None:
            return None
        return self._earlier(span.from_, (*path, "from")), self._earlier(span.to, (*path, "to"))

    def _moment(self, raw: Json, path: KeyPath, evse: int) -> StepMomentOf | None:
        if not isinstance(raw, dict) or not raw:
            self.mistakes.add(path, f"= {shown(raw)}: a moment is a mapping", "write {fault: NAME} or {signal: value}")
            return None
        key, name = next(iter(raw.items()))
        if key not in (*_ACTIONS, "step") or not isinstance(name, str):
            condition = read_condition(raw, evse, path, self.words, self.mistakes)
            return TurnMoment(condition) if condition is not None else None
        if len(raw) > 1:
            self.mistakes.add(path, f"`{key}` stands alone in a moment", "remove the other keys")
            return None
        if key == "step":
            return StepMoment(self._earlier(name, (*path, "step")))
        kind = _ACTIONS[key]
        if (kind, name) not in self._done:
            done = [other for what, other in self._done if what == kind]
            self.mistakes.add((*path, key), f"= {name!r}: no step before does it", near_misses(name, done))
            return None
        return ActionMoment(kind, name)

    def _earlier(self, raw: Json, path: KeyPath) -> str:
        """The id of an earlier step; empty where none is named, or where that is a mistake."""
        if not isinstance(raw, str) or not raw:
            return ""
        if raw not in self._ids:
            self.mistakes.add(path, f"= {raw!r}: no earlier step has this id", near_misses(raw, self._ids))
            return ""
        return raw

    def _model(self, raw: Json, model: type[_W], path: KeyPath) -> _W | None:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            self.mistakes.from_schema(path, error, model)
            return None
