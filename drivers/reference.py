"""The reference of drivers, profiles and their parameters: the last part of docs/configuration.md, held by a test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chargepoint.model.indicator import Lamp
from drivers.gpio.io_lines import CONTACTOR, DISCHARGE, LOCK, OUTPUTS, SIGNALS
from drivers.pilot.generic_io import WATCHDOG_MS, WATCHDOG_MS_BOUNDS
from drivers.power_module.can_family import FAMILIES, rows_for_people
from drivers.profile.load import PROFILES, shipped
from drivers.profile.schema import Param
from drivers.token.line import DEFAULT_PATTERN


@dataclass(frozen=True, slots=True)
class ParamRow:
    """One parameter as a reader sees it."""

    name: str
    kind: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class DriverRow:
    """One driver: what it is for, the class of profiles it takes, its own parameters."""

    meaning: str
    profile_class: tuple[str, ...] = ()
    params: tuple[ParamRow, ...] = ()


_REPEAT = ParamRow("repeat_s", "number, ≥ 0, ≤ 60", "`2`", "the same token within this time counts as one")

_DRIVERS: dict[tuple[str, str], DriverRow] = {
    ("power_module", "profile"): DriverRow("a power module, its registers described by a profile", ("psu_dc",)),
    **{
        ("power_module", name): DriverRow(
            family.meaning, params=tuple(ParamRow(**row) for row in rows_for_people(family))
        )
        for name, family in FAMILIES.items()
    },
    ("meter", "profile"): DriverRow(
        "an energy meter, its registers described by a profile", ("powermeter", "powermeter_ac")
    ),
    ("insulation_monitor", "bender"): DriverRow(
        "a Bender insulation monitor, its registers described by a profile", ("imd",)
    ),
    ("insulation_monitor", "dold"): DriverRow(
        "a Dold insulation monitor, described by the profile `dold_rn5893`", ("imd",)
    ),
    ("pilot_board", "generic_io"): DriverRow(
        "the pilot/IO board of docs/hardware.md",
        params=(
            ParamRow(
                "watchdog_ms",
                f"whole number, ≥ {WATCHDOG_MS_BOUNDS[0]}, ≤ {WATCHDOG_MS_BOUNDS[1]}",
                f"`{WATCHDOG_MS}`",
                "the board opens the contactor by itself when the power process has been silent for so long",
            ),
        ),
    ),
    ("pilot_board", "ac_controller"): DriverRow(
        "the charge controller of an AC outlet, its registers described by a profile; it has the pilot alone, so `contactors` and "
        "`safety_inputs` name other devices",
        ("ac_controller",),
    ),
    ("pilot_board", "gpio"): DriverRow(
        "contactors, lock, discharge and safety inputs on the lines of a GPIO chip; each part is there when its lines are named",
        params=tuple(
            ParamRow(name, 'line, as in `17` or `"17 low pull-up"`', "none", meaning)
            for name, meaning in (
                *((name, "input, active while all is well") for name in sorted(SIGNALS)),
                *(
                    (name, "output" if name in OUTPUTS else "input, active while closed or locked")
                    for name in (*CONTACTOR, *LOCK, *DISCHARGE)
                ),
            )
        ),
    ),
    ("matrix", "gpio"): DriverRow(
        "the contactors between the modules of a stack and the EVSEs, on the lines of a GPIO chip",
        params=(
            ParamRow(
                "MODULE_to_EVSE",
                'line, as in `17` or `"17 low"`',
                "none",
                "output that closes the contactor of this module at this EVSE, such as `psu1_to_2`",
            ),
            ParamRow(
                "MODULE_to_EVSE_feedback",
                'line, as in `18` or `"18 low pull-up"`',
                "required by each",
                "input, active while that contactor is closed",
            ),
        ),
    ),
    ("indicator", "gpio"): DriverRow(
        "the lamps of one connector on the lines of a GPIO chip; a lamp without a line stays dark",
        params=tuple(
            ParamRow(
                lamp.value,
                'line, as in `5` or `"5 low open-drain"`',
                "none",
                f"output, active while {lamp.value} is lit",
            )
            for lamp in Lamp
        ),
    ),
    ("token_reader", "line"): DriverRow(
        "an RFID reader that writes each token as a line of text, or types it as a keyboard",
        params=(
            ParamRow(
                "pattern",
                "text",
                f"`{DEFAULT_PATTERN}`".replace("|", "\\|"),
                "regular expression; its first group is the token",
            ),
            _REPEAT,
        ),
    ),
    ("token_reader", "pn532"): DriverRow("an RFID reader chip PN532 on a serial line of its own", params=(_REPEAT,)),
}


def markdown(known: Iterable[tuple[str, str]]) -> str:
    """The page's part about `known` drivers (kind, driver), and every shipped profile."""
    return "".join((*_drivers(known), *_profiles()))


def _drivers(known: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield "\n## Drivers\n\nWhat `driver` may be, by table. A parameter stands in the device's `params`.\n"
    for kind, driver in known:
        row = _DRIVERS[kind, driver]
        yield f'\n### [{kind}.NAME] driver = "{driver}"\n\n{row.meaning[:1].upper()}{row.meaning[1:]}.'
        if row.profile_class:
            names = ", ".join(f"`{name}`" for name in _names(row.profile_class))
            yield f" `profile` is required: {names}, or the path of a `.toml` file."
        yield "\n"
        yield from _table(row.params)


def _profiles() -> Iterator[str]:
    yield "\n## Profiles\n\nRegister profiles that come with the drivers (`drivers/profiles/README.md` describes the format).\n"
    for name in sorted(file.stem for file in PROFILES.glob("*.toml")):
        profile = shipped(name)
        yield f'\n### profile = "{name}"\n\n{profile.vendor} {profile.model} (`{profile.device_class}`).\n'
        if profile.controller is not None:
            yield f"\nIts state counts for {profile.controller.max_age_s:g} s: after that the contactor opens.\n"
        if profile.unverified:
            yield f"\nNot verified: {'; '.join(profile.unverified)}.\n"
        yield from _table(tuple(_param_row(param) for param in profile.params.values()))


def _names(device_class: tuple[str, ...]) -> list[str]:
    names = sorted(file.stem for file in PROFILES.glob("*.toml"))
    return [name for name in names if shipped(name).device_class in device_class]


def _table(rows: tuple[ParamRow, ...]) -> Iterator[str]:
    if not rows:
        yield "\nNo parameters.\n"
        return
    yield "\n| parameter | kind | default | meaning |\n|---|---|---|---|\n"
    for row in rows:
        yield f"| `{row.name}` | {row.kind} | {row.default} | {row.meaning} |\n"


def _param_row(param: Param) -> ParamRow:
    if isinstance(param.default, bool):
        return ParamRow(param.name, "true or false", str(param.default).lower(), param.meaning)
    bounds = [f"{sign} {value:g}" for sign, value in (("≥", param.low), ("≤", param.high)) if value is not None]
    default = "**required**" if param.default is None else f"`{param.default:g}`"
    return ParamRow(param.name, ", ".join(("number", *bounds)), default, param.meaning)
