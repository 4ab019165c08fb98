"""Cars of the road as files: `hil/simulators/cars/NAME.toml`. What is in a file: docs/cars.md."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from chargepoint.iso15118.exi.codec import NS_ISO2
from hil.simulators.evcc.plan import CarPlan, PlanError, plan_from
from hil.simulators.evcc.spec import CarSpec

FOLDER = Path(__file__).parent / "cars"
_KEYS = ("what", "spec", "plan")


@dataclass(frozen=True, slots=True)
class KnownCar:
    """One file. `spec` holds the fields of `CarSpec` that are not as in an ordinary car."""

    name: str
    what: str
    plan: CarPlan
    spec: dict[str, Any] = field(default_factory=dict)
    plan_data: dict[str, Any] = field(default_factory=dict)
    """The plan as it stands in the file."""

    @property
    def is_ac(self) -> bool:
        """The car comes to an AC outlet."""
        return self.plan.energy[0] == "AC"

    @property
    def may_use_tls(self) -> bool:
        """It offers a protocol that goes over TLS: DIN 70121 does not."""
        return any(offered.namespace == NS_ISO2 for offered in self.plan.protocols)

    def new_spec(self) -> CarSpec:
        """The car's ratings; each call gives new ones, because they may change while it runs."""
        return CarSpec(**self.spec)


def names() -> tuple[str, ...]:
    """Every car there is, in the order of the alphabet."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def known_car(name: str) -> KnownCar:
    """The car of this name. Raises PlanError for another name, and for a file with a mistake."""
    if name not in names():
        raise PlanError(f"car = {name!r}: one of {', '.join(names())}")
    return car_from(name, (FOLDER / f"{name}.toml").read_text())


def car_from(name: str, text: str) -> KnownCar:
    """The car that this TOML text describes. Raises PlanError."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"car {name}: {error}") from error
    for key in found:
        if key not in _KEYS:
            raise PlanError(f"car {name}: {key} = {found[key]!r}: no such key; one of {', '.join(_KEYS)}")
    known = {f.name: type(f.default) for f in fields(CarSpec)}
    spec = found.get("spec", {})
    for key, value in spec.items():
        if key not in known:
            raise PlanError(f"car {name}: spec.{key} = {value!r}: no such field; one of {', '.join(known)}")
        if not isinstance(value, known[key]):
            raise PlanError(f"car {name}: spec.{key} = {value!r}: {known[key].__name__}")
    plan = found.get("plan", {})
    return KnownCar(name, str(found.get("what", "")), plan_from(plan), spec, plan)
