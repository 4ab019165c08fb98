"""The verbs of a bench as methods, for both clients. A test compares them with the words of the door."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

Answered = TypeVar("Answered")
"""The answer as a dict; of the asynchronous client, what is to be awaited for it."""

IDLE_S = 120.0
PLAY_S = 3600.0
UNPLUG_S = 40.0


class BenchVerbs(ABC, Generic[Answered]):
    """Each method is a verb and returns its answer. `evse` None: the EVSE of this view, of a bench itself EVSE 1.

    Powers in watts, positive into the car. Every method raises Refused, with the reason of bench, plant or station, and
    BenchGone. An argument that is None is left out.
    """

    @abstractmethod
    def do(self, verb: str, *, timeout_s: float | None = None, **arguments: Any) -> Answered:
        """Any verb by its name. `timeout_s`: for the answer; None: the client's own."""

    def _at(self, verb: str, evse: int | None, timeout_s: float | None = None, /, **arguments: Any) -> Answered:
        given = {name.rstrip("_"): value for name, value in arguments.items() if value is not None}
        number = self._evse if evse is None else evse
        return self.do(verb, timeout_s=timeout_s, **({} if number is None else {"evse": number}), **given)

    @property
    @abstractmethod
    def _evse(self) -> int | None:
        """The EVSE of this view; None: the bench decides."""

    # the car and its driver

    def plug(self, evse: int | None = None) -> Answered:
        """Plug the car in; it starts to talk when the pilot calls it."""
        return self._at("plug", evse)

    def unplug(self, force: bool = False, evse: int | None = None) -> Answered:
        """Let the car end its session, then pull the plug when the lock lets go; `force`: at once, whatever flows."""
        return self._at("unplug", evse, UNPLUG_S, force=force)

    def pull_plug(self, evse: int | None = None) -> Answered:
        """Pull the plug by force, whatever flows."""
        return self._at("pull_plug", evse)

    def leave(self, evse: int | None = None) -> Answered:
        """The driver ends the session in the car; the plug stays in."""
        return self._at("leave", evse)

    def token(self, value: str | None = None, evse: int | None = None) -> Answered:
        """Hold a card to the reader: 4, 7 or 10 bytes in hexadecimal; None: the bench's own card."""
        return self._at("token", evse, value=value)

    def car(self, evse: int | None = None, **fields: Any) -> Answered:
        """Change the car: battery, limits, what it asks, such as `soc_percent=30`; without fields: show it."""
        return self._at("car", evse, None, **fields)

    def car_plan(self, plan: Mapping[str, Any] | None = None, evse: int | None = None) -> Answered:
        """What the car's next sessions do (docs/virtual-car.md); None: the plain session again."""
        return self._at("car_plan", evse, plan=plan)

    def car_auto(self, evse: int | None = None, **fields: Any) -> Answered:
        """The plant plays plug, pilot and contactors for an outside car."""
        return self._at("car_auto", evse, None, **fields)

    # the central system

    def setpoint(self, power_W: float, duration_s: int | None = None, evse: int | None = None) -> Answered:
        """The central system sends a set-point, for `duration_s` or until the next. Before power flows it is refused."""
        return self._at("setpoint", evse, power_W=power_W, duration_s=duration_s)

    def remote_start(self, value: str | None = None, evse: int | None = None) -> Answered:
        """The central system starts a transaction (RequestStartTransaction), with this card."""
        return self._at("remote_start", evse, value=value)

    def remote_stop(self, evse: int | None = None) -> Answered:
        """The central system stops the running transaction (RequestStopTransaction)."""
        return self._at("remote_stop", evse)

    def stop(self, evse: int | None = None) -> Answered:
        """As `remote_stop`."""
        return self._at("stop", evse)

    def ocpp(
        self, action: str, payload: Mapping[str, Any] | None = None, status: str | None = None, evse: int | None = None
    ) -> Answered:
        """The central system sends any message; the station's answer is `answer`. `status`: which one it must have."""
        return self._at("ocpp", evse, action=action, payload=payload, status=status)

    def block_token(self, value: str | None = None, status: str | None = None, evse: int | None = None) -> Answered:
        """From now on the central system answers this card with this status; None: Blocked."""
        return self._at("block_token", evse, value=value, status=status)

    def csms(self, drop: bool | None = None, refuse: bool | None = None, evse: int | None = None) -> Answered:
        """The central system drops the connection, refuses new ones, or no longer refuses them."""
        return self._at("csms", evse, drop=drop, refuse=refuse)

    # the station and its site

    def ask_car(self, for_: str, evse: int | None = None) -> Answered:
        """The station asks the car for something, such as `pause`."""
        return self._at("ask_car", evse, for_=for_)

    def reset(self, to: Literal["faults", "idle"] | None = None, evse: int | None = None) -> Answered:
        """Let latched faults go. `to="idle"`: the whole bench is as at its start; Refused says what did not come back."""
        return self._at("reset", evse, IDLE_S, to=to)

    def limit(
        self,
        import_max_W: float | None = None,
        export_max_W: float | None = None,
        for_s: float | None = None,
        evse: int | None = None,
    ) -> Answered:
        """Limit the whole station, as an energy manager does; without `import_max_W` the limit is released."""
        return self._at("limit", evse, import_max_W=import_max_W, export_max_W=export_max_W, for_s=for_s)

    def site_order(self, order: Mapping[str, Any], evse: int | None = None) -> Answered:
        """An order of the site bus; the station's answer is `answer` (docs/site-bus.md)."""
        return self._at("site_order", evse, order=order)

    def site_meter(
        self, power_W: float | None = None, phases_W: Sequence[float] | None = None, evse: int | None = None
    ) -> Answered:
        """A value of the meter at the site's connection, positive from the grid."""
        return self._at("site_meter", evse, power_W=power_W, phases_W=None if phases_W is None else list(phases_W))

    # what goes wrong

    def inject(self, fault: str, evse: int | None = None, **arguments: Any) -> Answered:
        """Cause a fault of docs/scenario-words.md, such as `inject("physics.insulation", value=20000)`."""
        return self._at("inject", evse, None, fault=fault, **arguments)

    def heal(self, fault: str, evse: int | None = None, **arguments: Any) -> Answered:
        """Take a fault back."""
        return self._at("heal", evse, None, fault=fault, **arguments)

    def fault(self, name: str, on: bool = True, evse: int | None = None, **arguments: Any) -> Answered:
        """As `inject` and `heal` of `physics.NAME`."""
        return self._at("fault", evse, None, name=name, on=on, **arguments)

    def bus_fault(
        self,
        bus: str,
        kind: str,
        count: int | None = None,
        value: float | None = None,
        on: bool = True,
        evse: int | None = None,
    ) -> Answered:
        """As `inject` and `heal` of `bus.KIND`."""
        return self._at("bus_fault", evse, bus=bus, kind=kind, count=count, value=value, on=on)

    def e_stop(self, on: bool = True, evse: int | None = None) -> Answered:
        """Press or release the emergency stop."""
        return self._at("e_stop", evse, on=on)

    def estop(self, on: bool = True, evse: int | None = None) -> Answered:
        """As `e_stop`."""
        return self._at("estop", evse, on=on)

    def door(self, open: bool = True, evse: int | None = None) -> Answered:
        """Open or close the cabinet."""
        return self._at("door", evse, open=open)

    def grid(self, evse: int | None = None, **fields: Any) -> Answered:
        """Change the grid: `frequency_Hz`, `voltage_V`, `others_W`."""
        return self._at("grid", evse, None, **fields)

    def kill(self, what: str, evse: int | None = None) -> Answered:
        """kill -9 of `daemon`, `power`, `plant` or `broker`; the bench starts it again."""
        return self._at("kill", evse, what=what)

    # what is seen

    def help(self, evse: int | None = None) -> Answered:
        """All verbs, faults and signals."""
        return self._at("help", evse)

    def state(self, evse: int | None = None) -> Answered:
        """Everything: `plant`, `daemon`, `car`, `cars`, `processes`, `central_system`, `story`, `notes`."""
        return self._at("state", evse)

    def wait(
        self,
        condition: Mapping[str, Any] | None = None,
        /,
        *,
        within_s: float = 30.0,
        for_s: float | None = None,
        since_s: float | None = None,
        evse: int | None = None,
        **signals: Any,
    ) -> Answered:
        """Until the condition of docs/scenarios.md holds, and stays so for `for_s`: `wait(contactor="closed", within_s=20)`.

        The answer has `at_s` (on the record's clock), `waited_s` and `seen`. Raises Expired after `within_s`.
        """
        whole = {**(condition or {}), **signals}
        longest_s = within_s + (for_s or 0.0) + self._spare_s
        return self._at("wait", evse, longest_s, for_=whole, within_s=within_s, for_s=for_s, since_s=since_s)

    def record(
        self,
        after: int | None = None,
        limit: int | None = None,
        kinds: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
        evse: int | None = None,
    ) -> Answered:
        """Lines of the record behind number `after`: `lines`; `last` is the `after` of the next call. Without `evse` of all."""
        return self._at("record", evse, after=after, limit=limit, kinds=_listed(kinds), names=_listed(names))

    def note(self, text: str, evse: int | None = None) -> Answered:
        """Write a sentence into the record."""
        return self._at("note", evse, text=text)

    def story(self, evse: int | None = None) -> Answered:
        """Play the story from the beginning; `state` says where it is."""
        return self._at("story", evse)

    def play(
        self, scenario: str, only: str | None = None, as_it_is: bool | None = None, evse: int | None = None
    ) -> Answered:
        """Play a scenario: `verdict`, `reasons` and `runs`. The bench is brought to idle before, but with `as_it_is`."""
        return self._at("play", evse, PLAY_S, scenario=scenario, only=only, as_it_is=as_it_is)

    @property
    def _spare_s(self) -> float:
        """A call may take so much longer than the bench itself says."""
        return 10.0


class EvseView(BenchVerbs[Answered]):
    """The verbs at one EVSE."""

    def __init__(self, bench: BenchVerbs[Answered], number: int) -> None:
        self._bench = bench
        self.number = number

    def do(self, verb: str, *, timeout_s: float | None = None, **arguments: Any) -> Answered:
        return self._bench.do(verb, timeout_s=timeout_s, **{"evse": self.number, **arguments})

    @property
    def _evse(self) -> int | None:
        return self.number


def _listed(words: Sequence[str] | None) -> list[str] | None:
    return None if words is None else list(words)


def filter_of(
    evse: int | None, kinds: Sequence[str] | None, names: Sequence[str] | None, after: int | None
) -> dict[str, Any]:
    """What a stream of events asks for."""
    wanted = {"evse": evse, "kinds": _listed(kinds), "names": _listed(names), "after": after}
    return {name: value for name, value in wanted.items() if value is not None}
