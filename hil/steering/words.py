"""What the door understands: the verbs of scenarios, and those that only a door has. How they are performed: `door.py`."""

from __future__ import annotations

from hil.bench.verbs import VERB_WORDS
from hil.faults.catalogue import FAULT_WORDS
from hil.record.line import LineKind
from hil.words import Argument, ArgumentType, Word

_TEXT, _NUMBER, _INTEGER = ArgumentType.TEXT, ArgumentType.NUMBER, ArgumentType.INTEGER
_FLAG, _OBJECT, _LIST = ArgumentType.FLAG, ArgumentType.OBJECT, ArgumentType.LIST

WAIT_MAX_S = 7 * 86_400.0
RECORD_LINES_MAX = 10_000
IDLE = "idle"
FAULTS = "faults"
PROCESSES = ("daemon", "power", "plant", "broker")
EVSE = Argument("evse", _INTEGER, "number of the EVSE", default=1, least=1, most=99)
"""Every verb takes it. `record` and `subscribe` filter by it: without it, lines of all EVSEs come."""

_FAULT = Argument("fault", _TEXT, "its id, such as physics.insulation", required=True)
_FILTER = (
    Argument("kinds", _LIST, f"only lines of these kinds: {', '.join(kind.value for kind in LineKind)}"),
    Argument("names", _LIST, "only lines with these names: signals, messages, verbs, faults"),
)
_ON = Argument("on", _FLAG, "false: it is taken back", default=True)
_VALUE = Argument("value", _NUMBER, "what the fault's meaning says")

_OWN_WORDS: tuple[Word, ...] = (
    Word("help", "all verbs, faults and signals with what they take", of_station=True),
    Word("state", "everything: plant, station, car, processes, central system, story"),
    Word("story", "play the story from the beginning; a car that is plugged in is unplugged first", of_station=True),
    Word(
        "play",
        "bring the bench to idle, play a scenario on it, answer its verdict; ends with its connection",
        (
            Argument("scenario", _TEXT, "path of a file, or name of a shipped one", required=True),
            Argument("only", _TEXT, "the name of one run of its matrix"),
            Argument("as_it_is", _FLAG, "do not bring the bench to idle before", default=False),
        ),
        of_station=True,
    ),
    Word(
        "wait",
        "answer when the condition holds, or with a refusal that says what was seen instead",
        (
            Argument("for", _OBJECT, "a condition of docs/scenarios.md", required=True),
            Argument("within_s", _NUMBER, "for so long at most", "s", default=30.0, least=0.0, most=WAIT_MAX_S),
            Argument("for_s", _NUMBER, "it must stay true for so long", "s", default=0.0, least=0.0, most=WAIT_MAX_S),
            Argument("since_s", _NUMBER, "messages count from this time of the record; without it from now on", "s"),
        ),
    ),
    Word(
        "record",
        "the lines of the record with a higher number",
        (
            Argument("after", _INTEGER, "number of the last line that is known already", default=0, least=0),
            Argument("limit", _INTEGER, "so many lines at most", default=1000, least=1, most=RECORD_LINES_MAX),
            *_FILTER,
        ),
        of_station=True,
    ),
    Word(
        "subscribe",
        "each new line of the record is pushed as an event; over HTTP: GET /events",
        (Argument("after", _INTEGER, "begin behind this line; without it with the next one", least=0), *_FILTER),
        of_station=True,
    ),
    Word(
        "unsubscribe",
        "no more events",
        (Argument("subscription", _INTEGER, "which one; without it all of this connection", least=1),),
        of_station=True,
    ),
    Word("inject", "cause a fault of docs/scenario-words.md", (_FAULT,), open_arguments=True),
    Word("heal", "take a fault back", (_FAULT,), open_arguments=True),
    Word(
        "reset",
        "let latched faults go, where their cause is gone; to idle: the whole bench is as at its start",
        (Argument("to", _TEXT, "how far", default=FAULTS, choices=(FAULTS, IDLE)),),
    ),
    Word(
        "unplug",
        "let the car end its session, then pull the plug when the lock lets go",
        (Argument("force", _FLAG, "pull it at once, whatever flows", default=False),),
    ),
    Word("stop", "the central system stops the running transaction (as remote_stop)"),
    Word(
        "csms",
        "the central system drops the connection, or refuses new ones",
        (
            Argument("drop", _FLAG, "drop it now", default=False),
            Argument("refuse", _FLAG, "refuse new ones from now on, or no longer"),
        ),
        of_station=True,
    ),
    Word(
        "fault",
        "as inject and heal physics.NAME; value: what the fault's meaning says",
        (Argument("name", _TEXT, "its name", required=True), _ON),
        open_arguments=True,
    ),
    Word(
        "bus_fault",
        "as inject bus.KIND",
        (
            Argument("bus", _TEXT, "name of the bus in the controller's configuration", required=True),
            Argument("kind", _TEXT, "what goes wrong", required=True),
            Argument("count", _INTEGER, "so many transactions in a row", default=1, least=0, most=1_000_000),
            _VALUE,
            _ON,
        ),
        of_station=True,
    ),
    Word("estop", "as e_stop", (Argument("on", _FLAG, "pressed", default=True),)),
    Word("car_auto", "the plant plays plug, pilot and contactors for an outside car", open_arguments=True),
    Word(
        "kill",
        "kill -9; the bench starts the process again, as systemd would",
        (Argument("what", _TEXT, "which process", required=True, choices=PROCESSES),),
        of_station=True,
    ),
    Word(
        "site_order",
        "an order of the site bus; the station's answer comes back (docs/site-bus.md)",
        (Argument("order", _OBJECT, "the order; without id it gets one", required=True),),
        of_station=True,
    ),
    Word(
        "site_meter",
        "a value of the meter at the site's connection",
        (
            Argument("power_W", _NUMBER, "positive from the grid", "W"),
            Argument("phases_W", _LIST, "of each phase, positive from the grid"),
        ),
        of_station=True,
    ),
)

DOOR_WORDS: dict[str, Word] = {word.name: word for word in (*VERB_WORDS, *_OWN_WORDS)}
"""All of them by name. Where both have a word, the door's has the arguments of the scenarios' and more."""

FAULTS_BY_ID: dict[str, Word] = {word.name: word for word in FAULT_WORDS}
