"""The power process keeps the configured powers itself, whatever the daemon demands: it trusts nobody."""

import pytest

from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, ControlPilot, Lock, Stage
from chargepoint.model.limits import Interval, rated
from chargepoint.ports import InsulationState, PowerModuleCapabilities, Reversal
from chargepoint.power.dc_sequence import DcSequence
from chargepoint.power.ramp import Ramp
from chargepoint.power.sequence import SequenceInputs
from chargepoint.safety.envelope import Envelope
from tests.joined.orders import dc_order

MODULE = PowerModuleCapabilities(0.0, 1000.0, 100.0, 100.0, 60_000.0, 60_000.0, 1000.0, Reversal.SEAMLESS, 0.0, None)
VOLTAGE_V = 400.0


def settled_current_A(envelope: Envelope, power_W: float) -> float:
    sequence = DcSequence(envelope, Ramp(1000.0, Reversal.SEAMLESS, 0.0))
    now_s, voltage_V, out = 0.0, 0.0, None
    for tick in range(3000):
        phase = Phase.CABLE_CHECK
        if sequence.stage is not Stage.OFF and sequence.stage is not Stage.CABLE_CHECK:
            phase = Phase.PRE_CHARGE if sequence.stage in (Stage.CABLE_CHECKED, Stage.PRE_CHARGE) else Phase.TRANSFER
        demand = StageDemand(
            EvseId(1), tick, 0.5, phase, PilotCommand.PWM, 5.0, True, power_W, Interval(-1e6, 1e6), order=dc_order(450.0, VOLTAGE_V, 300.0, 100.0, 100.0),
        )  # fmt: skip
        out = sequence.step(
            SequenceInputs(
                now_s, demand, None, ControlPilot.C, Lock.LOCKED,
                Contactor.CLOSED if out is not None and out.io.contactor else Contactor.OPEN,
                voltage_V, 0.0, InsulationState(1e6, True, True, True), MODULE, 30.0,
            )
        )  # fmt: skip
        if sequence.stage is Stage.TRANSFER:
            voltage_V = VOLTAGE_V
        else:
            voltage_V = out.module.voltage_max_V if out.module.output_on else 0.0
        now_s += 0.01
    assert out is not None
    assert out.stage is Stage.TRANSFER
    return out.module.current_A


@pytest.mark.parametrize(
    ("power_W", "current_A"), [(30_000.0, 22_000.0 / 400.0), (-30_000.0, -10_000.0 / 400.0), (4000.0, 10.0)]
)
def test_configured_powers_bound_the_demand(power_W: float, current_A: float) -> None:
    envelope = Envelope(rated(920.0, 100.0, charge_power_max_W=22_000.0, discharge_power_max_W=10_000.0))
    assert settled_current_A(envelope, power_W) == pytest.approx(current_A)


def test_an_evse_configured_without_discharge_never_discharges() -> None:
    envelope = Envelope(rated(920.0, 100.0, charge_power_max_W=22_000.0, discharge_power_max_W=0.0))
    assert settled_current_A(envelope, -8000.0) == 0.0
