"""A reply that may be an old one replaces nothing newer.

After a lost read its registers are read in other forms for some seconds. The first reply in the form of before may be the lost one:
where the registers still hold the same, it is dated as old as the lost one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drivers.modbus.transaction import Outcome, Priority, Read, ReadDone
from drivers.profile.codec import resolve_params
from drivers.profile.load import shipped
from drivers.profile.polled import PolledProfile
from hil.plant.module import ModulePlant
from hil.simulators.registers.ea_psb import EaPsb


class AskedMaster:
    """Takes requests; the test answers the last one of a block."""

    def __init__(self) -> None:
        self.asked: list[tuple[Read, Callable[[Outcome], None]]] = []

    def configure(self, unit: int, timing: object) -> None:
        pass

    def submit(
        self, request: Read, done: Callable[[Outcome], None], priority: Priority, *, not_before_s: float = 0.0
    ) -> None:
        self.asked.append((request, done))


def test_an_older_reply_replaces_nothing() -> None:
    profile, master, seen = shipped("ea_psb_10000"), AskedMaster(), list[tuple[str, float]]()
    own: Any = master
    params = resolve_params(
        profile, {"nominal_voltage_V": 1000.0, "nominal_current_A": 40.0, "nominal_power_W": 30000.0}
    )
    device = PolledProfile("psu1", profile, params, 11, own, lambda block, at_s: seen.append((block, at_s)))
    block = next(block for block in profile.blocks.values() if block.fast and block.every_s is not None)

    def answered(registers: tuple[int, ...], at_s: float, now_s: float, at_address: int = block.start) -> None:
        device.poll(now_s)
        done = [own_done for request, own_done in master.asked if request.address == at_address][-1]
        master.asked.clear()
        done(ReadDone(registers, at_s))

    identity = profile.blocks["identity"]
    shown = EaPsb(11, ModulePlant()).read(3, identity.start, identity.count)
    assert shown is not None
    answered(tuple(shown), 9.9, 9.9, identity.start)
    assert device.identified

    newer, older = tuple(range(block.count)), tuple(range(100, 100 + block.count))
    answered(newer, 10.0, 10.0)
    before = dict(device.values)
    answered(older, 5.0, 10.5)
    assert device.values == before
    assert [at_s for name, at_s in seen if name == block.name] == [10.0]
    answered(older, 10.5, 11.0)
    assert device.values != before
    assert seen[-1] == (block.name, 10.5)
