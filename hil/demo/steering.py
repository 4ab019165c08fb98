"""Steering: a Unix socket with JSON lines that plays car, driver, central system and misfortune. See docs/steering.md."""

from __future__ import annotations

import asyncio
import json
import math
import re
import signal
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from hil.bench.bench import EVSE, IDENTITY, TOKEN, Bench
from hil.bench.site_post import SitePost
from hil.demo.programme import Programme
from hil.simulators.csms import CallError
from hil.simulators.evcc.misbehaviour import KINDS
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.line_socket import Refused

LINE_MAX_BYTES = 1 << 20
NAME = "steer.sock"

Request = dict[str, Any]
Answer = dict[str, Any]

_PLANT_VERBS = ("fault", "bus_fault", "estop", "door", "car_auto", "grid")
OUTSIDE_CAR = "this demo waits for an outside car (--no-car): it has no story"

_FIELDS: dict[str, tuple[str, ...]] = {
    "help": (),
    "plug": (),
    "unplug": ("force",),
    "token": ("value",),
    "car_plan": ("plan",),
    "ask_car": ("for",),
    "setpoint": ("power_W", "duration_s"),
    "stop": (),
    "reset": (),
    "story": (),
    "ocpp": ("action", "payload"),
    "csms": ("drop", "refuse"),
    "kill": ("what",),
    "site_order": ("order",),
    "site_meter": ("power_W", "phases_W"),
    "state": (),
}
"""What a verb takes besides `do`; the car's and the plant's verbs check their own."""


_TOKEN = re.compile(r"(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20})")


class Steering:
    """Every verb is a method of this class; `{"do": "help"}` lists them."""

    def __init__(self, bench: Bench, programme: Programme | None = None) -> None:
        self._bench = bench
        self._programme = programme
        self._talking: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}
        self._verbs: dict[str, Callable[[Request], Awaitable[Answer]]] = {
            "help": self._help,
            "plug": self._plug,
            "unplug": self._unplug,
            "token": self._token,
            "car": self._car,
            "car_plan": self._car_plan,
            "ask_car": self._ask_car,
            "setpoint": self._setpoint,
            "stop": self._stop,
            "reset": self._reset,
            "story": self._story,
            "ocpp": self._ocpp,
            "csms": self._csms,
            "kill": self._kill,
            "site_order": self._site_order,
            "site_meter": self._site_meter,
            "state": self._state,
            **dict.fromkeys(_PLANT_VERBS, self._plant),
        }

    async def serve(self) -> None:
        """Until cancelled."""
        path = self._bench.choices.folder / NAME
        _remove(path)
        server = await asyncio.start_unix_server(self._talk, str(path), limit=LINE_MAX_BYTES)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            # not serve_forever: from Python 3.12 on its end waits for clients that stay; and not by a cancellation,
            # which the streams would print
            server.close()
            _remove(path)
            for writer in self._talking.values():
                writer.close()
            if self._talking:
                await asyncio.wait(self._talking, timeout=1.0)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talking[task] = writer
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self.answer(line), default=str).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # ValueError: a line beyond the cap
        finally:
            del self._talking[task]
            writer.close()

    async def answer(self, line: bytes) -> Answer:
        """One line's answer: `{"ok": true, …}` or `{"ok": false, "error": …}`. Never raises."""
        try:
            request = json.loads(line.decode())
            if not isinstance(request, dict):
                raise Refused('a request is a JSON object, like {"do": "plug"}')
            verb = self._verbs.get(str(request.get("do")))
            if verb is None:
                raise Refused(f"do = {request.get('do')!r}: one of {', '.join(self._verbs)}")
            _check_fields(request)
            return {"ok": True, **await verb(request)}
        except (CallError, LookupError, ValueError, TypeError, ArithmeticError, RuntimeError, OSError) as error:
            # RuntimeError: Refused, and a line nested beyond all bounds; OSError: time-outs too
            return {"ok": False, "error": str(error) or type(error).__name__}

    async def _help(self, _: Request) -> Answer:
        plant = await self._bench.plant.ask({"do": "help"})
        return {
            "verbs": list(self._verbs),
            "car_fields": [field.name for field in fields(CarSpec)],
            "car_plan_fields": [field.name for field in fields(CarPlan)],
            "car_misbehaviours": KINDS,
            "faults": plant["faults"],
            "bus_faults": plant["bus_faults"],
        }

    async def _plug(self, _: Request) -> Answer:
        await self._bench.plug()
        return {}

    async def _unplug(self, request: Request) -> Answer:
        force = request.get("force", False)
        if not isinstance(force, bool):
            raise Refused(f"force = {force!r}: true or false")
        if force:
            await self._bench.pull_plug()
        else:
            await self._bench.unplug()
        return {}

    async def _token(self, request: Request) -> Answer:
        value = request.get("value", TOKEN)
        if not isinstance(value, str):
            raise Refused(f"value = {value!r}: a token is text")
        if _TOKEN.fullmatch(value) is None:  # the reader would pass over it in silence
            raise Refused(f"value = {value!r}: the demo's reader knows 4, 7 or 10 bytes in hexadecimal, like {TOKEN}")
        await self._bench.token(value)
        return {}

    async def _car(self, request: Request) -> Answer:
        wanted = {key: value for key, value in request.items() if key not in ("do", "evse")}
        return await self._bench.cars[EVSE].change(wanted)

    async def _car_plan(self, request: Request) -> Answer:
        plan = self._bench.cars[EVSE].change_plan(request.get("plan", {}))
        self._bench.note("steered: a plan for the car's next sessions")
        return {"plan": plan}

    async def _setpoint(self, request: Request) -> Answer:
        power_W = request.get("power_W")
        if isinstance(power_W, bool) or not isinstance(power_W, (int, float)) or not math.isfinite(power_W):
            raise Refused(f"power_W = {power_W!r}: watts, positive into the car")
        duration_s = request.get("duration_s")
        if duration_s is not None and (isinstance(duration_s, bool) or not isinstance(duration_s, int)):
            raise Refused(f"duration_s = {duration_s!r}: whole seconds")
        return {"answer": await self._bench.setpoint(float(power_W), duration_s)}

    async def _ask_car(self, request: Request) -> Answer:
        """What the station asks the car for, as `chargepoint ask-car` does: {"do":"ask_car","for":"pause"}."""
        return dict(await self._bench.status.ask({"do": "ask_car", "evse": EVSE, "for": request.get("for")}))

    async def _stop(self, _: Request) -> Answer:
        await self._bench.stop_transaction()
        return {}

    async def _reset(self, _: Request) -> Answer:
        """The station's latched faults are let go, where their cause is gone."""
        await self._bench.reset_faults()
        return {}

    async def _story(self, _: Request) -> Answer:
        """A new story from the beginning; refused while one is under way."""
        if self._programme is None:
            raise Refused(OUTSIDE_CAR)
        self._programme.start()
        return {"story": self._programme.words()}

    async def _ocpp(self, request: Request) -> Answer:
        """Any message as the central system: {"do":"ocpp","action":"GetBaseReport","payload":{…}}."""
        action, payload = request.get("action"), request.get("payload", {})
        if not isinstance(action, str) or not isinstance(payload, dict):
            raise Refused("an ocpp request has an action (text) and a payload (object)")
        return {"answer": await self._bench.csms.call(IDENTITY, action, payload)}

    async def _csms(self, request: Request) -> Answer:
        """Misfortune of the central system: {"do":"csms","drop":true} or {"do":"csms","refuse":true|false}."""
        for name in ("refuse", "drop"):
            if not isinstance(request.get(name, False), bool):
                raise Refused(f"{name} = {request[name]!r}: true or false")
        if "refuse" in request:
            self._bench.note(f"steered: central system {'refuses' if request['refuse'] else 'takes'} connections")
            self._bench.csms.faults.refuse_connections = request["refuse"]
        if request.get("drop"):
            self._bench.note("steered: central system drops the connection")
            await self._bench.csms.drop(IDENTITY)
        return {"refuse": self._bench.csms.faults.refuse_connections}

    async def _kill(self, request: Request) -> Answer:
        """kill -9 of daemon, power or plant: {"do":"kill","what":"daemon"}; the bench starts it again."""
        child = self._bench.children.get(str(request.get("what")))
        if child is None:
            raise Refused(f"what = {request.get('what')!r}: one of {', '.join(self._bench.children)}")
        pid = child.pid
        self._bench.note(f"steered: kill -9 of {child.name}")
        child.kill(signal.SIGKILL)
        return {"pid": pid}

    async def _site_order(self, request: Request) -> Answer:
        """An order of the site bus, as docs/site-bus.md has them; without `id` it gets one. The station's answer comes back."""
        order = request.get("order")
        if not isinstance(order, dict):
            raise Refused('order = an object, like {"do": "setpoint", "evse": 1, "power_W": -8000, "lease_s": 60}')
        answer = await SitePost(self._bench.choices.mqtt_url).order(order)
        self._bench.note(f"steered: site order {order.get('do')}: {answer.get('text')}")
        return {"answer": answer}

    async def _site_meter(self, request: Request) -> Answer:
        """A value of the meter at the site's connection."""
        value: Request = {key: request[key] for key in ("power_W", "phases_W") if key in request}
        if not value:
            raise Refused("power_W (watts, positive from the grid), or phases_W (three of them)")
        await SitePost(self._bench.choices.mqtt_url).meter(value)
        self._bench.note(f"steered: site meter {value}")
        return {}

    async def _plant(self, request: Request) -> Answer:
        """A verb of the plant, passed on as it is."""
        answer = await self._bench.plant.ask({"evse": EVSE, **request})
        self._bench.note(_misfortune(request))
        return answer

    async def _state(self, _: Request) -> Answer:
        bench = self._bench
        known = bench.choices.csms_url is None and IDENTITY in bench.csms.stations
        try:
            daemon: object = await bench.status.ask({"do": "status"})
        except Refused as error:
            daemon = {"error": str(error)}
        return {
            "plant": await bench.plant.ask({"do": "state"}),
            "daemon": daemon,
            "car": None if bench.progress is None else asdict(bench.progress),
            "car_exchange": bench.exchange,
            "processes": {
                name: {"pid": child.pid, "starts": child.starts, "rss_MB": child.rss_MB()}
                for name, child in bench.children.items()
            },
            "central_system": None
            if not known
            else {
                "boot_status": bench.station.boot_status,
                "violations": bench.station.violations,
                "connectors": {f"{e}.{c}": state for (e, c), state in bench.station.connectors.items()},
                "transactions": [
                    {
                        "id": t.transaction_id,
                        "ended": t.ended,
                        "gaps": t.gaps,
                        "copies": t.copies,
                        "import_Wh": t.energy_Wh("Import"),
                        "export_Wh": t.energy_Wh("Export"),
                        "events": t.in_order,
                    }
                    for t in bench.station.transactions.values()
                ],
            },
            "notes": list(bench.notes),
        }


def _misfortune(request: Request) -> str:
    """What somebody did to the plant, for the notes."""
    verb = request["do"]
    if verb == "estop":
        return f"steered: emergency stop {'pressed' if request.get('on', True) else 'released'}"
    if verb == "door":
        return f"steered: cabinet door {'opened' if request.get('open', True) else 'closed'}"
    fields = ", ".join(f"{key} {value}" for key, value in request.items() if key != "do")
    return f"steered: {verb.replace('_', ' ')} {fields}"


def _check_fields(request: Request) -> None:
    """Raises Refused: a misspelt field must not look as if it had been obeyed."""
    known = _FIELDS.get(request["do"])
    strange = [] if known is None else [key for key in request if key != "do" and key not in known]
    if strange:
        takes = ", ".join(known or ()) or "no field"
        raise Refused(f"{strange[0]} = {request[strange[0]]!r}: {request['do']} takes {takes}")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
