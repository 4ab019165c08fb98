"""An exception in a driver ends that device: its own fault rises, the others are still ordered, and it may come back."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Stage
from chargepoint.power.device_guard import REST_S
from drivers.modbus.transaction import Priority, WriteRegister
from hil.simulators.registers import sunspec_714
from hil.simulators.registers.device_map import signed_word

FAULT_OF = {
    "pilot": FaultCode.PILOT_BOARD_COMMUNICATION,
    "module": FaultCode.POWER_MODULE_COMMUNICATION,
    "meter": FaultCode.METER_COMMUNICATION,
    "insulation": FaultCode.INSULATION_MONITOR,
}


def driver_of(loop: Any, device: str) -> Any:
    hardware = loop.stage._hw
    if device == "pilot":
        return hardware.io.pilot
    return getattr(hardware if device == "meter" else hardware.outlet, device)


def broken(*_: object) -> Any:
    raise OverflowError("a defect of the driver")


@pytest.mark.parametrize("device", FAULT_OF)
def test_a_driver_whose_poll_raises_is_a_silent_device_and_comes_back(plant_loop: Any, device: str) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    driver = driver_of(loop, device)
    driver.poll = broken
    loop.run(0.5)
    assert FAULT_OF[device] in loop.tripped()
    loop.order(Phase.OFF)
    loop.run(3.0)
    assert not loop.plant.board.outputs & 1
    assert not loop.plant.modules["psu"].output_on or device == "module"
    trouble = dict(loop.stage.identity_errors)[driver.name]
    assert "its driver failed: OverflowError: a defect of the driver" in trouble
    assert FaultCode.INTERNAL not in loop.tripped()
    del driver.poll
    loop.run(REST_S + 3.5)
    assert loop.image.faults == frozenset()


def test_a_driver_that_cannot_say_who_it_is_ends_nothing_but_itself(
    plant_loop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    driver = loop.stage._hw.meter
    monkeypatch.setattr(type(driver), "identity_error", property(broken))
    troubles = dict(loop.stage.identity_errors)
    assert troubles[driver.name].startswith("meter: its driver failed: OverflowError: a defect of the driver")
    assert [trouble for trouble in troubles.values() if trouble] == [troubles[driver.name]]
    monkeypatch.undo()
    loop.order(Phase.OFF)
    loop.run(REST_S + 3.5)
    assert FaultCode.METER_COMMUNICATION in loop.tripped()
    assert loop.image.faults == frozenset()


@pytest.mark.parametrize("device", ["pilot", "module"])
def test_a_driver_that_takes_no_order_opens_the_contactor_all_the_same(plant_loop: Any, device: str) -> None:
    """Its own cyclic writes would repeat the old order for ever: unpolled, the board's watchdog opens."""
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    setattr(driver_of(loop, device), "order" if device == "pilot" else "command", broken)
    loop.run(1.8)
    assert FAULT_OF[device] in loop.tripped()
    assert not (loop.plant.board.positive.closed or loop.plant.board.negative.closed)


@pytest.mark.parametrize("exponent", [400, -400, 11])
def test_an_absurd_scale_exponent_is_no_reading_and_no_exception(
    plant_loop: Any, monkeypatch: pytest.MonkeyPatch, exponent: int
) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    honest = sunspec_714.SunSpec714._block

    def spoiled(meter: Any) -> list[int]:
        registers = honest(meter)
        registers[15:20] = [signed_word(exponent)] * 5
        return registers

    monkeypatch.setattr(sunspec_714.SunSpec714, "_block", spoiled)
    loop.run(2.3)
    assert set(loop.tripped()) == {FaultCode.METER_COMMUNICATION}
    assert loop.slow.master.defects(loop.now_s) == ""
    monkeypatch.undo()
    loop.order(Phase.OFF)
    loop.run(4.0)
    assert loop.image.faults == frozenset()


def test_a_callback_that_raises_leaves_the_wire_and_the_other_devices_alone(plant_loop: Any) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    meter = loop.stage._hw.meter
    whole = meter._polled._decode
    meter._polled._decode = broken
    loop.run(2.3)
    assert set(loop.tripped()) == {FaultCode.METER_COMMUNICATION}
    assert loop.slow.master.defects(loop.now_s) == "unit 21: its driver failed: OverflowError: a defect of the driver"
    loop.order(Phase.OFF)
    meter._polled._decode = whole
    loop.run(4.0)
    assert loop.image.faults == frozenset()


def test_what_a_driver_could_not_do_is_reported_for_a_minute(plant_loop: Any) -> None:
    master = plant_loop.fast.master
    master.submit(WriteRegister(77, 0, 0), broken, Priority.STOP)
    plant_loop.run(0.3)
    assert "unit 77" in master.defects(plant_loop.now_s)
    assert master.defects(plant_loop.now_s + 61.0) == ""
