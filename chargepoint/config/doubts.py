"""Values that are allowed and hardly meant: a factor of a thousand, a share for a percentage, a bench's setting. Warnings."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from chargepoint.config.car_section import TlsPolicy
from chargepoint.config.schema import AuthorizationMode, Config, CsmsSection, EvseSection
from chargepoint.model.unusable import Mistake

COMMON_BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
"""The rates of termios(3) within the schema's bounds."""

EVSE_ID_SHORTEST = 7
"""Characters of an EVSEID of ISO 15118-2."""

SMALLEST_POWER_W = 500.0
"""Below this a power is rather kilowatts written as watts."""

INSULATION_LIMIT_OHM = 100_000.0
"""IEC 61851-23:2023 6.3.1.105 (docs/sources/safety.md 1.2, grade B)."""


def doubts(config: Config) -> Iterator[Mistake]:
    """What is doubtful in this configuration; nothing of it prevents a start."""
    for name, bus in config.bus.items():
        if bus.baud not in COMMON_BAUDS:
            yield Mistake(
                ("bus", name, "baud"), f"= {bus.baud}: no common rate", f"did you mean {_common_baud(bus.baud)}?"
            )
    for number, evse in config.evse.items():
        yield from _powers(("evse", number), evse, "charge_power_max_W", "discharge_power_max_W")
        yield from _above_the_modules(config, number, evse)
    yield from _numbering(config)
    energy = config.energy
    yield from _powers(("energy",), energy, "site_import_max_W", "site_export_max_W", "default_power_W")
    if 0.0 < energy.minimum_soc_percent <= 1.0:
        share = energy.minimum_soc_percent
        yield Mistake(
            ("energy", "minimum_soc_percent"),
            f"= {share:g}: {share:g} %",
            f"did you mean {100 * share:g} %? Write {100 * share:g}",
        )
    if energy.authorization is AuthorizationMode.NONE:
        yield Mistake(
            ("energy", "authorization"),
            "= 'none': everybody charges",
            'for a bench only: else remove the key, or write "csms"',
        )
    if config.power.insulation_limit_ohm < INSULATION_LIMIT_OHM:
        yield Mistake(
            ("power", "insulation_limit_ohm"),
            f"= {config.power.insulation_limit_ohm:g}: IEC 61851-23 stops power below {INSULATION_LIMIT_OHM:g}",
            "for a bench only: else remove the key",
        )
    if config.iso15118.enabled and config.iso15118.tls_key_log_file is not None:
        yield Mistake(
            ("iso15118", "tls_key_log_file"),
            f"= {str(config.iso15118.tls_key_log_file)!r}: the secrets of every TLS session are written there",
            "for a bench only: else remove the key, and the file",
        )
    if config.iso15118.enabled and config.iso15118.plug_and_charge_without_tls:
        yield Mistake(
            ("iso15118", "plug_and_charge_without_tls"),
            "= true: contracts go over plain TCP, where everybody on the wire reads them",
            "for a bench only: else remove the key",
        )
    speaks = any(evse.interface is not None for evse in config.evse.values())
    keyless = config.iso15118.tls is TlsPolicy.OPTIONAL and config.iso15118.certificate_dir is None
    if speaks and config.iso15118.enabled and keyless:
        yield Mistake(
            ("iso15118", "certificate_dir"),
            "is missing: cars get no TLS, so neither ISO 15118-20 nor Plug and Charge",
            "name the folder with the station's keys; docs/tls.md",
        )
    if config.iso15118.enabled and config.iso15118.iso20_without_tls:
        yield Mistake(
            ("iso15118", "iso20_without_tls"),
            "= true: ISO 15118-20 goes over plain TCP, where everybody on the wire can change it",
            "for a bench only: else remove the key",
        )
    if speaks and config.iso15118.enabled and "iso15118-2" in config.iso15118.protocols:
        yield from _short_evse_ids(config)
    for key, value, protocol in config.iso15118.discharge_outside if config.iso15118.enabled else ():
        yield Mistake(
            ("iso15118", key),
            f"= {value}: cars are discharged in a way that {protocol} does not know",
            "for cars that are known to bear it: else remove the key",
        )
    if config.csms.enabled:
        yield from _central_system(config.csms)


def _short_evse_ids(config: Config) -> Iterator[Mistake]:
    """ISO 15118-2 wants 7 to 37 characters (docs/sources/iso15118-2-din.md 1.1); the longest prefix is within the schema's bound."""
    prefix = config.iso15118.evse_id_prefix
    for number, evse in config.evse.items():
        evse_id = f"{prefix}{number}"
        if evse.interface is not None and len(evse_id) < EVSE_ID_SHORTEST:
            yield Mistake(
                ("iso15118", "evse_id_prefix"),
                f"= {prefix!r}: the EVSEID {evse_id!r} has {len(evse_id)} characters, ISO 15118-2 wants at least {EVSE_ID_SHORTEST}",
                "write a longer prefix, such as DE*OCP*E",
            )
            return


def _common_baud(baud: int) -> int:
    """The rate with the same digits before its zeros (11520 -> 115200), else the nearest one."""
    same = [rate for rate in COMMON_BAUDS if str(rate).rstrip("0") == str(baud).rstrip("0")]
    return same[0] if same else min(COMMON_BAUDS, key=lambda rate: abs(rate - baud))


def _numbering(config: Config) -> Iterator[Mistake]:
    """OCPP 2.0.1 Part 1, «Numbering»: EVSEs are numbered from 1, and no number is skipped."""
    if not config.csms.enabled:
        return
    for right, number in enumerate(sorted(config.evse), start=1):
        if number != right:
            yield Mistake(
                ("evse", number),
                f"is EVSE number {right} of {len(config.evse)}: central systems expect 1, 2, … without a gap",
                f"write [evse.{right}]",
            )
            return


def _powers(table: tuple[str | int, ...], section: object, *keys: str) -> Iterator[Mistake]:
    for key in keys:
        power_W = getattr(section, key)
        if power_W is not None and 0.0 < power_W < SMALLEST_POWER_W:
            kilo = f"{1000 * power_W:g}"
            yield Mistake((*table, key), f"= {power_W:g}: {power_W:g} W", f"did you mean {power_W:g} kW? Write {kilo}")


_NOMINAL = {
    "current_max_A": ("nominal_current_A", "A"),
    "charge_power_max_W": ("nominal_power_W", "W"),
    "discharge_power_max_W": ("nominal_power_W", "W"),
}


def _above_the_modules(config: Config, number: int, evse: EvseSection) -> Iterator[Mistake]:
    """An EVSE rated above its power modules, as far as their parameters say what they give."""
    modules = [config.power_module.get(name) for name in evse.power_modules]
    for key, (param, unit) in _NOMINAL.items():
        nominal = [None if module is None else module.params.get(param) for module in modules]
        given = [float(value) for value in nominal if isinstance(value, int | float) and not isinstance(value, bool)]
        value = getattr(evse, key)
        if given and len(given) == len(nominal) and value > sum(given):
            names = ", ".join(evse.power_modules)
            yield Mistake(
                ("evse", number, key),
                f"= {value:g}: its power modules give {sum(given):g} {unit} ({param} of {names})",
                f"write at most {sum(given):g}, or correct the modules",
            )


def _central_system(csms: CsmsSection) -> Iterator[Mistake]:
    last = unquote(urlsplit(csms.url).path.rstrip("/").rpartition("/")[2])
    if last == csms.identity:
        shorter = csms.url.rstrip("/").rpartition("/")[0]
        yield Mistake(
            ("csms", "url"),
            f"= {csms.url!r}: it ends with the identity, which the station adds itself",
            f"write {shorter!r}",
        )
    if csms.security_profile == 1 and csms.password_file is None:
        yield Mistake(
            ("csms", "security_profile"),
            "= 1 without password_file: anybody who knows the identity can pose as this station",
            "add password_file, or take profile 2 or 3; only a bench goes without",
        )
