"""The sensors of a connector by name, and how one is made to show something else than the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.evse import EvsePlant
from hil.plant.sensor_error import Errors, SensorError

Places = Iterable[tuple[Errors, str]]
"""Of each device that measures it: where its errors are kept, and under which quantity."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """`unit`: of what it shows. `at_ac_outlets`: an AC connector has it too."""

    unit: str
    places: Callable[[Any], Places]
    at_ac_outlets: bool = False


SENSORS: dict[str, Sensor] = {
    "meter_voltage": Sensor("V", lambda evse: [(evse.meter.errors, "voltage")]),
    "meter_current": Sensor("A", lambda evse: [(evse.meter.errors, "current")]),
    "meter_energy": Sensor("Wh", lambda evse: [(evse.meter.errors, "energy")], at_ac_outlets=True),
    "module_voltage": Sensor("V", lambda evse: [(module.errors, "voltage") for module in evse.modules.values()]),
    "module_current": Sensor("A", lambda evse: [(module.errors, "current") for module in evse.modules.values()]),
    "insulation": Sensor("ohm", lambda evse: [(evse.insulation.errors, "insulation")]),
    "positive_temperature": Sensor("K", lambda evse: [(evse.board.errors, "positive")], at_ac_outlets=True),
    "negative_temperature": Sensor("K", lambda evse: [(evse.board.errors, "negative")], at_ac_outlets=True),
    "cabinet_temperature": Sensor("K", lambda evse: [(evse.board.errors, "cabinet")], at_ac_outlets=True),
}


def distort(connector: EvsePlant | AcOutletPlant, name: str, make: Callable[[], SensorError] | None) -> None:
    """Give this sensor an error, or (None) take it away. Raises KeyError for a sensor that the connector does not have."""
    sensor = SENSORS[name]
    if isinstance(connector, AcOutletPlant) and not sensor.at_ac_outlets:
        raise KeyError(name)
    connector.drifting.pop(name, None)
    kept = []
    for errors, quantity in sensor.places(connector):
        errors.pop(quantity, None)
        if make is not None:
            errors[quantity] = make()
            kept.append(errors[quantity])
    if kept:
        connector.drifting[name] = tuple(kept)
