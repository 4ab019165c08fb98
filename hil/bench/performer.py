"""How each verb of a bench is performed. What a verb takes: `verbs.py`. Raises Refused, or what the bench raises."""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hil.attach.bench_car import BenchCar
from hil.bench.bench import TOKEN, Bench
from hil.record.line import Json
from hil.simulators.line_socket import Refused

Arguments = Mapping[str, Json]
_TOKEN = re.compile(r"(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20})")
Exchanged = Callable[[str, Json], None]
"""Is given each message of the central system: its action, request and answer."""


class BenchPerformer:
    """The verbs of one bench, by name, at an EVSE."""

    def __init__(self, bench: Bench, exchanged: Exchanged) -> None:
        self._bench = bench
        self._exchanged = exchanged
        self._verbs: dict[str, Callable[[int, Arguments], Awaitable[Mapping[str, Json]]]] = {
            "plug": self._plug,
            "unplug": self._unplug,
            "pull_plug": self._pull_plug,
            "leave": self._leave,
            "token": self._token,
            "setpoint": self._setpoint,
            "remote_start": self._remote_start,
            "remote_stop": self._remote_stop,
            "ocpp": self._ocpp,
            "block_token": self._block_token,
            "ask_car": self._ask_car,
            "reset": self._reset,
            "limit": self._limit,
            "e_stop": self._e_stop,
            "door": self._door,
            "car": self._car,
            "car_plan": self._car_plan,
            "grid": self._grid,
            "note": self._note,
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Of all verbs."""
        return tuple(self._verbs)

    async def perform(self, verb: str, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        """The verb's answer. Raises Refused, CallError, LookupError, ValueError, TypeError or OSError."""
        performer = self._verbs.get(verb)
        if performer is None:
            raise Refused(f"verb {verb!r}: one of {', '.join(self._verbs)}")
        return await performer(evse, arguments)

    # -- verbs -----------------------------------------------------------------------------------------------------

    async def _plug(self, evse: int, _: Arguments) -> Mapping[str, Json]:
        await self._bench.plug(evse)
        return {}

    async def _unplug(self, evse: int, _: Arguments) -> Mapping[str, Json]:
        await self._bench.unplug(evse)
        return {}

    async def _pull_plug(self, evse: int, _: Arguments) -> Mapping[str, Json]:
        await self._bench.pull_plug(evse)
        return {}

    async def _leave(self, evse: int, _: Arguments) -> Mapping[str, Json]:
        self._car_at(evse).end_session()
        return {}

    async def _token(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        value = str(arguments.get("value", TOKEN))
        if _TOKEN.fullmatch(value) is None:  # the reader would pass over it in silence
            raise Refused(f"value = {value!r}: the bench's reader knows 4, 7 or 10 bytes in hexadecimal, like {TOKEN}")
        await self._bench.token(value, evse)
        return {}

    async def _setpoint(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        duration_s = arguments.get("duration_s")
        power_W = float(str(arguments["power_W"]))
        return await self._bench.setpoint(power_W, None if duration_s is None else int(str(duration_s)), evse)

    async def _remote_start(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        token = {"idToken": arguments.get("value", TOKEN), "type": "ISO14443"}
        payload = {"evseId": evse, "remoteStartId": random.randrange(1, 1 << 31), "idToken": token}
        return await self._call("RequestStartTransaction", payload, "Accepted")

    async def _remote_stop(self, evse: int, _: Arguments) -> Mapping[str, Json]:
        running = self._bench.running(evse)
        return await self._call("RequestStopTransaction", {"transactionId": running}, "Accepted")

    async def _ocpp(self, _: int, arguments: Arguments) -> Mapping[str, Json]:
        payload = arguments.get("payload", {})
        if not isinstance(payload, dict):
            raise Refused(f"payload = {payload!r}: an object")
        status = arguments.get("status")
        return await self._call(str(arguments["action"]), payload, None if status is None else str(status))

    async def _call(self, action: str, payload: dict[str, Any], status: str | None) -> Mapping[str, Json]:
        answer: dict[str, Any] = await self._bench.csms.call(self._bench.identity, action, payload)
        self._exchanged(action, {"request": payload, "answer": answer})
        if status is not None and answer.get("status") != status:
            raise Refused(f"{action}: the station answered {answer}; expected status {status}")
        return answer

    async def _block_token(self, _: int, arguments: Arguments) -> Mapping[str, Json]:
        self._bench.csms.tokens[str(arguments.get("value", TOKEN))] = str(arguments.get("status", "Blocked"))
        return {}

    async def _ask_car(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        return await self._bench.status.ask({"do": "ask_car", "evse": evse, "for": arguments["for"]})

    async def _reset(self, evse: int, _: Arguments) -> Mapping[str, Json]:
        await self._bench.reset_faults(evse)
        return {}

    async def _limit(self, _: int, arguments: Arguments) -> Mapping[str, Json]:
        request: dict[str, Any] = {"do": "limit"}
        if "import_max_W" in arguments:
            request |= {"source": "EMS", "export_max_W": 0.0, "for_s": 900.0, **arguments}
        return await self._bench.status.ask(request)

    async def _e_stop(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        return await self._bench.plant.ask({"do": "estop", "evse": evse, **arguments})

    async def _door(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        return await self._bench.plant.ask({"do": "door", "evse": evse, **arguments})

    async def _car(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        return await self._car_at(evse).change(arguments)

    async def _car_plan(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        return {"plan": self._car_at(evse).change_plan(arguments.get("plan", {}))}

    async def _grid(self, evse: int, arguments: Arguments) -> Mapping[str, Json]:
        return await self._bench.plant.ask({"do": "grid", "evse": evse, **arguments})

    async def _note(self, _: int, arguments: Arguments) -> Mapping[str, Json]:
        self._bench.note(str(arguments["text"]))
        return {}

    def _car_at(self, evse: int) -> BenchCar:
        """Raises Refused where no car of the bench is."""
        car = self._bench.cars.get(evse)
        if car is None:
            raise Refused(f"evse = {evse}: the bench has cars at EVSE {', '.join(map(str, self._bench.cars))}")
        return car
