"""Bounds that need two keys: names that must exist, hardware that must not be shared, a minimum below its maximum."""

from __future__ import annotations

import os.path
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from chargepoint.config.car_section import TlsPolicy
from chargepoint.config.schema import Config, CsmsSection, EvseSection
from chargepoint.model.unusable import Mistake

DC_CONNECTORS = ("cCCS1", "cCCS2", "cMCS")
"""OCPP names of the connectors that carry DC."""

BELOW_MCS_A, BELOW_MCS_W = 500.0, 1_000_000.0
"""The most that a connector other than cMCS carries."""

AC_PHASE_MAX_A = 80.0
"""The largest current of a phase that a control pilot names (IEC 61851-1 Table A.7; docs/sources/safety.md 2, grade B)."""

TOLERATED_RESERVE_PERCENT = 10.0
"""The least state of charge that is kept of a car whose protocol knows no discharge. A rule of the project."""

Defined = Mapping[str, Collection[str]]
"""Names by table, as they stand in the file: a table that was left out because of a mistake in it is defined."""


def cross_check(config: Config, defined: Defined) -> Iterator[Mistake]:
    """What is wrong between keys."""
    yield from _buses(config, defined)
    yield from _evses(config, defined)
    yield from _stacks(config, defined)
    if config.csms.enabled:
        yield from _address(config.csms)
        yield from _security_profile(config.csms)
    yield from _plug_and_charge(config)
    if config.energy.minimum_soc_percent < TOLERATED_RESERVE_PERCENT:
        for key, _, protocol in config.iso15118.discharge_outside:
            yield Mistake(
                ("energy", "minimum_soc_percent"),
                f"= {config.energy.minimum_soc_percent:g} with {key}: at least {TOLERATED_RESERVE_PERCENT:g}, "
                f"because a car of {protocol} names no reserve of its own",
                f"raise it, or remove [iso15118] {key}",
            )
    yield from _site_bus(config)
    yield from _windows(config)
    if len(set(config.energy.ranking)) < len(config.energy.ranking):
        yield Mistake(
            ("energy", "ranking"),
            f"= {list(config.energy.ranking)}: each party stands in it once",
            'write csms, site and driver in the order you want, such as ["csms", "site", "driver"]',
        )
    if config.csms.reconnect_max_s < config.csms.reconnect_min_s:
        yield Mistake(
            ("csms", "reconnect_max_s"),
            f"= {config.csms.reconnect_max_s:g}: at least reconnect_min_s ({config.csms.reconnect_min_s:g})",
            "raise it",
        )
    if config.power.lease_s < 3 * config.power.tick_ms / 1000:  # a demand comes with each tick; two may be late
        yield Mistake(
            ("power", "lease_s"),
            f"= {config.power.lease_s:g}: at least three times tick_ms ({config.power.tick_ms:g})",
            "raise it, or lower tick_ms",
        )


def _windows(config: Config) -> Iterator[Mistake]:
    """Pairs of [power] and [grid] whose first must be below the second: a derating without a span, a window without an inside."""
    power, grid = config.power, config.grid
    pairs = (
        ("power", "module_derate_degC", power.module_derate_degC, "module_stop_degC", power.module_stop_degC),
        ("power", "cabinet_derate_degC", power.cabinet_derate_degC, "cabinet_stop_degC", power.cabinet_stop_degC),
        ("grid", "frequency_low_Hz", grid.frequency_low_Hz, "frequency_high_Hz", grid.frequency_high_Hz),
    )
    for table, key, low, other, high in pairs:
        if low >= high:
            yield Mistake((table, key), f"= {low:g}: below {other} ({high:g})", f"lower it, or raise {other}")


def _site_bus(config: Config) -> Iterator[Mistake]:
    """Files that belong together, and who feeds the fuse guard."""
    bus = config.site_bus
    if bus.enabled:
        secure = (bus.url or "").startswith("mqtts:")
        if (bus.certificate_file is None) != (bus.key_file is None):
            missing = "key_file" if bus.key_file is None else "certificate_file"
            yield Mistake(("site_bus", missing), "is missing: certificate and key belong together", "name both or none")
        for key in ("ca_file", "certificate_file"):
            if not secure and getattr(bus, key) is not None:
                yield Mistake(("site_bus", "url"), f"= {bus.url!r}: {key} needs TLS", "write mqtts://")
        if bus.password_file is not None and bus.username is None:
            yield Mistake(("site_bus", "username"), "is missing beside password_file", "name the user")
        if bus.reconnect_max_s < bus.reconnect_min_s:
            yield Mistake(
                ("site_bus", "reconnect_max_s"),
                f"= {bus.reconnect_max_s:g}: at least reconnect_min_s ({bus.reconnect_min_s:g})",
                "raise it",
            )
    guard = config.fuse_guard
    if guard.fuse_A is not None and guard.meter == "grid_meter" and config.grid.meter is None:
        yield Mistake(
            ("fuse_guard", "meter"),
            "= 'grid_meter': there is no [grid] meter",
            "name the [meter.…] at the station's connection in [grid] meter, or remove fuse_A",
        )
    if guard.fuse_A is not None and guard.meter == "site_bus" and not bus.enabled:
        yield Mistake(
            ("fuse_guard", "meter"),
            "= 'site_bus': there is no [site_bus] url, so the meter's values cannot come",
            "name the broker, or remove fuse_A",
        )


def _plug_and_charge(config: Config) -> Iterator[Mistake]:
    """What contracts of cars need: roots, a secure connection, and somebody who makes certificates."""
    section = config.iso15118
    if section.plug_and_charge and section.certificate_dir is None:
        yield Mistake(
            ("iso15118", "certificate_dir"),
            "is required by plug_and_charge: the roots of contracts lie in its mo_roots",
            "add it",
        )
    for key in ("plug_and_charge", "certificate_installation"):
        if getattr(section, key) and section.tls is TlsPolicy.OFF and not section.plug_and_charge_without_tls:
            yield Mistake(
                ("iso15118", key),
                "= true with tls = 'off': contracts need TLS",
                'write tls = "required", or for a bench plug_and_charge_without_tls = true',
            )
    if section.certificate_installation and not config.csms.enabled:
        yield Mistake(
            ("iso15118", "certificate_installation"),
            "= true without a central system, which alone gets certificates for cars",
            "enable [csms], or remove the key",
        )


def _address(csms: CsmsSection) -> Iterator[Mistake]:
    """What no connection can be made to; the schema has seen that it begins with ws:// or wss://."""
    key = ("csms", "url")
    try:
        parts = urlsplit(csms.url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        yield Mistake(key, f"= {csms.url!r}: {error}", "write ws://HOST:PORT/PATH, with a port from 1 to 65535")
        return
    if not host:
        yield Mistake(key, f"= {csms.url!r}: it names no host", "write ws://HOST:PORT/PATH")
    if parts.username is not None:  # the value is not repeated: it may hold a password
        yield Mistake(
            key, "names a user before the «@»", "remove it: the user is identity, its password in password_file"
        )


def _security_profile(csms: CsmsSection) -> Iterator[Mistake]:
    """What the profile needs of url and files (OCPP 2.0.1 Part 2, A00). Whether the files are good is seen at start."""
    profile, secure = csms.security_profile, csms.url.startswith("wss:")
    if profile >= 2 and not secure:
        yield Mistake(
            ("csms", "url"),
            f"= {csms.url!r} with security_profile {profile}",
            "profiles 2 and 3 need a wss:// address",
        )
    if profile == 1 and secure:
        yield Mistake(
            ("csms", "security_profile"),
            f"= 1 with url {csms.url!r}: 1 is plain ws://",
            "2 (password) or 3 (certificate) for a wss:// address",
        )
    needed = {2: ("password_file",), 3: ("certificate_file", "key_file")}.get(profile, ())
    for key in needed:
        if getattr(csms, key) is None:
            yield Mistake(("csms", key), f"is required by security_profile {profile}", "add it")


def _buses(config: Config, defined: Defined) -> Iterator[Mistake]:
    ports: dict[str, str] = {}
    for name, bus in config.bus.items():
        # as written, links are not followed: the file may be checked where the devices are not
        other = ports.setdefault(os.path.normpath(bus.port), name)
        if other != name:
            yield Mistake(
                ("bus", name, "port"),
                f"= {bus.port!r}: already [bus.{other}]",
                f"a port is one bus: put the devices of both on {other!r}, or name the other port",
            )
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
    if config.grid.meter is not None and config.grid.meter not in defined.get("meter", ()):
        yield Mistake(("grid", "meter"), f"= {config.grid.meter!r}: no such meter", _known("meter", defined))
    for name, matrix in config.matrix.items():
        if matrix.bus not in defined.get("bus", ()):
            yield Mistake(("matrix", name, "bus"), f"= {matrix.bus!r}: no such bus", _known("bus", defined))
    for name, indicator in config.indicator.items():
        if indicator.bus not in defined.get("bus", ()):
            yield Mistake(("indicator", name, "bus"), f"= {indicator.bus!r}: no such bus", _known("bus", defined))
    lines: dict[str, str] = {}
    for name, reader in config.token_reader.items():
        if reader.bus not in defined.get("bus", ()):
            yield Mistake(("token_reader", name, "bus"), f"= {reader.bus!r}: no such bus", _known("bus", defined))
            continue
        other = lines.setdefault(reader.bus, name)
        if other != name:
            yield Mistake(
                ("token_reader", name, "bus"),
                f"= {reader.bus!r}: already [token_reader.{other}]",
                "a reader has a line of its own",
            )


def _evses(config: Config, defined: Defined) -> Iterator[Mistake]:
    owners: dict[tuple[str, str], int] = {}
    for number, evse in config.evse.items():
        if evse.meter is not None and evse.meter == config.grid.meter:
            yield Mistake(
                ("grid", "meter"),
                f"= {evse.meter!r}: the meter of [evse.{number}]",
                "name the meter at the station's connection",
            )
        yield from _outlet(number, evse)
        if evse.interface is not None and owners.setdefault(("interface", evse.interface), number) != number:
            yield Mistake(
                ("evse", number, "interface"),
                f"= {evse.interface!r}: already used by [evse.{owners['interface', evse.interface]}]",
                "each connector has a PLC modem of its own: name its interface, or remove the key",
            )
        yield from _slac(config, number, evse, owners)
        single = (
            ("pilot_board", "pilot", evse.pilot),
            ("meter", "meter", evse.meter),
            ("insulation_monitor", "insulation", evse.insulation),
            ("token_reader", "token_reader", evse.token_reader),
            ("indicator", "indicator", evse.indicator),
        )
        used = [(kind, key, name) for kind, key, name in single if name is not None]
        used += [("power_module", "power_modules", name) for name in dict.fromkeys(evse.power_modules)]
        used += [
            ("pilot_board", key, name)
            for key, name in (("contactors", evse.contactors), ("lock", evse.lock), ("discharge", evse.discharge))
            if name is not None
        ]
        used += [("pilot_board", "safety_inputs", name) for name in evse.safety_inputs]
        twice = sorted({name for name in evse.power_modules if evse.power_modules.count(name) > 1})
        if twice:
            yield Mistake(("evse", number, "power_modules"), f"= {', '.join(twice)!r}: named twice", "name each once")
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


def _slac(config: Config, number: int, evse: EvseSection, owners: dict[tuple[str, str], int]) -> Iterator[Mistake]:
    """What matching by SLAC needs: an interface, cars that are spoken to, and a modem of its own."""
    place: tuple[str | int, ...] = ("evse", number)
    if evse.slac == "none":
        for key, unused in (("slac_interface", None), ("slac_attenuation_offset_dB", 0.0)):
            if getattr(evse, key) != unused:
                text = f"= {getattr(evse, key)!r} with slac = 'none'"
                yield Mistake((*place, key), text, 'write slac = "modem", or remove the key')
        return
    if evse.interface is None:
        text = "is required by slac = 'modem': the conversation follows on it"
        yield Mistake((*place, "interface"), text, "name the network interface of the PLC modem, or remove slac")
    elif not config.iso15118.enabled:
        text = "= 'modem' with [iso15118] enabled = false: a matched car would find nobody to talk to"
        yield Mistake((*place, "slac"), text, "enable [iso15118], or remove slac")
    name = evse.slac_interface or evse.interface
    if name is not None and owners.setdefault(("slac_interface", name), number) != number:
        yield Mistake(
            (*place, "slac_interface"),
            f"= {name!r}: already used by [evse.{owners['slac_interface', name]}]",
            "each connector has a PLC modem of its own: name its interface",
        )


def _stacks(config: Config, defined: Defined) -> Iterator[Mistake]:
    """Each module and each matrix belongs to one stack, and to no EVSE of its own."""
    owners: dict[tuple[str, str], str] = {
        ("power_module", name): f"evse.{number}" for number, evse in config.evse.items() for name in evse.power_modules
    }
    for name, stack in config.stack.items():
        place = f"stack.{name}"
        twice = sorted({module for module in stack.modules if stack.modules.count(module) > 1})
        if twice:
            yield Mistake(("stack", name, "modules"), f"= {', '.join(twice)!r}: named twice", "name each once")
        used = [("power_module", "modules", module) for module in dict.fromkeys(stack.modules)]
        for kind, key, device in (*used, ("matrix", "matrix", stack.matrix)):
            if device not in defined.get(kind, ()):
                yield Mistake(("stack", name, key), f"= {device!r}: no such {kind}", _known(kind, defined))
            elif owners.setdefault((kind, device), place) != place:
                text = f"= {device!r}: already used by [{owners[kind, device]}]"
                yield Mistake(("stack", name, key), text, "each device belongs to one stack or one EVSE")
    for number, evse in config.evse.items():
        if evse.stack is None:
            continue
        if evse.stack not in defined.get("stack", ()):
            yield Mistake(("evse", number, "stack"), f"= {evse.stack!r}: no such stack", _known("stack", defined))
        if evse.power_modules:
            text = f"= {evse.stack!r} beside power_modules: modules are its own or a stack's"
            yield Mistake(("evse", number, "stack"), text, "remove one of the two keys")


def _outlet(number: int, evse: EvseSection) -> Iterator[Mistake]:
    """The devices and ratings that the kind of outlet needs, and those that it cannot have."""
    place: tuple[str | int, ...] = ("evse", number)
    if evse.connector_type != "cMCS":
        for key, most in (
            ("current_max_A", BELOW_MCS_A),
            ("charge_power_max_W", BELOW_MCS_W),
            ("discharge_power_max_W", BELOW_MCS_W),
        ):
            if getattr(evse, key) > most:
                text = f"= {getattr(evse, key)} with connector_type = {evse.connector_type!r}: at most {most:g}"
                yield Mistake((*place, key), text, 'lower it, or write connector_type = "cMCS"')
    if evse.outlet == "dc":
        for key in ("pilot", "power_modules", "meter", "insulation"):
            if not getattr(evse, key) and not (key == "power_modules" and evse.stack is not None):
                yield Mistake((*place, key), "is required by outlet = 'dc'", 'add it, or write outlet = "ac"')
        if evse.connector_type not in DC_CONNECTORS:
            yield Mistake(
                (*place, "connector_type"),
                f"= {evse.connector_type!r} with outlet = 'dc'",
                f"one of {', '.join(DC_CONNECTORS)}",
            )
        return
    for key in ("pilot", "meter"):
        if not getattr(evse, key):
            yield Mistake((*place, key), "is required by outlet = 'ac'", "add it")
    for key in ("power_modules", "stack", "insulation", "discharge"):
        if getattr(evse, key):
            yield Mistake((*place, key), "is of no use with outlet = 'ac'", "remove it: the car converts")
    if evse.connector_type in DC_CONNECTORS:
        yield Mistake(
            (*place, "connector_type"),
            f"= {evse.connector_type!r} with outlet = 'ac'",
            "write cType2 (cable), sType2 (socket) or cType1",
        )
    if evse.current_max_A > AC_PHASE_MAX_A:
        yield Mistake(
            (*place, "current_max_A"),
            f"= {evse.current_max_A:g} with outlet = 'ac': at most {AC_PHASE_MAX_A:g} A of each phase",
            "write the rating of connector, cable and fuse",
        )
    rating_W = evse.ac_phases * evse.ac_voltage_V * evse.current_max_A
    for key in ("charge_power_max_W", "discharge_power_max_W"):
        power_W = getattr(evse, key)
        if power_W > rating_W:
            yield Mistake(
                (*place, key),
                f"= {power_W:g}: at most {rating_W:g} (ac_phases times ac_voltage_V times current_max_A)",
                f"write at most {rating_W:g}, or correct the ratings",
            )


def _known(kind: str, defined: Defined) -> str:
    return f"define [{kind}.NAME] or use one of: {', '.join(defined.get(kind, ())) or 'none'}"
