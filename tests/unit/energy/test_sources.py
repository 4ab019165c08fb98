"""What the station itself contributes: hardware, car, driver, site, default."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.energy import sources
from chargepoint.energy.arbiter import Arbiter
from chargepoint.model.car import CarDemand, CarEnergy, ControlMode, EnergyService
from chargepoint.model.demand import Phase, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, ControlPilot, EvseImage, Lock, Stage, StageCapabilities
from chargepoint.model.limits import Interval, PowerLimits

EVSE = EvseId(1)
LIMITS = PowerLimits(280.0, 450.0, 125.0, 50.0, 50_000.0, 18_000.0)
CAPABILITIES = StageCapabilities(150.0, 1000.0, 32.0, 30.0, 22_000.0, 20_000.0)
IMAGE = EvseImage(
    evse_id=EVSE, seq=0, taken_at_s=100.0, demand_seq=0, phase=Phase.OFF, stage=Stage.OFF, pilot=ControlPilot.B,
    duty_percent=5.0, contactor=Contactor.OPEN, lock=Lock.LOCKED, voltage_V=400.0, current_A=0.0, applied_W=0.0,
    target_W=0.0, limited_by_stage="", insulation_ohm=None, meter=None, temperature_degC=None,
    capabilities=CAPABILITIES, faults=frozenset(), permitted=True,
)  # fmt: skip


def car(
    service: EnergyService = EnergyService.DC_BPT,
    mode: ControlMode = ControlMode.DYNAMIC,
    phase: Phase = Phase.TRANSFER,
    limits: PowerLimits = LIMITS,
    target_A: float | None = None,
    energy: CarEnergy | None = None,
) -> CarDemand:
    return CarDemand(EVSE, 100.0, phase, service, mode, limits, energy or CarEnergy(), target_current_A=target_A)


def limits_of(demand: CarDemand) -> Interval:
    """What the car's words alone leave, with hardware that can do anything."""
    arbiter = Arbiter(EVSE)
    everything = replace(IMAGE, capabilities=StageCapabilities(0, 1e9, 1e9, 1e9, 1e9, 1e9))
    hardware = sources.of_hardware(everything)
    assert hardware is not None
    arbiter.replace("hardware", [hardware])
    arbiter.replace("car", sources.of_car(demand, 400.0))
    return arbiter.decide(100.0).limits_W


def test_hardware_speaks_its_ratings_for_the_life_of_an_image() -> None:
    said = sources.of_hardware(IMAGE)
    assert said is not None
    assert (said.limits_W, said.valid_until_s) == (Interval(-20_000, 22_000), 100.5)
    assert sources.of_hardware(replace(IMAGE, capabilities=None)) is None


@pytest.mark.parametrize(("service", "low"), [(EnergyService.DC_BPT, -18_000), (EnergyService.DC, 0)])
def test_only_a_bidirectional_service_gives_back(service: EnergyService, low: float) -> None:
    assert limits_of(car(service)) == Interval(low, 50_000)


@pytest.mark.parametrize(
    ("energy", "limits"),
    [
        (CarEnergy(min_v2x_Wh=1.0, max_v2x_Wh=5000), Interval(0, 50_000)),
        (CarEnergy(min_v2x_Wh=-1.0, max_v2x_Wh=5000), Interval(-18_000, 50_000)),
        (CarEnergy(min_v2x_Wh=-5000, max_v2x_Wh=-1.0), Interval(-18_000, 0)),
        (CarEnergy(max_Wh=0.0), Interval(-18_000, 0)),
        (CarEnergy(max_Wh=1.0), Interval(-18_000, 360)),
        (CarEnergy(max_Wh=0.001), Interval(-18_000, 0.36)),
        (CarEnergy(max_Wh=500.0), Interval(-18_000, 50_000)),
        (CarEnergy(max_Wh=-3.0, min_v2x_Wh=5.0), Interval(0, 0)),
    ],
)
def test_the_v2x_window_decides_the_direction(energy: CarEnergy, limits: Interval) -> None:
    assert limits_of(car(energy=energy)) == limits


@given(st.floats(0.001, 300.0))
def test_the_last_energy_fades_out_instead_of_coming_and_going(wanted_Wh: float) -> None:
    """A car that takes what it is given, four loops a second: power never grows again, and ends near nothing."""
    given_W = []
    for _ in range(400):
        given_W.append(limits_of(car(energy=CarEnergy(max_Wh=wanted_Wh))).high)
        wanted_Wh -= given_W[-1] * 0.25 / 3600.0
    assert given_W == sorted(given_W, reverse=True)
    assert given_W[-1] < 10.0


@pytest.mark.parametrize(("phase", "life_s"), [(Phase.TRANSFER, 0.5), (Phase.PRE_CHARGE, 60.0), (Phase.OFF, 60.0)])
def test_the_cars_word_lives_as_long_as_its_timer(phase: Phase, life_s: float) -> None:
    assert {c.valid_until_s for c in sources.of_car(car(phase=phase), 400.0)} == {100.0 + life_s}


@pytest.mark.parametrize(
    ("target_A", "voltage_V", "asked_W"),
    [(12.0, 400.0, 4800.0), (-10.0, 400.0, -4000.0), (None, 400.0, 0.0), (12.0, None, 0.0), (1e131, 1000.0, 1e134)],
)
def test_a_scheduled_car_asks_for_its_current(target_A: float | None, voltage_V: float | None, asked_W: float) -> None:
    said = sources.of_car(car(mode=ControlMode.SCHEDULED, target_A=target_A), voltage_V)
    assert [c.target_W for c in said if c.target_W is not None] == [asked_W]


def test_a_dynamic_car_leaves_the_amount_to_the_station() -> None:
    assert all(c.target_W is None for c in sources.of_car(car(target_A=5.0), 400.0))


def test_a_scheduled_car_that_has_not_asked_yet_gets_nothing_whoever_wants_it() -> None:
    arbiter = Arbiter(EVSE)
    hardware = sources.of_hardware(IMAGE)
    assert hardware is not None
    said = sources.of_car(car(mode=ControlMode.SCHEDULED), 400.0)
    arbiter.replace("hardware", [hardware])
    arbiter.replace("car", said)
    arbiter.replace("default", [sources.of_default(EVSE, 22_000.0, 200.0)])
    setpoint = arbiter.decide(100.0)
    assert (setpoint.power_W, setpoint.decided_by) == (0.0, Source.CAR)


@pytest.mark.parametrize(("soc", "kept"), [(None, False), (20.1, False), (20.0, True), (3.0, True)])
def test_the_driver_keeps_a_reserve(soc: float | None, kept: bool) -> None:
    said = sources.of_driver(EVSE, soc, 20.0, 200.0)
    assert (said is not None) is kept
    if said is not None:
        assert said.limits_W is not None
        assert said.limits_W.low == 0.0
        assert "20 %" in said.reason


@given(
    st.builds(
        PowerLimits,
        *[st.floats(0, 1e134)] * 6,
    ),
    st.sampled_from(list(EnergyService)),
    st.sampled_from(list(ControlMode)),
    st.none() | st.floats(-1e131, 1e131),
)
def test_no_car_moves_the_setpoint_outside_the_hardware(
    limits: PowerLimits, service: EnergyService, mode: ControlMode, target_A: float | None
) -> None:
    arbiter = Arbiter(EVSE)
    hardware = sources.of_hardware(IMAGE)
    assert hardware is not None
    said = sources.of_car(car(service, mode, limits=limits, target_A=target_A), 1000.0)
    arbiter.replace("hardware", [hardware])
    arbiter.replace("car", said)
    arbiter.replace("default", [sources.of_default(EVSE, 22_000.0, 200.0)])
    setpoint = arbiter.decide(100.0)
    assert -20_000 <= setpoint.limits_W.low <= setpoint.power_W <= setpoint.limits_W.high <= 22_000
    if not service.bidirectional:
        assert setpoint.power_W >= 0
