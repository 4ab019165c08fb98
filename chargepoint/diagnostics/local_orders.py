"""Orders that come in at the local socket: from a JSON request to a command, and from its result to an answer. A core."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chargepoint.diagnostics.car_wishes import WISHES
from chargepoint.diagnostics.status_socket import Answer, Request, Verb
from chargepoint.model.commands import AskCar, CommandResult, ExternalLimit, LimitSource, LimitStation, ResetFaults
from chargepoint.model.ids import EvseId

AUTHOR = "local command"


def reset_verb(command: Callable[[ResetFaults], CommandResult]) -> Verb:
    """`{"do": "reset", "evse": 1}`: let latched faults go; without `evse` on every EVSE.

    The answer is `{"ok": true}` when the order was taken; the faults that stay are in the next status answer. A refused
    order is `{"ok": false, "error": …}` with the reason.
    """

    def reset(request: Request) -> Answer:
        unknown = sorted(set(request) - {"do", "evse"})
        if unknown:
            return {"ok": False, "error": f"{unknown[0]} = {request[unknown[0]]!r}: reset takes evse only"}
        number = request.get("evse")
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            return {"ok": False, "error": f"evse = {number!r}: a whole number, or leave it out for every EVSE"}
        return _answer(command(ResetFaults(None if number is None else EvseId(number), AUTHOR)))

    return reset


def ask_car_verb(command: Callable[[AskCar], CommandResult]) -> Verb:
    """`{"do": "ask_car", "evse": 1, "for": "pause"}`: ask the connected car for this; see `WISHES`."""

    def ask_car(request: Request) -> Answer:
        unknown = sorted(set(request) - {"do", "evse", "for"})
        if unknown:
            return {"ok": False, "error": f"{unknown[0]} = {request[unknown[0]]!r}: ask_car takes evse and for"}
        number, wish = request.get("evse"), request.get("for")
        if isinstance(number, bool) or not isinstance(number, int):
            return {"ok": False, "error": f"evse = {number!r}: a whole number"}
        if not isinstance(wish, str) or wish not in WISHES:
            return {"ok": False, "error": f"for = {wish!r}: one of {', '.join(WISHES)}"}
        return _answer(command(AskCar(EvseId(number), WISHES[wish])))

    return ask_car


def limit_verb(command: Callable[[LimitStation], CommandResult], monotonic_s: Callable[[], float]) -> Verb:
    """`{"do": "limit", "source": "EMS", "import_max_W": 8000, "export_max_W": 0, "for_s": 900}`: limit the whole station.

    `{"do": "limit"}` releases it. The limit ends by itself after `for_s` seconds, at most a day; whoever wants it longer repeats it.
    """

    def limit(request: Request) -> Answer:
        unknown = sorted(set(request) - {"do", *_LIMIT_FIELDS})
        if unknown:
            return {
                "ok": False,
                "error": f"{unknown[0]} = {request[unknown[0]]!r}: limit takes {', '.join(_LIMIT_FIELDS)}",
            }
        if set(request) == {"do"}:
            return _answer(command(LimitStation(None, AUTHOR)))
        numbers: dict[str, float] = {}
        for name, (least, most) in _LIMIT_NUMBERS.items():
            value = request.get(name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
                return {"ok": False, "error": f"{name} = {value!r}: a number from {least:g} to {most:g}"}
            numbers[name] = float(value)
        source = request.get("source", LimitSource.EMS.value)
        if source not in [known.value for known in LimitSource]:
            return {
                "ok": False,
                "error": f"source = {source!r}: one of {', '.join(known.value for known in LimitSource)}",
            }
        until_s = monotonic_s() + numbers["for_s"]
        wanted = ExternalLimit(LimitSource(source), numbers["import_max_W"], numbers["export_max_W"], until_s)
        return _answer(command(LimitStation(wanted, AUTHOR)))

    return limit


_LIMIT_NUMBERS = {"import_max_W": (0.0, 1e7), "export_max_W": (0.0, 1e7), "for_s": (1.0, 86_400.0)}
_LIMIT_FIELDS = ("source", *_LIMIT_NUMBERS)


def _answer(result: CommandResult) -> Mapping[str, object]:
    if result.accepted:
        return {"text": result.text}
    return {"ok": False, "error": result.text or result.reason_code, "reason_code": result.reason_code}
