"""What a station claims and how it is configured for the test: its protocol implementation conformance statement (PICS).

A TOML file has three tables. `[profiles]` says which profiles the station claims. `[features]` gives each feature of Part 5 a value.
`[configured]` has the values Part 6 calls configured. A missing or unknown key is an error that names file, table and key.
"""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hil.certification.condition import FeatureValue

FEATURES_FILE = Path(__file__).parent / "data" / "features.csv"
OWN_FILE = Path(__file__).parent / "data" / "pics.toml"
PROFILES = (
    "Core",
    "AdvancedSecurity",
    "LocalAuthList",
    "SmartCharging",
    "AdvancedDeviceManagement",
    "AdvancedUserInterface",
    "Reservation",
    "ISO15118Support",
)
_KINDS: dict[str, type] = {"flag": bool, "number": int, "list": list}


class PicsError(ValueError):
    """A statement that cannot be used: file, table, key, and what is expected there."""


@dataclass(frozen=True, slots=True)
class Token:
    """An idToken as a driver presents it."""

    value: str
    kind: str = "ISO14443"

    @property
    def wire(self) -> dict[str, str]:
        """As OCPP has it."""
        return {"idToken": self.value, "type": self.kind}


@dataclass(frozen=True, slots=True)
class MonitoredVariable:
    """A variable that cases of block N monitor."""

    component: str
    variable: str
    evse_id: int
    """0: the component belongs to no EVSE."""

    @property
    def wire(self) -> dict[str, Any]:
        """Component and variable, as OCPP has them."""
        component: dict[str, Any] = {"name": self.component}
        if self.evse_id:
            component["evse"] = {"id": self.evse_id}
        return {"component": component, "variable": {"name": self.variable}}

    @property
    def pattern(self) -> dict[str, Any]:
        """What a message about this variable has."""
        place = {"component.evse.id": self.evse_id} if self.evse_id else {}
        return {"component.name": self.component, **place, "variable.name": self.variable}


@dataclass(frozen=True, slots=True)
class MonitoringValues:
    """What the cases of block N monitor: EVSE.Power moves when a car charges, AvailabilityState when a car is plugged in."""

    threshold: MonitoredVariable
    """A number that passes `upper_trigger` upwards and `lower_trigger` downwards when it moves."""
    upper_trigger: float
    upper_quiet: float
    """An upper threshold that is permitted, and that the variable never passes."""
    lower_trigger: float
    limited: MonitoredVariable
    """A number with a maxLimit."""
    beyond_limit: float
    """A value above that maxLimit."""
    numeric: MonitoredVariable
    """A number that moves by more than `delta`."""
    delta: float
    text: MonitoredVariable
    """A variable that is no number."""
    interval_s: int
    """Of periodic monitors: Part 6 calls it the interval of clock-aligned readings."""
    severity: int
    preconfigured_id: int
    """The id of a preconfigured monitor; 0: the station has none."""


@dataclass(frozen=True, slots=True)
class ConfiguredValues:
    """What Part 6 calls configured values, and the patience of the suite."""

    identity: str
    """The station's name in the path of its connection."""
    serial_number: str
    """As BootNotification has it."""
    basic_password: str
    evse_id: int
    """The EVSE most cases use."""
    connector_id: int
    connectors: dict[int, int]
    """How many connectors each EVSE has."""
    connector_type: str
    """Of the configured connector, as ReserveNow has it."""
    valid_token: Token
    second_token: Token
    """Another valid token, of the same group."""
    stranger_token: Token
    """A valid token of no group."""
    master_token: Token
    """A token of the master pass group."""
    group_id: str
    master_group_id: str
    heartbeat_interval_s: int
    offline_threshold_s: int
    transaction_duration_s: float
    """How long energy flows before a case goes on."""
    connection_timeout_s: int
    """What the suite sets EVConnectionTimeOut to."""
    charging_rate_unit: str
    number_phases: int
    """Of charging schedules; 0: left out, as for DC."""
    vendor_id: str
    message_id: str
    answer_within_s: float
    """How long the suite waits for a message that must come."""
    quiet_s: float
    """How long the suite listens where no message may come."""
    unseen_s: float
    """How long the suite waits for something that it cannot see, such as a session that begins while the station is offline."""
    reboot_within_s: float
    """From the order to reset to the next BootNotification."""
    time_tolerance_s: float
    """By how much times may differ; test laboratories take 4 s."""
    idle_measurands: tuple[str, ...]
    """Measurands the station can always measure."""
    charging_measurands: tuple[str, ...]
    """Measurands the station can measure while energy flows."""
    firmware_file: str
    """An image that the station installs; empty: one that our own bench's installer takes."""
    unusable_firmware_file: str
    """An image that the station refuses to install, although it is signed; empty: one that our own bench's installer refuses."""
    log_retry_interval_s: int
    """Between two attempts to upload a log: longer than an attempt, and than `time_tolerance_s`."""
    customer_identifier: str
    """By which the bench makes the station know a customer."""
    monitoring: MonitoringValues
    remote: bool
    """Sessions are begun and ended by the central system, where a case leaves the choice."""

    def every_connector(self) -> list[tuple[int, int]]:
        """(EVSE, connector) of the whole station."""
        return [(evse, number) for evse, count in self.connectors.items() for number in range(1, count + 1)]


@dataclass(frozen=True, slots=True)
class Pics:
    """One station's statement. `features` has the profiles too, each as a flag."""

    features: dict[str, FeatureValue]
    configured: ConfiguredValues


_TABLES: dict[str, type[Any]] = {kind.__name__: kind for kind in (Token, MonitoredVariable, MonitoringValues)}
"""Values of a statement that are tables themselves."""


def known_features(file: Path = FEATURES_FILE) -> dict[str, str]:
    """Each feature id with the kind of its value: `flag`, `number` or `list`."""
    with file.open(encoding="utf-8", newline="") as source:
        return {row["id"]: row["kind"] for row in csv.DictReader(source)}


def load(file: Path = OWN_FILE) -> Pics:
    """Read one statement. Raises PicsError, OSError."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise PicsError(f"{file}: {error}") from error
    _exactly(file, "the file", document, {"profiles", "features", "configured"})
    kinds = known_features()
    _exactly(file, "[profiles]", document["profiles"], set(PROFILES))
    _exactly(file, "[features]", document["features"], set(kinds))
    features: dict[str, FeatureValue] = {}
    for table, known in (("profiles", dict.fromkeys(PROFILES, "flag")), ("features", kinds)):
        for key, value in document[table].items():
            features[key] = _feature(file, f"[{table}] {key}", value, known[key])
    return Pics(features, _configured(file, document["configured"]))


def _feature(file: Path, where: str, value: Any, kind: str) -> FeatureValue:
    fits = type(value) is _KINDS[kind]
    if not fits:
        raise PicsError(f"{file}: {where} = {value!r}: a {kind} is expected")
    found: FeatureValue = tuple(str(item) for item in value) if isinstance(value, list) else value
    return found


def _configured(file: Path, table: dict[str, Any]) -> ConfiguredValues:
    return ConfiguredValues(**_values(file, "[configured]", table, ConfiguredValues))


def _values(file: Path, where: str, table: Any, kind: type[Any]) -> dict[str, Any]:
    """The fields of a dataclass from a table that has exactly these keys. Raises PicsError."""
    _exactly(file, where, table, {entry.name for entry in fields(kind)})
    return {
        entry.name: _value(file, f"{where} {entry.name}", table[entry.name], str(entry.type)) for entry in fields(kind)
    }


def _value(file: Path, where: str, value: Any, kind: str) -> Any:
    """One value as its field has it. Raises PicsError."""
    if kind in _TABLES:
        return _TABLES[kind](**_values(file, where, value, _TABLES[kind]))
    if kind == "dict[int, int]":
        return {int(key): int(count) for key, count in value.items()}
    if kind == "tuple[str, ...]" and isinstance(value, list):
        return tuple(str(item) for item in value)
    if kind == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if type(value).__name__ != kind:
        raise PicsError(f"{file}: {where} = {value!r}: {kind} is expected")
    return value


def _exactly(file: Path, where: str, table: Any, known: set[str]) -> None:
    """Raises PicsError unless the table has these keys and no other."""
    if not isinstance(table, dict):
        raise PicsError(f"{file}: {where} = {table!r}: a table is expected")
    if missing := sorted(known - table.keys()):
        raise PicsError(f"{file}: {where}: {missing[0]} is missing; give it a value ({len(missing)} missing in all)")
    if unknown := sorted(table.keys() - known):
        raise PicsError(f"{file}: {where}: {unknown[0]} is unknown; remove it, or correct its name")
