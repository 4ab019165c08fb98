"""Where the lines of the record come from: plant, station, cars, central system, and the bench's own notes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from enum import Enum
from typing import Any

from hil.attach.bench_car import BenchCar
from hil.bench.bench import Bench
from hil.bench.changes import central_system
from hil.clock import now_s
from hil.record.line import STATION, Json, LineKind, RecordLine, Seer
from hil.record.signals import SIGNALS
from hil.simulators.evcc.exchange_log import LoggedMessage
from hil.simulators.line_socket import Refused

REPEATED_MAX = 3
"""Of the same request again and again, a charge loop, the contents of the first are kept; of the others only that they came."""


class PlantSource:
    """What each connector of the plant went through since the last time."""

    def __init__(self, bench: Bench, since_s: Callable[[float], float]) -> None:
        self._bench = bench
        self._since_s = since_s
        self._numbers: dict[str, int] = {}
        self._skipped_s = -1.0

    async def lines(self) -> list[RecordLine]:
        """Nothing while the plant is away."""
        try:
            answer = await self._bench.plant.ask({"do": "seen", "after": self._numbers})
        except Refused:
            return []
        found = []
        for number, at_s, evse, name, value in answer["seen"]:
            self._numbers[str(evse)] = max(number, self._numbers.get(str(evse), 0))
            found.append(_value(self._since_s(at_s), name, value, evse))
        if (skipped_s := round(answer["skipped_s"], 3)) != self._skipped_s:
            self._skipped_s = skipped_s
            found.append(_value(self._since_s(answer["monotonic_s"]), "plant_skipped_s", skipped_s, STATION))
        return found


class StationSource:
    """What the controller says of itself: the status as the bench observes it, at the time of each answer."""

    def __init__(self, bench: Bench, since_s: Callable[[float], float]) -> None:
        self._bench = bench
        self._since_s = since_s
        self._answered_s: float | None = None

    def ask_next(self) -> None:
        """The next call of `lines` asks the station itself, however lately the bench observed it."""
        self._answered_s = None

    async def lines(self) -> list[RecordLine]:
        """Nothing while the daemon is away, and until it answers again. The first time it is asked here: the record begins with it."""
        if self._answered_s is None:
            try:
                status = await self._bench.status.ask({"do": "status"})
            except Refused:
                return []
            self._answered_s = now_s()
        elif self._bench.observed is None or self._bench.observed[0] <= self._answered_s:
            return []
        else:
            self._answered_s, status = self._bench.observed
        at_s = self._since_s(self._answered_s)
        of_station = {
            "central_system": central_system(status["ocpp"]),
            "outbox": status["ocpp"].get("outbox_depth"),
            "site_power_W": sum(_power_W(evse) for evse in status["evses"].values()),
        }
        found = [_value(at_s, name, value, STATION) for name, value in of_station.items() if value is not None]
        for number, evse in status["evses"].items():
            found += [_value(at_s, name, value, int(number)) for name, value in _of_evse(evse).items()]
        return found


def _power_W(evse: Mapping[str, Any]) -> float:
    image = evse.get("image") or {}
    return round(float(image.get("power_W") or 0.0), 1)


def _of_evse(evse: Mapping[str, Any]) -> dict[str, Json]:
    """None is left out: what is not known has no line, and keeps no old value either (`stage` is UNKNOWN then)."""
    image, transaction, last = evse.get("image"), evse.get("transaction"), evse.get("last_session")
    setpoint = evse["setpoint"]
    return {
        "stage": "UNKNOWN" if image is None else image["stage"],
        "faults": [] if image is None else sorted(image["faults"]),
        "setpoint_W": setpoint["power_W"],
        "decided_by": setpoint["decided_by"],
        "explanation": setpoint["explanation"],
        "connector_status": evse["status"],
        "transaction": transaction is not None,
        "charging_state": "" if transaction is None else transaction["charging_state"],
        "stop_reason": "" if last is None else last["reason"],
    }


class CarSource:
    """The session of each of the bench's own cars, and what it exchanged with the station."""

    def __init__(self, bench: Bench, since_s: Callable[[float], float], now_s: Callable[[], float]) -> None:
        self._bench = bench
        self._since_s = since_s
        self._now_s = now_s
        self._read: dict[int, tuple[object, int]] = {}
        self._repeats: dict[tuple[int, str, str], int] = {}

    async def lines(self) -> list[RecordLine]:
        """From each car since the last time."""
        return [line for evse, car in self._bench.cars.items() for line in self._of_car(evse, car)]

    def _of_car(self, evse: int, car: BenchCar) -> Iterator[RecordLine]:
        core, progress = car.core, car.progress
        if core is None or progress is None:
            return
        before, read = self._read.get(evse, (None, 0))
        if before is not core:
            read = 0
        log = core.log
        fresh = log.entries[max(0, read - log.dropped) :]
        self._read[evse] = (core, log.dropped + len(log.entries))
        for message in fresh:
            yield self._message(evse, message)
        at_s = self._now_s()
        values: dict[str, Json] = {
            "car_phase": progress.phase,
            "car_loops": progress.loops,
            "car_error": progress.error or "",
            "car_violations": len(core.violations),
            "car_asked_to_stop": progress.asked_to_stop,
            "car_sessions": car.sessions,
        }
        for name, value in values.items():
            yield _value(at_s, name, value, evse)

    def _message(self, evse: int, message: LoggedMessage) -> RecordLine:
        key = (evse, message.direction, message.name)
        count = self._repeats[key] = self._repeats.get(key, 0) + 1
        value: dict[str, Json] = {"direction": message.direction}
        if message.code:
            value["code"] = message.code
        if message.took_ms is not None:
            value["took_ms"] = round(message.took_ms, 3)
        if message.message is not None and count <= REPEATED_MAX:
            value["content"] = plain(message.message)
        at_s = self._since_s(message.at_s)
        return RecordLine(at_s, Seer.CAR, LineKind.MESSAGE, message.name, value, evse, message.note)


class CsmsSource:
    """What the central system heard, and what it makes of it."""

    def __init__(self, bench: Bench, since_s: Callable[[float], float], now_s: Callable[[], float]) -> None:
        self._bench = bench
        self._since_s = since_s
        self._now_s = now_s
        self._heard = 0
        self._counted: tuple[int, tuple[int, ...]] | None = None
        """What the sums were made of."""

    async def lines(self) -> list[RecordLine]:
        """Nothing where an outside central system decides."""
        if self._bench.choices.csms_url is not None:
            return []
        log = self._bench.csms.log(self._bench.identity)
        found = []
        for heard in itertools.islice(log.heard, self._heard, None):
            evse = heard.payload.get("evseId") or heard.payload.get("evse", {}).get("id") or STATION
            found.append(
                RecordLine(
                    self._since_s(heard.at_s), Seer.CSMS, LineKind.MESSAGE, heard.action, heard.payload, int(evse)
                )
            )
        self._heard = len(log.heard)
        at_s = self._now_s()
        found += [_value(at_s, "csms_connector", state, evse) for (evse, _), state in log.connectors.items()]
        transactions = list(log.transactions.values())
        counted = len(log.violations), tuple(len(transaction.events) for transaction in transactions)
        if counted == self._counted:
            return found
        self._counted = counted
        values: dict[str, Json] = {
            "csms_violations": len(log.violations),
            "csms_transactions": len(transactions),
            "csms_gaps": sum(len(transaction.gaps) for transaction in transactions),
            "csms_ended": sum(transaction.ended for transaction in transactions),
        }
        found += [_value(at_s, name, value, STATION) for name, value in values.items()]
        for transaction in transactions:
            evse = next((event["evse"]["id"] for event in transaction.in_order if "evse" in event), STATION)
            for name, register in (("csms_import_Wh", "Import"), ("csms_export_Wh", "Export")):
                found.append(_value(at_s, name, transaction.energy_Wh(register), evse))
        return found


class NoteSource:
    """The bench's own sentences for people."""

    def __init__(self, bench: Bench, now_s: Callable[[], float]) -> None:
        self._bench = bench
        self._now_s = now_s
        self._noted = bench.noted

    async def lines(self) -> list[RecordLine]:
        """Those since the last time, as far as the bench kept them."""
        fresh = min(self._bench.noted - self._noted, len(self._bench.notes))
        self._noted = self._bench.noted
        notes = list(self._bench.notes)[-fresh:] if fresh else []
        at_s = self._now_s()
        return [RecordLine(at_s, Seer.BENCH, LineKind.NOTE, "note", None, STATION, note[11:]) for note in notes]


def plain(value: Any) -> Json:
    """A message as JSON: bytes in hexadecimal, enumerations by their value."""
    if is_dataclass(value) and not isinstance(value, type):
        return {key: plain(each) for key, each in asdict(value).items() if each is not None}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bytes | bytearray):
        return value.hex()
    if isinstance(value, Enum):
        return plain(value.value)
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def _value(at_s: float, name: str, value: Json, evse: int) -> RecordLine:
    return RecordLine(at_s, SIGNALS[name].seer, LineKind.VALUE, name, value, evse)
