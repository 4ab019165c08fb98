"""What flowed, counted twice: agreeing meters never contradict, wrong ones are found, whatever the registers' resolution."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.image import MeterRegisters
from chargepoint.safety.energy_balance import EnergyBalance, EnergyCount


def registers(import_Wh: float, export_Wh: float, now_s: float = 0.0) -> MeterRegisters:
    return MeterRegisters(import_Wh, export_Wh, 400.0, 0.0, 0.0, now_s)


class Run:
    """A transfer in cycles of 0.1 s; the meter shows whole steps of its resolution, some time late."""

    def __init__(self, gain: float = 1.0, resolution_Wh: float = 1.0, lag_s: float = 0.0) -> None:
        self.count = EnergyCount()
        self.gain, self.resolution_Wh, self.lag = gain, resolution_Wh, round(lag_s / 0.1)
        self.now_s = 100.0
        self.import_Wh, self.export_Wh = 1234.5, 678.9
        self.history: list[MeterRegisters] = []

    def cycle(self, power_W: float, known: bool = True) -> EnergyBalance | None:
        shown = [Wh // self.resolution_Wh * self.resolution_Wh for Wh in (self.import_Wh, self.export_Wh)]
        self.history.append(registers(shown[0], shown[1], self.now_s))
        meter = self.history[max(0, len(self.history) - 1 - self.lag)]
        found = self.count.step(self.now_s, transferring=True, power_W=power_W if known else None, meter=meter)
        self.now_s += 0.1
        energy_Wh = self.gain * power_W * 0.1 / 3600
        self.import_Wh += max(0.0, energy_Wh)
        self.export_Wh += max(0.0, -energy_Wh)
        return found

    def run(self, power_W: float, seconds: float) -> EnergyBalance:
        for _ in range(round(seconds / 0.1)):
            found = self.cycle(power_W)
        assert found is not None
        return found


def test_each_direction_has_its_own_sum() -> None:
    run = Run()
    run.run(7200.0, 100.0)
    found = run.run(-3600.0, 50.0)
    assert found.charged_Wh == pytest.approx(200.0, abs=1.0)
    assert found.discharged_Wh == pytest.approx(50.0, abs=1.0)
    assert (found.imported_Wh, found.exported_Wh) == pytest.approx((200.0, 50.0), abs=1.5)
    assert found.greatest_W == 7200.0


def test_nothing_is_known_outside_a_transfer_and_each_begins_at_zero() -> None:
    run = Run()
    run.run(7200.0, 100.0)
    assert run.count.step(run.now_s, transferring=False, power_W=0.0, meter=registers(0.0, 0.0)) is None
    run.now_s += 1000.0
    assert run.cycle(7200.0) is None
    found = run.cycle(7200.0)
    assert found is not None
    assert found.charged_Wh == pytest.approx(0.2)
    assert found.imported_Wh <= 1.0


def test_it_begins_when_the_meter_was_read() -> None:
    count = EnergyCount()
    assert count.step(1.0, transferring=True, power_W=1e4, meter=None) is None
    assert count.step(9.0, transferring=True, power_W=1e4, meter=registers(5.0, 5.0)) is None
    assert count.step(9.0, transferring=True, power_W=1e4, meter=registers(5.0, 5.0)) == EnergyBalance(greatest_W=1e4)


@given(
    story=st.lists(st.tuples(st.floats(-20_000, 20_000), st.floats(0.2, 60)), min_size=1, max_size=6),
    gain=st.floats(0.97, 1.03),
    resolution_Wh=st.sampled_from([0.001, 0.1, 1.0, 10.0]),
    lag_s=st.floats(0.0, 1.9),
)
def test_a_meter_that_is_right_never_contradicts(
    story: list[tuple[float, float]], gain: float, resolution_Wh: float, lag_s: float
) -> None:
    run = Run(gain, resolution_Wh, lag_s)
    run.cycle(0.0)
    for power_W, seconds in story:
        for _ in range(max(2, round(seconds / 0.1))):
            found = run.cycle(power_W)
            assert found is not None
            assert found.contradiction() is None


@pytest.mark.parametrize("gain", [0.0, 0.5, 0.9, 1.1, 1.5, 10.0])
@pytest.mark.parametrize("power_W", [11_000.0, -10_000.0, 3000.0])
@pytest.mark.parametrize("resolution_Wh", [0.001, 1.0, 10.0])
def test_a_meter_that_is_wrong_is_found(gain: float, power_W: float, resolution_Wh: float) -> None:
    found = Run(gain, resolution_Wh).run(power_W, 1200.0)
    contradiction = found.contradiction()
    assert contradiction is not None
    assert ("out of" if power_W < 0 else "into") in contradiction


def test_a_gap_in_the_modules_readings_counts_at_its_last_power() -> None:
    run = Run()
    run.run(7200.0, 10.0)
    for _ in range(4):
        run.cycle(7200.0, known=False)
    assert run.run(7200.0, 10.0).contradiction() is None
