"""The faults by id: `GROUP.NAME`. The group says where it happens; what physics and wires know comes from their own tables."""

from __future__ import annotations

from collections.abc import Iterator

from hil.plant.ac_faults import AC_FAULTS
from hil.plant.faults import FAULTS as DC_FAULTS
from hil.plant.sensors import SENSORS
from hil.simulators.can_wire import CAN_BUS_FAULTS
from hil.simulators.csms.lies import LIES
from hil.simulators.evcc.misbehaviour import KINDS
from hil.simulators.evcc.mutation import ANY, MUTATIONS
from hil.simulators.wire import BUS_FAULTS
from hil.words import Argument, ArgumentType, Word

_VALUE = Argument("value", ArgumentType.NUMBER, "what the meaning says; without it the value in brackets there")
_PART = Argument("part", ArgumentType.TEXT, "which pole, relay or module; without it all of them")
_BUS = Argument("bus", ArgumentType.TEXT, "name of the bus in the controller's configuration", required=True)
_COUNT = Argument("count", ArgumentType.INTEGER, "so many transactions in a row", default=1, least=1, most=1_000_000)
_WHAT = Argument("what", ArgumentType.TEXT, "which process", required=True, choices=("daemon", "power", "plant"))
_ACTION = Argument("action", ArgumentType.TEXT, "OCPP action of the station's CALL", required=True)
_TIMES = Argument("times", ArgumentType.INTEGER, "so many of them", default=1, least=1, most=1_000_000)


def _physics() -> Iterator[Word]:
    for name in dict.fromkeys((*DC_FAULTS, *AC_FAULTS)):
        fault = DC_FAULTS.get(name) or AC_FAULTS[name]
        outlets = [kind for kind, table in (("DC", DC_FAULTS), ("AC", AC_FAULTS)) if name in table]
        where = "" if len(outlets) == 2 else f" ({outlets[0]} outlets only)"
        yield Word(f"physics.{name}", fault.meaning + where, (_VALUE, _PART))


def _wires() -> Iterator[Word]:
    for name in dict.fromkeys((*BUS_FAULTS, *CAN_BUS_FAULTS)):
        meaning = BUS_FAULTS.get(name) or f"{CAN_BUS_FAULTS[name]} (CAN)"
        yield Word(f"bus.{name}", meaning, (_BUS, _COUNT, _VALUE), of_station=True)


_OF = Argument("of", ArgumentType.TEXT, "which sensor", required=True, choices=tuple(SENSORS))

_SENSORS = (
    Word(
        "sensor.drift",
        "the sensor shows `gain` times the truth and an offset that grows by `per_s`, in V, A, Wh, ohm or K per second",
        (
            _OF,
            Argument(
                "per_s", ArgumentType.NUMBER, "how fast the offset grows", "1/s", default=0.0, least=-1e8, most=1e8
            ),
            Argument("gain", ArgumentType.NUMBER, "factor from now on", default=1.0, least=-1000, most=1000),
        ),
    ),
    Word("sensor.stuck", "the sensor shows what it shows now for ever; a meter's energy stands still", (_OF,)),
)

_PROCESSES = (
    Word("process.kill", "kill -9; the process is started again after 0.3 s", (_WHAT,), of_station=True),
    Word("process.stop", "SIGSTOP until it is healed (SIGCONT)", (_WHAT,), of_station=True),
    Word(
        "power.cut",
        "the controller's computer loses power and starts again after `for_s`; the hardware keeps its own rules",
        (Argument("for_s", ArgumentType.NUMBER, "how long it is dark", "s", default=5.0, least=0.1, most=1e6),),
        of_station=True,
        virtual_only=True,
    ),
    Word(
        "clock.jump",
        "the UTC of the controller's computer jumps by `by_s`; healed: it is right again",
        (Argument("by_s", ArgumentType.NUMBER, "forwards; negative: backwards", "s", required=True),),
        of_station=True,
        virtual_only=True,
    ),
    Word(
        "computer.suspended",
        "the controller's computer sleeps for `for_s`; its monotonic clock stops meanwhile",
        (Argument("for_s", ArgumentType.NUMBER, "how long it sleeps", "s", default=5.0, least=0.1, most=1e6),),
        of_station=True,
        virtual_only=True,
    ),
)

_CENTRAL_SYSTEM = (
    Word("csms.away", "the connection breaks, and each new one is refused until healed", of_station=True),
    Word("csms.drop", "the connection breaks once", of_station=True),
    Word("csms.drops_on", "the connection breaks at the next CALL of this action", (_ACTION, _TIMES), of_station=True),
    Word("csms.swallows", "the next CALL of this action has no answer", (_ACTION, _TIMES), of_station=True),
    Word(
        "csms.late",
        "the answer to the next CALL of this action comes late",
        (
            _ACTION,
            Argument("by_s", ArgumentType.NUMBER, "so much later", "s", required=True, least=0.0, most=1e6),
            _TIMES,
        ),
        of_station=True,
    ),
    Word(
        "csms.refuses",
        "the next CALL of this action is answered with CALLERROR",
        (_ACTION, Argument("code", ArgumentType.TEXT, "the error's code", default="InternalError"), _TIMES),
        of_station=True,
    ),
    Word(
        "csms.babbles",
        "the next CALL of this action is answered with a text that is no message",
        (_ACTION, Argument("text", ArgumentType.TEXT, "the answer", default="{"), _TIMES),
        of_station=True,
    ),
    Word(
        "csms.lies",
        "the central system's answers lie, until healed (docs/bench.md has what a station must do about each lie)",
        (Argument("what", ArgumentType.TEXT, "which lie", required=True, choices=tuple(LIES)),),
        of_station=True,
    ),
)

_CARS = (
    Word(
        "car.misbehaves",
        "the car does this in its next sessions, until healed (docs/misbehaviour.md)",
        (
            Argument("what", ArgumentType.TEXT, "one of the kinds", required=True, choices=tuple(KINDS)),
            Argument("at", ArgumentType.TEXT, "class name of the request; *: any", default="*"),
            Argument("nth", ArgumentType.INTEGER, "at the n-th such request of the session", default=1, least=1),
            Argument("always", ArgumentType.FLAG, "and at each later one", default=False),
            Argument("text", ArgumentType.TEXT, "what this kind takes, where it is a text"),
            _VALUE,
        ),
        of_station=True,
    ),
    Word(
        "exi.mutation",
        "requests of the car's next sessions are mutated on the wire, until healed (docs/misbehaviour.md)",
        (
            Argument("how", ArgumentType.TEXT, "one of the mutations", default=ANY, choices=tuple(MUTATIONS)),
            Argument("at", ArgumentType.TEXT, "class name of the request; *: any", default="*"),
            Argument("nth", ArgumentType.INTEGER, "the n-th such request of the session", default=1, least=1),
            Argument("always", ArgumentType.FLAG, "and each later one", default=False),
            Argument(
                "seed", ArgumentType.INTEGER, "of its chances; without it one by chance, from the seed of the run"
            ),
        ),
        of_station=True,
    ),
)

_FOR = Argument("for_s", ArgumentType.NUMBER, "for so long; without it until healed", "s", least=0.001, most=1e6)

_NETWORKS = (
    Word(
        "network.car_cut",
        "nothing passes between car and station, and nobody gets a FIN or RST; needs `relays` of the bench",
        (_FOR,),
    ),
    Word(
        "network.csms_cut",
        "nothing passes between station and central system, as behind a firewall that drops; needs `relays` of the bench",
        (_FOR,),
        of_station=True,
    ),
    Word(
        "network.csms_slow",
        "the network to the central system is slow in both directions; needs `relays` of the bench",
        (
            _FOR,
            Argument("latency_s", ArgumentType.NUMBER, "of each piece", "s", default=0.0, least=0.0, most=3600.0),
            Argument("bytes_per_s", ArgumentType.NUMBER, "so many; without it no bound", "B/s", least=1.0, most=1e9),
        ),
        of_station=True,
    ),
)

_DISKS = (
    Word(
        "disk.full",
        "no byte has room in the controller's state until healed; needs `small_disk` of the bench (root or user namespaces)",
        of_station=True,
    ),
)

_TLS_WITH_CARS = "the next connections of the car; needs `tls` of the bench"
_CERTIFICATES = (
    Word("tls.car_expired", f"the car's vehicle certificate is over: {_TLS_WITH_CARS}"),
    Word("tls.car_wrong_root", f"a root that the station does not know signed the car's certificate: {_TLS_WITH_CARS}"),
    Word("tls.car_no_certificate", f"the car shows no certificate: {_TLS_WITH_CARS}"),
    Word(
        "tls.car_revoked",
        "the central system answers that the car's contract certificate is revoked (Authorize). No station can learn that of "
        "a vehicle certificate: neither TLS nor OCPP 2.0.1 asks",
        of_station=True,
    ),
    Word("tls.station_expired", "the station's own certificate is over: a car must refuse it", of_station=True),
    Word(
        "tls.station_wrong_root",
        "a root that cars do not know signed the station's certificate. It has no name to be wrong: ISO 15118-20 knows no host name",
        of_station=True,
    ),
    Word(
        "tls.csms_expired",
        "the central system's certificate is over; the connection breaks; needs `csms_tls` of the bench",
        of_station=True,
    ),
    Word(
        "tls.csms_wrong_root",
        "a root that the station does not know signed it; the connection breaks; needs `csms_tls` of the bench",
        of_station=True,
    ),
    Word(
        "tls.csms_wrong_name",
        "it is for another host; the connection breaks; needs `csms_tls` of the bench",
        of_station=True,
    ),
)

FAULT_WORDS: tuple[Word, ...] = (
    *_physics(),
    *_SENSORS,
    *_wires(),
    *_PROCESSES,
    *_CENTRAL_SYSTEM,
    *_NETWORKS,
    *_CERTIFICATES,
    *_DISKS,
    *_CARS,
)
"""All of them."""
