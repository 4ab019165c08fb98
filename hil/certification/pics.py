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
    _exactly(file, "[configured]", table, {entry.name for entry in fields(ConfiguredValues)})
    values: dict[str, Any] = {}
    for entry in fields(ConfiguredValues):
        value, where = table[entry.name], f"[configured] {entry.name}"
        if entry.type == "Token":
            _exactly(file, where, value, {"value", "kind"})
            value = Token(**value)
        elif entry.type == "dict[int, int]":
            value = {int(key): int(count) for key, count in value.items()}
        elif entry.type == "tuple[str, ...]" and isinstance(value, list):
            value = tuple(str(item) for item in value)
        elif entry.type == "float" and isinstance(value, int | float) and not isinstance(value, bool):
            value = float(value)
        elif type(value).__name__ != entry.type:
            raise PicsError(f"{file}: {where} = {value!r}: {entry.type} is expected")
        values[entry.name] = value
    return ConfiguredValues(**values)


def _exactly(file: Path, where: str, table: Any, known: set[str]) -> None:
    """Raises PicsError unless the table has these keys and no other."""
    if not isinstance(table, dict):
        raise PicsError(f"{file}: {where} = {table!r}: a table is expected")
    if missing := sorted(known - table.keys()):
        raise PicsError(f"{file}: {where}: {missing[0]} is missing; give it a value ({len(missing)} missing in all)")
    if unknown := sorted(table.keys() - known):
        raise PicsError(f"{file}: {where}: {unknown[0]} is unknown; remove it, or correct its name")
