"""The commands of bring-up as data: for which kind of device, what happens, what must hold, how long at most. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chargepoint.commissioning import steps
from chargepoint.commissioning.needs import Need
from chargepoint.commissioning.outlet import Link
from chargepoint.commissioning.steps import Step

_NO_CAR = (Need.NO_CAR,)
_CLOSING = (
    Need.NO_CAR,
    Need.DC_OUTLET,
    Need.CHAIN_CLOSED,
    Need.MODULES_OFF,
    Need.CONTACTOR_OPEN,
    Need.NO_VOLTAGE,
)
_POWERING = (Need.NO_CAR, Need.CHAIN_CLOSED, Need.CONTACTOR_OPEN)
_SWITCHING = (Need.NO_CAR, Need.MODULES_OFF, Need.NO_VOLTAGE)


@dataclass(frozen=True, slots=True)
class DeviceUnderTest:
    """The device a command is for: its name and kind in the configuration, the parts it has, the links of a matrix."""

    name: str
    kind: str
    parts: frozenset[str] = frozenset()
    links: frozenset[Link] = frozenset()


@dataclass(frozen=True, slots=True)
class BringupCommand:
    """One thing an installer can do with a device. Afterwards everything is at rest again."""

    name: str
    part: str
    """The kind of device, or the port of a pilot board, that it needs."""
    what: str
    """What happens to the hardware, for the person beside it."""
    begins: tuple[Need, ...]
    """What must hold before it begins."""
    goes_on: tuple[Need, ...]
    """What must hold all the time; else everything is switched off."""
    bound_s: float
    """It is broken off after this."""
    make: Callable[[DeviceUnderTest, float | None], Step]
    value: str = ""
    """What a value means, where the command takes one; empty: it takes none."""


def _plain(step: Callable[[], Step]) -> Callable[[DeviceUnderTest, float | None], Step]:
    return lambda _device, _value: step()


COMMANDS: tuple[BringupCommand, ...] = (
    BringupCommand(
        "lock",
        "lock",
        "The lock moves: the connector is locked for 2 s and unlocked again. Keep fingers away.",
        _NO_CAR,
        _NO_CAR,
        12.0,
        _plain(steps.lock),
    ),
    BringupCommand("unlock", "lock", "The connector is unlocked.", _NO_CAR, _NO_CAR, 6.0, _plain(steps.unlock)),
    BringupCommand(
        "pwm",
        "pilot",
        "The control pilot shows a duty cycle of 5 % for 3 s. Nothing is switched.",
        _NO_CAR,
        _NO_CAR,
        6.0,
        _plain(steps.pilot_pwm),
    ),
    BringupCommand(
        "x1",
        "pilot",
        "The control pilot shows +12 V for 3 s. Nothing is switched.",
        _NO_CAR,
        _NO_CAR,
        6.0,
        _plain(steps.pilot_x1),
    ),
    BringupCommand(
        "f",
        "pilot",
        "The control pilot shows -12 V (not available) for 3 s. Plug no car in: it cannot be seen meanwhile.",
        _NO_CAR,
        (),
        8.0,
        _plain(steps.pilot_f),
    ),
    BringupCommand(
        "discharge",
        "discharge",
        "The relay of the discharge resistor closes for 0.5 s at most. The resistor gets warm if there is voltage.",
        (Need.NO_CAR, Need.MODULES_OFF, Need.NO_VOLTAGE),
        (Need.NO_CAR,),
        4.0,
        _plain(steps.discharge),
    ),
    BringupCommand(
        "contactor",
        "contactors",
        "The output contactor closes for 1 s at most and opens. Every module is off, and there must be no voltage.",
        _CLOSING,
        (Need.NO_CAR, Need.CHAIN_CLOSED, Need.MODULES_OFF, Need.NO_VOLTAGE),
        6.0,
        _plain(steps.contactor),
    ),
    BringupCommand(
        "clear-latched",
        "latch",
        "The board clears what it latched. Look for the cause first; a cause that is still there is latched again.",
        _NO_CAR,
        _NO_CAR,
        4.0,
        _plain(steps.clear_latched),
    ),
    BringupCommand(
        "enable",
        "power_module",
        "The module is switched on with 0 A for 3 s, the contactor stays open. Up to 50 V may be at its terminals.",
        (*_POWERING, Need.NO_VOLTAGE),
        _POWERING,
        25.0,
        lambda device, _: steps.module_enable(device.name),
    ),
    BringupCommand(
        "voltage",
        "power_module",
        "The module holds a voltage of at most 50 V at its terminals for 3 s, the contactor stays open.",
        (*_POWERING, Need.NO_VOLTAGE),
        (*_POWERING, Need.NO_VOLTAGE),
        25.0,
        lambda device, value: steps.module_voltage(device.name, steps.TEST_VOLTAGE_MAX_V if value is None else value),
        "V, more than 0 and at most 50",
    ),
    BringupCommand(
        "self-test",
        "insulation_monitor",
        "The insulation monitor tests itself. That takes up to 40 s.",
        _NO_CAR,
        _NO_CAR,
        45.0,
        _plain(steps.insulation_self_test),
    ),
    BringupCommand(
        "measure",
        "insulation_monitor",
        "The insulation monitor measures for 5 s and is switched off. It puts its own measuring voltage on the output.",
        _NO_CAR,
        _NO_CAR,
        14.0,
        _plain(steps.insulation_measure),
    ),
    BringupCommand(
        "lamps",
        "indicator",
        "Each lamp is lit alone for 2 s: green, blue, red. Look at them. Nothing is switched.",
        _NO_CAR,
        _NO_CAR,
        10.0,
        _plain(steps.lamps),
    ),
    BringupCommand(
        "relays",
        "matrix",
        "The contactors of the matrix close and open one by one, with every module off and no voltage.",
        _SWITCHING,
        _SWITCHING,
        120.0,
        lambda device, _: steps.relays(device.links),
    ),
)


def commands_for(device: DeviceUnderTest) -> tuple[BringupCommand, ...]:
    """What can be done with this device: a meter and a reader of cards are only read."""
    has = device.parts | {device.kind}
    return tuple(command for command in COMMANDS if command.part in has)


def chosen(commands: Iterable[BringupCommand], text: str) -> tuple[BringupCommand, float | None]:
    """The command of `NAME` or `NAME=VALUE`. Raises ValueError that names what is known."""
    name, separator, number = text.partition("=")
    found = {command.name: command for command in commands}
    if name not in found:
        raise ValueError(f"{name!r} is no command of this device; known are: {', '.join(found) or 'none'}")
    command = found[name]
    if not separator:
        return command, None
    if not command.value:
        raise ValueError(f"{text!r}: {name} takes no value; write {name}")
    try:
        return command, float(number)
    except ValueError:
        raise ValueError(f"{text!r}: {number!r} is no number; {name} takes {command.value}") from None
