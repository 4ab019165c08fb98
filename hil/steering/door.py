"""The door: performs requests on a live bench. Every answer is `{"ok": true, …}` or `{"ok": false, "error": …}`. See docs/steering.md."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from hil.bench.bench import EVSE, Bench
from hil.bench.observed_bench import ObservedBench
from hil.bench.port import NotDone
from hil.bench.site_post import SitePost
from hil.bench.verbs import VERB_WORDS
from hil.record.line import Json, LineKind
from hil.record.signals import SIGNALS
from hil.scenario.result import ScenarioVerdict
from hil.scenario.runner import POLL_S
from hil.simulators.csms import CallError
from hil.simulators.evcc.misbehaviour import KINDS
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.line_socket import Refused
from hil.steering.bench_state import bench_state
from hil.steering.idle import IdleBench
from hil.steering.playing import STORY, play, runs_of
from hil.steering.programme import Position, Programme, StoryFailed
from hil.steering.request import SteerRequest, words_in
from hil.steering.set_point_time import set_point_obstacle
from hil.steering.subscription import LineFilter, numbered
from hil.steering.waiting import WaitExpired, read_wait
from hil.steering.watched_bench import WatchedBench
from hil.steering.words import DOOR_WORDS, FAULTS_BY_ID, IDLE

Answer = dict[str, Any]

OUTSIDE_CAR = "this demo waits for an outside car (--no-car): it has no story"
WAITS_MAX = 500
WAITS_AT_FULL_PACE = 100
"""With more waits than this each is judged less often, so that waiting never takes the time of the bench itself."""
_SILENT = frozenset(
    {"help", "state", "wait", "record", "story", "play", "plug", "unplug", "token", "setpoint", "reset", "note"}
)
"""Verbs whose performing notes what was done, or does nothing to the bench."""
_PASSED_ON = frozenset({"fault", "bus_fault", "car_auto"})
"""Old names that go to the plant as they are, and whose answers are the plant's."""


class SteeringDoor:
    """One door of one bench; `close` ends what it looks at. The bench is opened and closed by somebody else."""

    def __init__(self, bench: Bench, programme: Programme | None = None, observed: ObservedBench | None = None) -> None:
        self._bench = bench
        self._programme = programme
        self._observed = ObservedBench(bench) if observed is None else observed
        self.watched = WatchedBench(self._observed)
        self._idle = IdleBench(self._observed)
        self._waits = 0
        self._playing = False
        scenario_verbs = {word.name for word in VERB_WORDS}
        self._verbs: dict[str, Callable[[SteerRequest, int], Awaitable[Mapping[str, Any]]]] = {
            "help": self._help,
            "state": self._state,
            "story": self._story,
            "play": self._play,
            "wait": self._wait,
            "record": self._record,
            "subscribe": self._not_here,
            "unsubscribe": self._not_here,
            "inject": self._inject,
            "heal": self._heal,
            "reset": self._reset,
            "unplug": self._unplug,
            "setpoint": self._setpoint,
            "ocpp": self._ocpp,
            "stop": self._stop,
            "csms": self._csms,
            "fault": self._fault,
            "bus_fault": self._bus_fault,
            "estop": self._estop,
            "car_auto": self._plant,
            "kill": self._kill,
            "site_order": self._site_order,
            "site_meter": self._site_meter,
        }
        for name in scenario_verbs - self._verbs.keys():
            self._verbs[name] = self._word

    @property
    def names(self) -> frozenset[str]:
        """Of all verbs."""
        return frozenset(self._verbs)

    async def remember(self) -> None:
        """The bench as it is now is what `reset` to idle brings back. Without it, as it is at the first such reset."""
        await self._idle.remember()

    async def close(self) -> None:
        """Look no more."""
        await self.watched.close()

    async def answer(self, request: SteerRequest) -> Answer:
        """The answer, never an exception but a cancellation. It carries the id of the request, where that has one."""
        id: Answer = {} if request.id is None else {"id": request.id}
        evse = EVSE if request.evse is None else request.evse
        try:
            self._check_evse(evse)
            found = await self._verbs[request.verb](request, evse)
            self._note(request)
            return {**id, "ok": True, **{key: value for key, value in found.items() if key not in ("ok", "id")}}
        except WaitExpired as expired:
            return {**id, "ok": False, "error": str(expired), "expired": True, "seen": expired.seen}
        except _NotIdle as error:
            return {**id, "ok": False, "error": str(error), "left": error.left}
        except (
            NotDone,
            CallError,
            LookupError,
            ValueError,
            TypeError,
            ArithmeticError,
            RuntimeError,
            OSError,
        ) as error:
            # RuntimeError: Refused; OSError: time-outs too
            return {**id, "ok": False, "error": str(error) or type(error).__name__}

    def filter_of(self, request: SteerRequest) -> LineFilter:
        """What `record` and `subscribe` ask for. Raises Refused."""
        kinds = words_in(request.arguments.get("kinds"), "kinds", [kind.value for kind in LineKind])
        return LineFilter(request.evse, frozenset(kinds), frozenset(words_in(request.arguments.get("names"), "names")))

    def _check_evse(self, evse: int) -> None:
        if evse not in self._bench.cars:
            known = ", ".join(map(str, self._bench.cars))
            raise Refused(f"evse = {evse}: this bench has EVSE {known}; name one of them")

    def _note(self, request: SteerRequest) -> None:
        if request.verb not in _SILENT:
            at = "" if request.evse in (None, EVSE) else f" at EVSE {request.evse}"
            self._bench.note(f"steered: {_deed(request)}{at}")

    # -- what scenarios have, too --------------------------------------------------------------------------------------

    async def _word(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        return await self._observed.do(request.verb, {**request.arguments, "evse": evse})

    async def _estop(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        return await self._observed.do("e_stop", {**request.arguments, "evse": evse})

    async def _stop(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        await self._observed.do("remote_stop", {"evse": evse})
        return {}

    async def _unplug(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        return await self._observed.do("pull_plug" if request.arguments["force"] else "unplug", {"evse": evse})

    async def _setpoint(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        """Refused before power transfer, with what is missing."""
        if self._bench.choices.csms_url is None and self._bench.sees_status:
            progress = self._bench.cars[evse].progress
            missing = set_point_obstacle(
                await self._bench.evse(evse), evse, None if progress is None else progress.phase
            )
            if missing is not None:
                raise Refused(missing)
        return {"answer": await self._observed.do("setpoint", {**request.arguments, "evse": evse})}

    async def _ocpp(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        return {"answer": await self._observed.do("ocpp", {**request.arguments, "evse": evse})}

    async def _inject(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        await self._observed.inject(*_fault_of(request, evse))
        return {}

    async def _heal(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        await self._observed.heal(*_fault_of(request, evse))
        return {}

    async def _fault(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        arguments = {key: value for key, value in request.arguments.items() if key not in ("name", "on")}
        return await self._old_fault(f"physics.{request.arguments['name']}", arguments, request, evse)

    async def _bus_fault(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        arguments = {key: value for key, value in request.arguments.items() if key not in ("kind", "on")}
        return await self._old_fault(f"bus.{request.arguments['kind']}", arguments, request, evse)

    async def _old_fault(
        self, fault: str, arguments: Mapping[str, Json], request: SteerRequest, evse: int
    ) -> Mapping[str, Any]:
        """The fault by its id; what the plant does not know, it refuses in its own words."""
        if fault not in FAULTS_BY_ID:
            return await self._plant(request, evse)
        act = self._observed.inject if request.arguments["on"] else self._observed.heal
        await act(fault, {**arguments, "evse": evse})
        return {}

    # -- what only a door has ------------------------------------------------------------------------------------------

    async def _help(self, _: SteerRequest, evse: int) -> Mapping[str, Any]:
        plant = await self._bench.plant.ask({"do": "help"})
        return {
            "verbs": list(self._verbs),
            "takes": {name: [argument.name for argument in word.arguments] for name, word in DOOR_WORDS.items()},
            "means": {name: word.meaning for name, word in DOOR_WORDS.items()},
            "fault_ids": {name: word.meaning for name, word in FAULTS_BY_ID.items()},
            "signals": {name: signal.meaning for name, signal in SIGNALS.items()},
            "car_fields": [field.name for field in fields(CarSpec)],
            "car_plan_fields": [field.name for field in fields(CarPlan)],
            "car_misbehaviours": KINDS,
            "faults": plant["faults"],
            "bus_faults": plant["bus_faults"],
        }

    async def _state(self, _: SteerRequest, evse: int) -> Mapping[str, Any]:
        state = await bench_state(self._bench, evse)
        return {"now_s": self._observed.now_s(), "evses": list(self._bench.cars), "story": self._story_words(), **state}

    def _story_words(self) -> str:
        return OUTSIDE_CAR if self._programme is None else self._programme.words()

    async def _story(self, _: SteerRequest, evse: int) -> Mapping[str, Any]:
        """A new story from the beginning; refused while one is under way."""
        if self._programme is None:
            raise Refused(OUTSIDE_CAR)
        if self._playing:
            raise Refused("a scenario is played: wait for its end")
        self._programme.start()
        return {"story": self._programme.words()}

    async def _play(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        if self._programme is not None and self._programme.playing:
            raise Refused(f"a story is under way ({self._programme.words()}): wait for its end, or reset to idle")
        only = request.arguments.get("only")
        scenario = str(request.arguments["scenario"])
        return await self.play(
            scenario, None if only is None else str(only), as_it_is=bool(request.arguments["as_it_is"])
        )

    async def play(self, scenario: str, only: str | None = None, *, as_it_is: bool = False) -> dict[str, Json]:
        """As the verb. Raises Refused while another one is played."""
        runs = await asyncio.to_thread(runs_of, scenario, only)
        to_idle = None if as_it_is else self._to_idle
        if self._playing:
            raise Refused("another scenario is played: wait for its end")
        self._playing = True
        try:
            return await play(self.watched, self._bench, runs, to_idle)
        finally:
            self._playing = False

    async def _wait(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        wait = read_wait(request.arguments, evse)
        if self._waits >= WAITS_MAX:
            raise Refused(f"{self._waits} waits are under way, at most {WAITS_MAX}: end some of them")
        self.watched.watch()
        self._waits += 1
        try:
            with contextlib.suppress(Exception):  # a bench in trouble is reported by the wait itself
                self._observed.want_station()
                await self.watched.look()  # what was done before counts: a signal of an earlier session is over
            return asdict(await wait.run(self.watched, POLL_S * max(1.0, self._waits / WAITS_AT_FULL_PACE)))
        finally:
            self._waits -= 1

    async def _record(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        wanted = self.filter_of(request)
        self.watched.watch()
        await self.watched.look()
        after, limit = int(str(request.arguments["after"])), int(str(request.arguments["limit"]))
        record = self.watched.record
        kept = record.after(after)
        first = record.count - len(kept) + 1
        lines: list[dict[str, Json]] = []
        last = max(after, first - 1)
        for number, line in enumerate(kept, start=first):
            if len(lines) >= limit:
                break
            last = number
            if wanted.wants(line):
                lines.append(numbered(number, line))
        return {"lines": lines, "last": last, "lost": max(0, first - 1 - after), "count": record.count}

    async def _not_here(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        raise Refused(f"{request.verb}: events come over the socket, or over HTTP with GET /events")

    async def _reset(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        if request.arguments["to"] != IDLE:
            return await self._observed.do("reset", {"evse": evse})
        if self._programme is not None:
            await self._programme.stop()
        if self._playing:
            raise Refused("a scenario is played: end its connection first, or wait for its end")
        await self._to_idle()
        return {"idle": True}

    async def _to_idle(self) -> None:
        await self._idle.remember()
        if left := await self._idle.restore():
            raise _NotIdle(left)

    async def _csms(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        faults = self._bench.csms.faults
        if "refuse" in request.arguments:
            faults.refuse_connections = bool(request.arguments["refuse"])
        if request.arguments["drop"]:
            await self._bench.csms.drop(self._bench.identity)
        return {"refuse": faults.refuse_connections}

    async def _kill(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        child = self._bench.child(str(request.arguments["what"]))
        pid = child.pid
        child.kill(signal.SIGKILL)
        return {"pid": pid}

    async def _site_order(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        order = request.arguments["order"]
        assert isinstance(order, dict)
        return {"answer": await SitePost(self._bench.choices.mqtt_url).order(order)}

    async def _site_meter(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        if not request.arguments:
            raise Refused("power_W (watts, positive from the grid), or phases_W (three of them)")
        await SitePost(self._bench.choices.mqtt_url).meter(dict(request.arguments))
        return {}

    async def _plant(self, request: SteerRequest, evse: int) -> Mapping[str, Any]:
        """A verb of the plant, passed on as it is."""
        return await self._bench.plant.ask({"do": request.verb, "evse": evse, **request.arguments})


class ScenarioStory:
    """The shipped scenario of the demo's story, as a story of a bench that has no other (`hil.steering.programme.Playable`)."""

    def __init__(self, door: SteeringDoor) -> None:
        self._door = door
        self.position = Position(1, 1, "the shipped scenario of the story")
        self.outcome = "the end"

    async def run(self) -> None:
        """Raises StoryFailed with the reason of the scenario."""
        found = await self._door.play(STORY)
        if found["verdict"] != ScenarioVerdict.PASSED.value:
            raise StoryFailed(f"{found['verdict']}: {found['reasons']}")


class _NotIdle(Refused):
    def __init__(self, left: list[str]) -> None:
        super().__init__(f"the bench is not idle: {'; '.join(left)}")
        self.left = left


def _fault_of(request: SteerRequest, evse: int) -> tuple[str, dict[str, Json]]:
    arguments = {key: value for key, value in request.arguments.items() if key != "fault"}
    return str(request.arguments["fault"]), {**arguments, "evse": evse}


def _deed(request: SteerRequest) -> str:
    """What somebody did, for the notes."""
    given = request.arguments
    if request.verb in ("estop", "e_stop"):
        return f"emergency stop {'pressed' if given['on'] else 'released'}"
    if request.verb == "door":
        return f"cabinet door {'opened' if given['open'] else 'closed'}"
    if request.verb == "car_plan":
        return "a plan for the car's next sessions"
    usual = {argument.name: argument.default for argument in DOOR_WORDS[request.verb].arguments}
    listed = ", ".join(f"{key} {value}" for key, value in given.items() if value != usual.get(key))
    return f"{request.verb.replace('_', ' ')} {listed}".rstrip()


def as_line(answer: Mapping[str, Any]) -> bytes:
    """An answer or event as a line of JSON with its end. A number that JSON does not have is null."""
    try:
        return json.dumps(answer, default=str, allow_nan=False).encode() + b"\n"
    except ValueError:
        return json.dumps(json.loads(json.dumps(answer, default=str), parse_constant=lambda _: None)).encode() + b"\n"
