"""Performs a run on a bench: drives it step by step, and judges each step on the bench's record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hil.bench.port import BenchPort, NotDone
from hil.record.line import Json
from hil.scenario.condition import SeenValue, value_in
from hil.scenario.judgement import ROUNDING_S, JudgedTime, TrueSpan, became_true, first_true, true_spans
from hil.scenario.measurement import NotMeasured, statistic
from hil.scenario.reasons import broken, missed, seen_in, violated
from hil.scenario.result import MeasuredValue, RunResult, ScenarioVerdict, StepOutcome, verdict_of
from hil.scenario.run_progress import RunProgress
from hil.scenario.step import (
    ActionMoment,
    DoStep,
    ExpectStep,
    FaultStep,
    MeasureSignalStep,
    MeasureTimeStep,
    NeverStep,
    PlannedRun,
    RepeatStep,
    ScenarioStep,
    StepMoment,
    StepMomentOf,
    WaitStep,
)
from hil.scenario.value_test import ValueTest, passes, text_of

T = TypeVar("T")

POLL_S = 0.05
"""So often the bench is asked while a step waits, on its clock. Verdicts do not depend on it: they are made on the record."""
WATCH_S = 1.0
"""While only time passes: so often the watches that run beside the steps are judged."""
LATE_S = 0.5
"""A line may come into the record so long after its moment, and still counts."""
LOOK_ON_S = 2.0
"""After a failure the bench is watched for so long, to say how late the expected came."""


@dataclass(frozen=True, slots=True)
class _StepTime:
    """When a step began and ended, and from when on its statistics count."""

    began_s: float
    counts_from_s: float
    ended_s: float


@dataclass(slots=True)
class _Watch:
    """A `never … until: end` beside the steps."""

    step: NeverStep
    place: int
    """Of its outcome."""
    began_s: float
    since_s: float
    judged_s: float


class _StepFailed(Exception):
    """The step's verdict is failed. `measured`: what was measured nevertheless."""

    def __init__(self, reason: str, seen: tuple[SeenValue, ...] = (), measured: MeasuredValue | None = None) -> None:
        super().__init__(reason)
        self.seen = seen
        self.measured = measured


class _WatchBroken(Exception):
    """A watch beside the steps was violated: the run ends."""


class ScenarioRunner:
    """One run on one bench; an instance performs it once, from now on. The bench is left as it is at the end.

    `look_on_s`: see `LOOK_ON_S`. `since_s`: messages count from here in the first step, on the bench's clock; None: from now on.
    """

    def __init__(
        self,
        bench: BenchPort,
        run: PlannedRun,
        *,
        poll_s: float = POLL_S,
        look_on_s: float = LOOK_ON_S,
        since_s: float | None = None,
        on_progress: Callable[[RunProgress], None] = lambda progress: None,
    ) -> None:
        """`on_progress` is called as each step begins, and as often as the bench is looked at."""
        self._bench = bench
        self._run = run
        self._poll_s = poll_s
        self._look_on_s = look_on_s
        self._on_progress = on_progress
        self._outcomes: list[StepOutcome] = []
        self._watches: list[_Watch] = []
        self._times: dict[str, _StepTime] = {}
        self._actions: dict[tuple[str, str], float] = {}
        self._began_s = bench.now_s()
        self._since_s = self._began_s if since_s is None else since_s
        self._goes_on = True
        self._before: _StepTime | None = None
        self._line_before = 0

    @property
    def outcomes(self) -> tuple[StepOutcome, ...]:
        """Of all steps so far."""
        return tuple(self._outcomes)

    async def run(self) -> RunResult:
        """The result. Whatever the bench raises is a verdict of it; only cancellation passes through."""
        await self.perform(self._run.steps)
        return await self.finish()

    async def perform(self, steps: tuple[ScenarioStep, ...]) -> tuple[StepOutcome, ...]:
        """More steps on the same bench: their outcomes. Ids, actions and watches of earlier steps still count."""
        before = len(self._outcomes)
        self._goes_on = await self._steps(steps, ())
        return tuple(self._outcomes[before:])

    async def finish(self) -> RunResult:
        """The result of all steps. What runs beside them is judged a last time."""
        if self._goes_on and self._outcomes:
            await self._last_look()
        decided = next(
            (o for o in self._outcomes if o.verdict in (ScenarioVerdict.FAILED, ScenarioVerdict.ERROR)), None
        )
        return RunResult(
            self._run,
            verdict_of(outcome.verdict for outcome in self._outcomes),
            decided.reason if decided else "",
            decided.line if decided else 0,
            tuple(self._outcomes),
            bench_s=self._bench.now_s() - self._began_s,
        )

    async def _steps(self, steps: tuple[ScenarioStep, ...], rounds: tuple[str, ...]) -> bool:
        """Perform them. Returns whether the run goes on; if not, the rest is noted as not reached."""
        for place, step in enumerate(steps):
            if isinstance(step, RepeatStep):
                goes_on = await self._repeat(step, rounds)
            else:
                goes_on = await self._one(step, rounds)
            if not goes_on:
                for rest in steps[place + 1 :]:
                    self._outcomes.append(_blank(rest, rounds))
                return False
        return True

    async def _repeat(self, step: RepeatStep, rounds: tuple[str, ...]) -> bool:
        for count in range(1, step.times + 1):
            if not await self._steps(step.steps, (*rounds, f"{count}/{step.times}")):
                return False
        return True

    async def _one(self, step: ScenarioStep, rounds: tuple[str, ...]) -> bool:
        began_s = self._bench.now_s()
        place = len(self._outcomes)
        outcome = replace(_blank(step, rounds), began_s=began_s, verdict=ScenarioVerdict.PASSED)
        self._outcomes.append(outcome)
        self._report_progress()
        goes_on = True
        try:
            outcome = await self._perform(step, outcome, began_s, place)
        except _StepFailed as failure:
            outcome = replace(
                outcome,
                verdict=ScenarioVerdict.FAILED,
                reason=str(failure),
                seen=failure.seen,
                measured=failure.measured,
            )
        except _WatchBroken as broke:
            goes_on = False
            outcome = self._outcomes[place]  # it is the watch itself where its condition was true from the beginning
            if outcome.verdict is not ScenarioVerdict.FAILED:
                outcome = replace(outcome, verdict=ScenarioVerdict.NOT_REACHED, reason=str(broke))
        except NotDone as refused:
            outcome = replace(outcome, verdict=ScenarioVerdict.ERROR, reason=f"the bench did not do it: {refused}")
        except Exception as error:
            reason = f"the bench broke: {type(error).__name__}: {error}"
            outcome = replace(outcome, verdict=ScenarioVerdict.ERROR, reason=reason)
        outcome = replace(outcome, ended_s=self._bench.now_s())
        self._outcomes[place] = outcome
        self._keep_time(step, outcome, began_s)
        return goes_on and outcome.verdict is ScenarioVerdict.PASSED

    def _keep_time(self, step: ScenarioStep, outcome: StepOutcome, began_s: float) -> None:
        from_s = outcome.held_from_s if outcome.held_from_s is not None else began_s
        time = _StepTime(began_s, from_s, outcome.ended_s if outcome.ended_s is not None else began_s)
        if not isinstance(step, (MeasureTimeStep, MeasureSignalStep)):  # several measurements may follow one step
            self._before = time
            self._line_before = step.line
        if step.id:
            self._times[step.id] = time

    async def _perform(self, step: ScenarioStep, outcome: StepOutcome, began_s: float, place: int) -> StepOutcome:
        """The outcome of a step that passed. Raises what the other verdicts are made of."""
        match step:
            case DoStep():
                self._actions["do", step.verb] = began_s
                answer = await self._do(step)
                for path, test in step.answer:
                    if not passes(test, value_in(dict(answer), path)):
                        given = text_of(value_in(dict(answer), path))
                        raise _StepFailed(f"expected the answer {path} {test.words()}: it was {given}")
            case FaultStep():
                self._actions[step.kind, step.fault] = began_s
                act = self._bench.heal if step.heals else self._bench.inject
                await self._bounded(act(step.fault, step.arguments))
            case ExpectStep():
                held_from_s = await self._expect(step, began_s)
                return replace(
                    outcome, held_from_s=held_from_s, seen=seen_in(step.condition, self._bench.record, held_from_s)
                )
            case NeverStep():
                await self._never(step, began_s, place)
            case MeasureTimeStep():
                return replace(outcome, measured=await self._measure_time(step, began_s))
            case MeasureSignalStep():
                return replace(outcome, measured=await self._measure_signal(step))
            case WaitStep():
                await self._wait(step.for_s)
            case _:
                raise TypeError(f"no step the runner knows: {step!r}")
        return outcome

    async def _do(self, step: DoStep) -> Mapping[str, Json]:
        """The verb's answer; none of a verb that is refused as expected."""
        try:
            answer = await self._bounded(self._bench.do(step.verb, step.arguments))
        except NotDone as refusal:
            if step.refused is None:
                raise
            if step.refused.lower() not in str(refusal).lower():
                raise _StepFailed(f"expected a refusal with «{step.refused}»: it was «{refusal}»") from refusal
            return {}
        if step.refused is not None:
            raise _StepFailed(f"expected {step.words()}: it was done")
        return answer

    async def _bounded(self, action: Coroutine[Any, Any, T]) -> T:
        """An action of the bench must end before the scenario's time does."""
        left_s = max(0.0, self._run.time_limit_s - (self._bench.now_s() - self._began_s))
        try:
            async with asyncio.timeout(left_s) as limit:
                return await action
        except TimeoutError:
            if not limit.expired():
                raise
            raise NotDone(f"not finished in the {text_of(self._run.time_limit_s)} s of the scenario") from None

    # expectations

    async def _expect(self, step: ExpectStep, began_s: float) -> float:
        """When the condition became true."""
        since_s = self._since(step.since, self._before.began_s if self._before else self._since_s)
        deadline_s = began_s + step.within_s
        from_s = began_s
        while True:
            await self._look()
            known_s = self._bench.record.ends_s
            held_from_s, last = self._in_time(step, JudgedTime(from_s, known_s, since_s), deadline_s)
            if held_from_s is not None:
                return held_from_s
            if (last is None or last.over) and known_s >= deadline_s - ROUNDING_S:
                return await self._look_on(step, began_s, since_s)
            from_s = last.from_s if last else max(began_s, known_s - LATE_S)
            await self._pause()

    def _in_time(self, step: ExpectStep, judged: JudgedTime, deadline_s: float) -> tuple[float | None, TrueSpan | None]:
        """When the condition became true for long enough; and the last time it was true that began before the deadline."""
        last = None
        for span in true_spans(step.condition, self._bench.record, judged):
            if span.from_s > deadline_s + ROUNDING_S:
                break
            if span.lasts(step.for_s):
                return span.from_s, span
            last = span
        return None, last

    async def _look_on(self, step: ExpectStep, began_s: float, since_s: float) -> float:
        """After the deadline: how late it came. Raises _StepFailed, but for a line that came into the record too late."""
        record = self._bench.record
        deadline_s = began_s + step.within_s
        while True:
            judged = JudgedTime(began_s, record.ends_s, since_s)
            held_from_s, last = self._in_time(step, judged, deadline_s)
            if held_from_s is not None:
                return held_from_s
            if last is not None and last.over:
                raise _StepFailed(broken(step, record, judged, last), seen_in(step.condition, record, last.to_s))
            came = first_true(step.condition, record, judged.from_on(deadline_s)) is not None
            enough = came or record.ends_s >= deadline_s + self._look_on_s
            if (last is None and enough) or self._left_s() <= 0.0:
                break
            try:
                await self._pause()
                await self._bench.look()
            except Exception:  # the failure is certain, and counts more than a bench in trouble after it
                break
        seen = seen_in(step.condition, record, deadline_s)
        raise _StepFailed(missed(step, record, judged, self._line_before), seen)

    async def _never(self, step: NeverStep, began_s: float, place: int) -> None:
        since_s = self._since(step.since, began_s)
        watch = _Watch(step, place, began_s, since_s, began_s)
        if step.for_s is None:
            if all(other.step is not step for other in self._watches):
                self._watches.append(watch)
            await self._look()
            return
        ends_s = began_s + step.for_s
        while True:
            await self._look()
            record = self._bench.record
            at_s = first_true(step.condition, record, JudgedTime(watch.judged_s, min(record.ends_s, ends_s), since_s))
            if at_s is not None:
                raise _StepFailed(violated(step, record, began_s, at_s), seen_in(step.condition, record, at_s))
            watch.judged_s = max(began_s, min(record.ends_s, ends_s) - LATE_S)
            if record.ends_s >= ends_s - ROUNDING_S:
                return
            await self._pause()

    # measurements

    async def _measure_time(self, step: MeasureTimeStep, began_s: float) -> MeasuredValue:
        deadline_s = began_s + step.within_s
        while True:
            await self._look()
            from_s = self._moment(step.from_, step, began_s, None)
            to_s = None if from_s is None else self._moment(step.to, step, began_s, from_s)
            if from_s is not None and to_s is not None:
                return self._measured(step, step.name, round(to_s - from_s, 6), "s", step.limit, from_s, to_s)
            if self._bench.record.ends_s >= deadline_s - ROUNDING_S:
                missing = step.from_ if from_s is None else step.to
                raise _StepFailed(
                    f"{step.name} could not be measured: {self._why_missing(missing, from_s)}",
                    measured=_unmeasured(step, step.name, "s", step.limit, from_s),
                )
            await self._pause()

    def _moment(
        self, moment: StepMomentOf, step: MeasureTimeStep, began_s: float, after_s: float | None
    ) -> float | None:
        """When it was; `after_s`: the moment measured from, None: this one is that. None: it has not come yet."""
        record = self._bench.record
        if isinstance(moment, ActionMoment):
            at_s = self._actions.get((moment.kind, moment.name))
        elif isinstance(moment, StepMoment):
            at_s = self._times[moment.id].began_s if moment.id in self._times else None
        elif after_s is not None:
            judged = JudgedTime(after_s, record.ends_s, after_s)
            return next(became_true(moment.condition, record, judged), None)
        else:
            since_s = self._since(step.since, self._began_s)
            turns = list(became_true(moment.condition, record, JudgedTime(since_s, record.ends_s, since_s)))
            earlier = [turn for turn in turns if turn <= began_s]
            return earlier[-1] if earlier else turns[0] if turns else None
        return at_s if at_s is None or after_s is None or at_s >= after_s else None

    def _why_missing(self, moment: StepMomentOf, from_s: float | None) -> str:
        if isinstance(moment, (ActionMoment, StepMoment)):
            return f"{moment.words()} did not come after the moment that is measured from"
        if from_s is None:
            return f"{moment.words()} never became true"
        record = self._bench.record
        if moment.condition.met(record, from_s, from_s):
            return f"{moment.words()} was true already at {from_s:.2f} s of the record, and did not become true again"
        seen = ", ".join(
            f"{each.signal} {text_of(each.value)}" for each in seen_in(moment.condition, record, record.ends_s)
        )
        return f"{moment.words()} did not become true until {record.ends_s:.2f} s of the record" + (
            f" ({seen})" if seen else ""
        )

    async def _measure_signal(self, step: MeasureSignalStep) -> MeasuredValue:
        await self._look()
        if step.over is not None:
            first, last = self._times.get(step.over[0]), self._times.get(step.over[1])
        else:
            first = last = self._before
        if first is None or last is None:
            raise NotDone("the steps that the measurement covers were not performed: correct over")
        from_s = first.counts_from_s if first is last else first.began_s
        to_s = last.ended_s
        try:
            value = statistic(
                self._bench.record, step.signal, step.of_evse, step.statistic, from_s, max(from_s, to_s), step.against
            )
        except NotMeasured as missing:
            raise _StepFailed(
                f"{step.name} could not be measured: {missing}",
                measured=_unmeasured(step, step.name, step.unit, step.limit, from_s),
            ) from missing
        return self._measured(step, step.name, value, step.unit, step.limit, from_s, to_s)

    def _measured(
        self,
        step: ScenarioStep,
        name: str,
        value: float,
        unit: str,
        limit: ValueTest | None,
        from_s: float,
        to_s: float,
    ) -> MeasuredValue:
        good = limit is None or passes(limit, value)
        verdict = ScenarioVerdict.PASSED if good else ScenarioVerdict.FAILED
        measured = MeasuredValue(
            name, value, unit, limit.words() if limit else "", verdict, step.line, step.evse, from_s, to_s
        )
        if not good:
            raise _StepFailed(
                f"{name} was {text_of(value)} {unit}, expected {measured.limit} {unit} "
                f"(measured from {from_s:.2f} s to {to_s:.2f} s of the record)",
                measured=measured,
            )
        return measured

    # time

    async def _wait(self, for_s: float) -> None:
        ends_s = self._bench.now_s() + for_s
        while (left_s := ends_s - self._bench.now_s()) > ROUNDING_S:
            await self._look()
            await self._bench.sleep(min(left_s, WATCH_S if self._watches else self._left_s() + self._poll_s))
        await self._look()

    async def _pause(self) -> None:
        await self._bench.sleep(self._poll_s)

    def _left_s(self) -> float:
        return max(0.0, self._run.time_limit_s - (self._bench.now_s() - self._began_s))

    async def _look(self) -> None:
        """Bring the record up to now, and judge what runs beside the steps. Raises _WatchBroken, _StepFailed."""
        await self._bench.look()
        self._report_progress()
        self._judge_watches()
        if self._left_s() <= 0.0:
            raise _StepFailed(
                f"the {text_of(self._run.time_limit_s)} s of the scenario ended before this step did; "
                "raise time_limit_s, or look what the steps before waited for"
            )

    def _report_progress(self) -> None:
        if self._outcomes:
            step = self._outcomes[-1]
            words = step.sentence + (f" [{step.round}]" if step.round else "")
            self._on_progress(RunProgress(self._bench.now_s() - self._began_s, step.line, words))

    def _judge_watches(self) -> None:
        record = self._bench.record
        broken_lines = []
        for watch in list(self._watches):
            at_s = first_true(watch.step.condition, record, JudgedTime(watch.judged_s, record.ends_s, watch.since_s))
            watch.judged_s = max(watch.began_s, record.ends_s - LATE_S)
            if at_s is not None:
                self._watches.remove(watch)
                broken_lines.append(watch.step.line)
                self._outcomes[watch.place] = replace(
                    self._outcomes[watch.place],
                    verdict=ScenarioVerdict.FAILED,
                    ended_s=at_s,
                    reason=violated(watch.step, record, watch.began_s, at_s),
                    seen=seen_in(watch.step.condition, record, at_s),
                )
        if broken_lines:
            raise _WatchBroken(f"line {broken_lines[0]} ended the run")

    async def _last_look(self) -> None:
        """What runs beside the steps is judged until the end of the last one."""
        try:
            await self._bench.look()
            self._judge_watches()
        except _WatchBroken:
            return
        except Exception as error:
            outcome = self._outcomes[-1]
            reason = f"the bench broke at the end: {type(error).__name__}: {error}"
            self._outcomes[-1] = replace(outcome, verdict=ScenarioVerdict.ERROR, reason=reason)
            return
        for watch in self._watches:
            self._outcomes[watch.place] = replace(self._outcomes[watch.place], ended_s=self._bench.record.ends_s)

    def _since(self, id: str, otherwise_s: float) -> float:
        return self._times[id].began_s if id in self._times else otherwise_s


def _blank(step: ScenarioStep, rounds: tuple[str, ...]) -> StepOutcome:
    return StepOutcome(step.line, step.kind, step.words(), step.evse, step.id, step.about, " ".join(rounds))


def _unmeasured(
    step: ScenarioStep, name: str, unit: str, limit: ValueTest | None, from_s: float | None
) -> MeasuredValue:
    words = limit.words() if limit else ""
    return MeasuredValue(name, None, unit, words, ScenarioVerdict.FAILED, step.line, step.evse, from_s)


def not_reached(run: PlannedRun) -> tuple[StepOutcome, ...]:
    """The steps of a run that never began."""
    return tuple(_blank(step, ()) for step in run.steps)
