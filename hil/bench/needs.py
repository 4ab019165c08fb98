"""What a scenario needs of its bench, as it stands in its `bench:` section."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hil.attach.bench_file import BenchFile
from hil.attach.cable import CarCable
from hil.bench.given_site import read_given
from hil.bench.modules import MODULES, USUAL
from hil.bench.port import NotDone
from hil.bench.site import EVSES_MAX, Choices, free_port
from hil.plant.insulation import SELF_TEST_S
from hil.record.line import Json
from hil.simulators.car_files import known_car
from hil.simulators.evcc.plan import PlanError

SDP_PORT = 15118
"""ISO 15118-2, 7.10.1.5; -20 has the same."""


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
    relays: bool = False
    """Relays stand between the ends: the faults `network.…` need them."""
    small_disk: bool = False
    """The controller's state lies on a small file system of its own: the faults `disk.…` need it."""
    csms_tls: bool = False
    """The central system is reached over TLS with a password (security profile 2): the faults `tls.csms_…` need it."""
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

    @property
    def of_the_configuration(self) -> dict[str, object]:
        """What only a configuration that the bench makes can meet, as far as the scenario asks for it."""
        fields = (
            "outlet",
            "car",
            "module",
            "self_test_s",
            "config",
            "control_mode",
            "relays",
            "small_disk",
            "csms_tls",
        )
        plain = BenchNeeds()
        return {name: getattr(self, name) for name in fields if getattr(self, name) != getattr(plain, name)}


def choices_of(needs: BenchNeeds, folder: Path, cables: tuple[CarCable, ...], attached: BenchFile) -> Choices:
    """The choices of a bench that meets these needs, with its cars at these cables. Raises NotDone."""
    if needs.module not in MODULES:
        raise NotDone(f"bench.module = {needs.module!r}: one of {', '.join(MODULES)}")
    for number, part in attached.car.items():
        if part.kind != "simulated" and (needs.plan or needs.car):
            name, value = ("plan", needs.plan) if needs.plan else ("car", needs.car)
            raise NotDone(f"bench.{name} = {value!r}: the car at EVSE {number} is a {part.kind}, and has its own way")
    url = attached.central_system.url
    beyond = [number for number in attached.car if number > needs.evses]
    if beyond and attached.controller.config is None:
        raise NotDone(
            f"car.{beyond[0]} of the bench file: the scenario has {needs.evses} EVSE; ask for more, or leave it out"
        )
    if attached.controller.config is not None:
        return _given(needs, folder, attached)
    try:
        car = None if needs.car is None else known_car(needs.car)
    except PlanError as error:
        raise NotDone(f"bench.{error}") from error
    return Choices(
        folder=folder,
        tls=needs.tls,
        sdp_port=free_port() if attached.all_cars_simulated else SDP_PORT,
        control_mode=needs.control_mode,
        csms_url=url,
        ac=needs.outlet == "ac" or (car is not None and car.is_ac),
        module=needs.module,
        car=car,
        plan=needs.plan,
        self_test_s=needs.self_test_s,
        cables=cables,
        amendments=needs.config,
        relays=needs.relays,
        csms_tls=needs.csms_tls,
        attached=attached,
    )


def _given(needs: BenchNeeds, folder: Path, attached: BenchFile) -> Choices:
    """The controller has a configuration of its own. Raises NotDone where the scenario needs another."""
    assert attached.controller.config is not None
    document = read_given(attached.controller.config)
    evses = document["evse"]
    outlet = next(iter(evses.values())).get("outlet", "dc")
    asked = needs.of_the_configuration
    if asked.get("outlet", outlet) == outlet:
        asked.pop("outlet", None)
    if needs.evses > len(evses):
        asked["evses"] = needs.evses
    if asked:
        name, value = next(iter(asked.items()))
        raise NotDone(
            f"bench.{name} = {value!r}: the bench file names a configuration, which decides this; "
            "take another scenario, or a bench file without [controller] config"
        )
    car = document.get("iso15118", {})
    return Choices(
        folder=folder,
        tls=needs.tls or car.get("tls") == "required",
        sdp_port=int(car.get("sdp_port", SDP_PORT)),
        csms_url=attached.central_system.url,
        ac=outlet == "ac",
        plan=needs.plan,
        attached=attached,
    )
