"""O Display messages: set, reported, cleared, and which of them an EVSE's display shows now."""

from __future__ import annotations

from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import CallAnswer, Effects, Send, status
from chargepoint.ocpp.device_model import DeviceModel, Variable
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import from_wire
from chargepoint.ocpp.variables.display import FORMATS, MAX_MESSAGES, PRIORITIES

SPACE = "display-messages"
PAGE = 10
"""MessageInfo per NotifyDisplayMessages."""
STATES = ("Charging", "Faulted", "Idle", "Unavailable")
_CONTENT_MAX = 512


class DisplaysBlock(FunctionalBlock):
    """Messages survive a restart (O01.FR.10). The station has one display; `shown` says what is on it."""

    def __init__(self, model: DeviceModel, kept: Kept) -> None:
        super().__init__()
        self._model = model
        self._messages = kept.space(SPACE)
        self._change_at_s: float | None = None
        self.calls = {
            "SetDisplayMessage": self._set,
            "GetDisplayMessages": self._get,
            "ClearDisplayMessage": self._clear,
        }

    # -- CALLs -----------------------------------------------------------------------------------------------------------

    def _set(self, request: Payload, now: StationNow) -> CallAnswer:
        """O01, O02, and O06 for a message whose id is known."""
        message: Payload = request["message"]
        refusal = self._refusal(message, now)
        if refusal is not None:
            return refusal
        key = str(message["id"])
        effects: Effects = (self._messages.keep(key, message),)
        if message["priority"] == "AlwaysFront":  # O01.FR.16, O02.FR.18
            others = [k for k, m in self._messages.items() if k != key and m["priority"] == "AlwaysFront"]
            effects = (*(self._messages.forget(other) for other in others), *effects)
        elif key not in self._messages and len(self._messages) >= MAX_MESSAGES:  # O01.FR.11
            return CallAnswer(status("Rejected", "OutOfStorage", f"{MAX_MESSAGES} messages are set: clear some first"))
        return CallAnswer(status("Accepted"), effects)

    def _refusal(self, message: Payload, now: StationNow) -> CallAnswer | None:
        """The answer to a message that cannot be shown."""
        if not self._model.flag("DisplayMessageCtrlr/Enabled"):
            return CallAnswer(status("Rejected", "NotEnabled", "DisplayMessageCtrlr/Enabled is false"))
        if message["priority"] not in PRIORITIES:  # O01.FR.01
            return CallAnswer(status("NotSupportedPriority"))
        if message.get("state", STATES[0]) not in STATES:  # O01.FR.02
            return CallAnswer(status("NotSupportedState"))
        contents = _contents(message)
        if any(content["format"] not in FORMATS for content in contents):  # O01.FR.03
            return CallAnswer(status("NotSupportedMessageFormat"))
        if any(content["format"] == "ASCII" and not content["content"].isascii() for content in contents):
            return CallAnswer(status("Rejected", "InvalidValue", "the content of an ASCII message is not ASCII"))
        if "display" in message:
            text = "the station has one display: leave out `display`"
            return CallAnswer(status("Rejected", "UnsupportedParam", text))
        transaction_id = message.get("transactionId")
        if transaction_id is not None and now.transaction(transaction_id) is None:  # O02.FR.01
            return CallAnswer(status("UnknownTransaction"))
        start_s, end_s = _time(message, "startDateTime"), _time(message, "endDateTime")
        if end_s is not None and end_s <= max(now.utc_s, start_s or 0.0):
            text = f"endDateTime {message['endDateTime'][:40]}: after now and after startDateTime"
            return CallAnswer(status("Rejected", "ValueOutOfRange", text))
        return None

    def _get(self, request: Payload, now: StationNow) -> CallAnswer:
        """O03, O04: every criterion that is given must hold."""
        ids = request.get("id")
        found = [
            _for_version(message, now)
            for message in self._messages.values()
            if (ids is None or message["id"] in ids)
            and all(message.get(name) == request[name] for name in ("priority", "state") if name in request)
        ]
        if not found:  # O03.FR.06, O04.FR.02
            return CallAnswer(status("Unknown"))
        pages = [found[i : i + PAGE] for i in range(0, len(found), PAGE)]
        sends = tuple(
            Send(
                "NotifyDisplayMessages",
                {"requestId": request["requestId"], "tbc": number < len(pages) - 1, "messageInfo": page},
            )
            for number, page in enumerate(pages)
        )
        return CallAnswer(status("Accepted"), then=sends)

    def _clear(self, request: Payload, now: StationNow) -> CallAnswer:
        """O05."""
        key = str(request["id"])
        if key not in self._messages:
            return CallAnswer(status("Unknown"))  # O05.FR.02
        return CallAnswer(status("Accepted"), (self._messages.forget(key),))

    # -- time and transactions -------------------------------------------------------------------------------------------

    @property
    def deadline_s(self) -> float | None:
        """The next end of a message."""
        return self._change_at_s

    def tick(self, now: StationNow) -> Effects:
        """Messages leave at their end (O01.FR.07), and with their transaction (O02.FR.02)."""
        running = {str(evse.transaction_id) for evse in now.evses}
        settled = all(evse.heard for evse in now.evses)
        over, ends = [], []
        for key, message in self._messages.items():
            end_s = _time(message, "endDateTime")
            gone = settled and "transactionId" in message and message["transactionId"] not in running
            if gone or (end_s is not None and end_s <= now.utc_s):
                over.append(key)
            elif end_s is not None:
                ends.append(now.monotonic_s + end_s - now.utc_s)
        self._change_at_s = min(ends, default=None)
        return tuple(self._messages.forget(key) for key in over)

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """How many messages are set."""
        return str(len(self._messages)) if row.key == "DisplayMessageCtrlr/DisplayMessages" else None

    # -- the display -----------------------------------------------------------------------------------------------------

    def shown(self, evse: EvseState, language: str, now: StationNow) -> tuple[Payload, ...]:
        """What the display shows for this EVSE, in the order of a cycle. One AlwaysFront message excludes all others.

        `language`: of the driver (RFC 5646), or empty. Each has `id`, `priority`, `language`, `content`.
        """
        if not self._model.flag("DisplayMessageCtrlr/Enabled"):
            return ()
        due = [message for message in self._messages.values() if _is_due(message, evse, now)]
        for priority in PRIORITIES[:2]:
            front = [message for message in due if message["priority"] == priority]
            if front:
                due = front
                break
        return tuple(
            {"id": message["id"], "priority": message["priority"], **_in_language(message, language)} for message in due
        )


def state_of(evse: EvseState) -> str:
    """MessageStateEnumType of an EVSE."""
    if evse.status is ConnectorStatus.FAULTED:
        return "Faulted"
    if evse.status is ConnectorStatus.UNAVAILABLE:
        return "Unavailable"
    return "Charging" if evse.transaction_id is not None else "Idle"


def _is_due(message: Payload, evse: EvseState, now: StationNow) -> bool:
    start_s, end_s = _time(message, "startDateTime"), _time(message, "endDateTime")
    return (
        (start_s is None or start_s <= now.utc_s)  # O01.FR.06
        and (end_s is None or now.utc_s < end_s)
        and message.get("state", state_of(evse)) == state_of(evse)
        and message.get("transactionId", str(evse.transaction_id)) == str(evse.transaction_id)
    )


def _in_language(message: Payload, language: str) -> Payload:
    """The content in the driver's language, else in English, else the first (O01.FR.08, FR.09)."""
    contents = _contents(message)
    for wanted in (language.casefold(), language.casefold().partition("-")[0], "en"):
        for content in contents:
            spoken = content.get("language", "").casefold()
            if wanted and (spoken == wanted or spoken.partition("-")[0] == wanted):
                return {"language": content.get("language", ""), "content": content["content"]}
    return {"language": contents[0].get("language", ""), "content": contents[0]["content"]}


def _contents(message: Payload) -> list[Payload]:
    return [message["message"], *message.get("messageExtra", ())]


def _for_version(message: Payload, now: StationNow) -> Payload:
    """A message that was set over 2.1, as 2.0.1 can carry it."""
    if now.version.extra_messages:
        return message
    shorter = {**message["message"], "content": message["message"]["content"][:_CONTENT_MAX]}
    return {**{name: value for name, value in message.items() if name != "messageExtra"}, "message": shorter}


def _time(message: Payload, name: str) -> float | None:
    return from_wire(message[name]).timestamp() if name in message else None
