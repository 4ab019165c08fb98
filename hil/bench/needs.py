"""What a scenario needs of its bench, as it stands in its `bench:` section."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hil.attach.cable import CarCable
from hil.bench.modules import MODULES, USUAL
from hil.bench.port import NotDone
from hil.bench.site import EVSES_MAX, Choices, free_port
from hil.plant.insulation import SELF_TEST_S
from hil.record.line import Json
from hil.simulators.car_files import known_car
from hil.simulators.evcc.plan import PlanError


class BenchNeeds(BaseModel):
    """Every field has a default: a station like the demo's, with one EVSE."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    evses: int = Field(1, ge=1, le=EVSES_MAX)
    """So many EVSEs, each with a car of its own."""
    outlet: Literal["dc", "ac"] = "dc"
    car: str | None = None
    """A car of hil/simulators/cars; None: our own car of ISO 15118-20."""
    plan: dict[str, Any] = Field(default_factory=dict)
    """What the car does beside charging (docs/virtual-car.md)."""
    tls: bool = False
    control_mode: Literal["dynamic", "scheduled"] = "dynamic"
    module: str = USUAL
    """Which power module: a row of hil/bench/modules.py."""
    self_test_s: float = Field(SELF_TEST_S, ge=0.0, le=60.0)
    """How long a self-test of the insulation monitor takes."""
    config: tuple[tuple[str, str], ...] = ()
    """Pairs: a line of the controller's configuration, and the lines in its place."""

    @classmethod
    def read(cls, needs: Mapping[str, Json]) -> BenchNeeds:
        """Raises NotDone with every mistake."""
        try:
            return cls.model_validate(needs)
        except ValidationError as error:
            mistakes = [f"bench.{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            raise NotDone("; ".join(mistakes)) from error


def choices_of(needs: BenchNeeds, folder: Path, cables: tuple[CarCable, ...]) -> Choices:
    """The choices of a bench that meets these needs, with its cars at these cables. Raises NotDone."""
    if needs.module not in MODULES:
        raise NotDone(f"bench.module = {needs.module!r}: one of {', '.join(MODULES)}")
    try:
        car = None if needs.car is None else known_car(needs.car)
    except PlanError as error:
        raise NotDone(f"bench.{error}") from error
    ac = needs.outlet == "ac" or (car is not None and car.is_ac)
    return Choices(
        folder=folder,
        tls=needs.tls,
        sdp_port=free_port(),
        control_mode=needs.control_mode,
        ac=ac,
        module=needs.module,
        car=car,
        plan=needs.plan,
        self_test_s=needs.self_test_s,
        cables=cables,
        amendments=needs.config,
    )
