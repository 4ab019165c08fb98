"""The verbs of a bench as data. How each is performed: `performer.py`."""

from __future__ import annotations

from hil.words import Argument, ArgumentType, Word

_TEXT, _NUMBER, _FLAG, _OBJECT = ArgumentType.TEXT, ArgumentType.NUMBER, ArgumentType.FLAG, ArgumentType.OBJECT
_TOKEN = Argument("value", _TEXT, "UID in hexadecimal", default="04A2B3C4D5E6F7")

VERB_WORDS: tuple[Word, ...] = (
    Word("plug", "plug the car in; it starts to talk when the pilot calls it"),
    Word("unplug", "let the car end its session, then pull the plug when the lock lets go"),
    Word("pull_plug", "pull the plug by force, whatever flows"),
    Word("leave", "the driver ends the session in the car; the plug stays in"),
    Word("token", "hold a card to the reader", (_TOKEN,)),
    Word(
        "setpoint",
        "the central system sends a set-point; refused while no transaction runs",
        (
            Argument("power_W", _NUMBER, "positive into the car", "W", required=True, least=-1e6, most=1e6),
            Argument("duration_s", ArgumentType.INTEGER, "for how long; without it until the next", "s", least=1),
        ),
    ),
    Word("remote_start", "the central system starts a transaction (RequestStartTransaction)", (_TOKEN,)),
    Word("remote_stop", "the central system stops the running transaction (RequestStopTransaction)"),
    Word(
        "ocpp",
        "the central system sends any message; the answer's fields are the answer's",
        (
            Argument("action", _TEXT, "the OCPP action", required=True),
            Argument("payload", _OBJECT, "the message", default={}),
            Argument("status", _TEXT, "the answer must have this status", ""),
        ),
        of_station=True,
    ),
    Word(
        "block_token",
        "from now on the central system answers a card with this status",
        (
            _TOKEN,
            Argument("status", _TEXT, "as OCPP calls it", default="Blocked"),
        ),
        of_station=True,
    ),
    Word(
        "ask_car",
        "the station asks the car for something",
        (Argument("for", _TEXT, "what", required=True),),
    ),
    Word("reset", "let latched faults go by the local command; refused where a cause is still there"),
    Word(
        "limit",
        "limit the whole station by the local command, as an energy manager of the site does",
        (
            Argument("import_max_W", _NUMBER, "highest power from the grid; without it the limit is released", "W"),
            Argument("export_max_W", _NUMBER, "highest power to the grid", "W", default=0.0),
            Argument("for_s", _NUMBER, "for so long", "s", default=900.0),
        ),
        of_station=True,
    ),
    Word("e_stop", "press or release the emergency stop", (Argument("on", _FLAG, "pressed", default=True),)),
    Word("door", "open or close the cabinet", (Argument("open", _FLAG, "open", default=True),)),
    Word("car", "change the car: battery, limits, what it asks (docs/steering.md)", open_arguments=True),
    Word(
        "car_plan",
        "what the car's next sessions do (docs/virtual-car.md)",
        (Argument("plan", _OBJECT, "the plan; empty: the plain session again", default={}),),
    ),
    Word(
        "grid",
        "change the grid: voltage, frequency, others behind the fuse, an island, a jump of the phase (docs/bench.md)",
        open_arguments=True,
    ),
    Word("note", "write a sentence into the record", (Argument("text", _TEXT, "it", required=True),), of_station=True),
)
