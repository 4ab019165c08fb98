"""Bounds that need two keys: names that must exist, hardware that must not be shared, a minimum below its maximum."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from chargepoint.config.schema import Config
from chargepoint.model.unusable import Mistake

Defined = Mapping[str, Collection[str]]
"""Names by table, as they stand in the file: a table that was left out because of a mistake in it is defined."""


def cross_check(config: Config, defined: Defined) -> Iterator[Mistake]:
    """What is wrong between keys."""
    yield from _buses(config, defined)
    yield from _evses(config, defined)
    if config.csms.security_profile >= 2 and not config.csms.url.startswith("wss:"):
        yield Mistake(
            ("csms", "url"),
            f"= {config.csms.url!r} with security_profile {config.csms.security_profile}",
            "profiles 2 and 3 need a wss:// address",
        )
    if config.csms.reconnect_max_s < config.csms.reconnect_min_s:
        yield Mistake(
            ("csms", "reconnect_max_s"),
            f"= {config.csms.reconnect_max_s:g}: at least reconnect_min_s ({config.csms.reconnect_min_s:g})",
            "raise it",
        )


def _buses(config: Config, defined: Defined) -> Iterator[Mistake]:
    taken: dict[tuple[str, int], str] = {}
    for kind in ("power_module", "meter", "insulation_monitor", "pilot_board"):
        for name, device in getattr(config, kind).items():
            if device.bus not in defined.get("bus", ()):
                yield Mistake((kind, name, "bus"), f"= {device.bus!r}: no such bus", _known("bus", defined))
                continue
            place = f"[{kind}.{name}]"
            other = taken.setdefault((device.bus, device.unit), place)
            if other != place:
                yield Mistake(
                    (kind, name, "unit"),
                    f"= {device.unit}: already {other} on bus {device.bus!r}",
                    "give each device of a bus its own unit address",
                )
    for name, reader in config.token_reader.items():
        if reader.bus not in defined.get("bus", ()):
            yield Mistake(("token_reader", name, "bus"), f"= {reader.bus!r}: no such bus", _known("bus", defined))


def _evses(config: Config, defined: Defined) -> Iterator[Mistake]:
    owners: dict[tuple[str, str], int] = {}
    for number, evse in config.evse.items():
        used = [
            ("pilot_board", "pilot", evse.pilot),
            ("meter", "meter", evse.meter),
            ("insulation_monitor", "insulation", evse.insulation),
            *(("power_module", "power_modules", name) for name in evse.power_modules),
        ]
        if evse.token_reader is not None and evse.token_reader not in defined.get("token_reader", ()):
            yield Mistake(
                ("evse", number, "token_reader"),
                f"= {evse.token_reader!r}: no such token reader",
                _known("token_reader", defined),
            )
        for kind, key, name in used:
            if name not in defined.get(kind, ()):
                yield Mistake(("evse", number, key), f"= {name!r}: no such {kind}", _known(kind, defined))
            elif owners.setdefault((kind, name), number) != number:
                yield Mistake(
                    ("evse", number, key),
                    f"= {name!r}: already used by [evse.{owners[(kind, name)]}]",
                    "each device belongs to one EVSE",
                )
        if evse.voltage_min_V >= evse.voltage_max_V:
            yield Mistake(
                ("evse", number, "voltage_min_V"),
                f"= {evse.voltage_min_V:g}: below voltage_max_V ({evse.voltage_max_V:g})",
                "lower it",
            )


def _known(kind: str, defined: Defined) -> str:
    return f"define [{kind}.NAME] or use one of: {', '.join(defined.get(kind, ())) or 'none'}"
