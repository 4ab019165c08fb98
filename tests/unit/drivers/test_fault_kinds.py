"""A register profile says of a fault bit which kind of fault it is, so that the right code follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chargepoint.model.io import ModuleFault
from drivers.power_module.profiled import ProfiledModule
from drivers.profile.codec import defaults
from drivers.profile.load import PROFILES, parse, shipped
from drivers.profile.schema import FAULT_KINDS, ProfileError

if TYPE_CHECKING:
    from tests.unit.drivers.conftest import ScriptedBus, Table

ALARM = 1 << 2


def kinds(
    scripted_bus: type[ScriptedBus], register_table: type[Table], state: int
) -> tuple[frozenset[ModuleFault], str]:
    """What the driver reports of a generic module whose state register is this: kinds, and the module's words."""
    holding = {0: 0xB1D1, 1: 1} | dict.fromkeys(range(100, 106), 0)
    device = register_table(7, holding, {0: state, 1: 0, 2: 0, 3: 0x7FFF, 4: 0, 5: 0, 6: 0, 7: 0})
    bus = scripted_bus([device])
    profile = shipped("generic_bidirectional")
    module = ProfiledModule("m", profile, defaults(profile), 7, bus.master)
    assert bus.run([module], 5.0, lambda: module.state is not None)
    assert module.state is not None
    return module.state.value.kinds, ", ".join(module.state.value.faults)


@pytest.mark.parametrize(
    ("bit", "kind"),
    [
        (3, ModuleFault.OUTPUT_OVER_VOLTAGE),
        (4, ModuleFault.OUTPUT_OVER_CURRENT),
        (5, ModuleFault.OVER_TEMPERATURE),
        (6, ModuleFault.SHORT_CIRCUIT),
        (8, ModuleFault.FAN),
        (9, ModuleFault.GRID_TRIP),
        (10, ModuleFault.PHASE_LOSS),
        (11, ModuleFault.GRID_VOLTAGE),
        (12, ModuleFault.GRID_FREQUENCY),
    ],
)
def test_a_fault_bit_has_its_kind(
    scripted_bus: type[ScriptedBus], register_table: type[Table], bit: int, kind: ModuleFault
) -> None:
    found, words = kinds(scripted_bus, register_table, ALARM | 1 << bit)
    assert found == {kind}
    assert words.startswith("alarm, ")


def test_an_alarm_without_a_reason_has_no_kind(scripted_bus: type[ScriptedBus], register_table: type[Table]) -> None:
    assert kinds(scripted_bus, register_table, ALARM) == (frozenset(), "alarm")
    assert kinds(scripted_bus, register_table, ALARM | 1 << 7)[0] == frozenset()
    assert kinds(scripted_bus, register_table, 0) == (frozenset(), "")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            '"state.fan" = "fan"\n"state.grid_trip" = "grid-trip"',
            '"state.fan" = "breeze"',
            "one of hardware, over-temperature",
        ),
        ('"state.fan" = "fan"\n"state.grid_trip" = "grid-trip"', '"state.remote" = "fan"', r"not in \[faults\]"),
    ],
)
def test_a_kind_that_is_none_and_a_bit_that_is_no_fault_are_refused(old: str, new: str, words: str) -> None:
    text = (PROFILES / "generic_bidirectional.toml").read_text()
    assert old in text
    with pytest.raises(ProfileError, match=words):
        parse(text.replace(old, new), "changed.toml")


def test_what_only_the_stack_can_see_is_no_kind_of_a_profile() -> None:
    assert set(FAULT_KINDS.values()) == set(ModuleFault) - {ModuleFault.TWO_OUTPUTS}
