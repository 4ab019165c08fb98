"""TxStartPoint and TxStopPoint: where records begin and end around the time in which a car may charge; never energy without a record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chargepoint.control.transaction_span import TxPoint, TxPoints
from chargepoint.model.commands import Reset, ResetKind, StartTransaction, StopTransaction
from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.transactions import ChargingState, StopReason, TransactionEventType, TriggerReason

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench

EVSE = EvseId(1)
TOKEN = IdToken("04A1B2C3", IdTokenType.ISO14443)
STARTED, UPDATED, ENDED = (TransactionEventType(kind) for kind in ("Started", "Updated", "Ended"))
IDLE, CONNECTED, CHARGING = ChargingState.IDLE, ChargingState.EV_CONNECTED, ChargingState.CHARGING
Line = tuple[TransactionEventType, TriggerReason, ChargingState, IdToken | None]


@pytest.fixture
def bench_with(new_bench: Callable[..., Bench]) -> Callable[[str, str], Bench]:
    """A bench with these start and stop points."""

    def make(start: str, stop: str = "Authorized,EVConnected") -> Bench:
        bench = new_bench()
        points = TxPoints(frozenset(map(TxPoint, start.split(","))), frozenset(map(TxPoint, stop.split(","))))
        bench.variables = replace(bench.variables, points=points)
        bench.live(0.5, pilot=ControlPilot.A)
        return bench

    return make


def lines(bench: Bench) -> list[Line]:
    """The records, in short; the sequence numbers have no gap and the transaction is one."""
    assert [r.seq_no for r in bench.records] == list(range(len(bench.records)))
    assert len({r.transaction_id for r in bench.records}) <= 1
    return [(r.type, r.trigger, r.charging_state, r.id_token) for r in bench.records]


def known_id(bench: Bench) -> TransactionId | None:
    return bench.evse.evse_state(bench.t).transaction_id


def transfer(bench: Bench) -> None:
    """From begun to power."""
    bench.connect()
    bench.asks(Phase.TRANSFER)
    bench.see(pilot=ControlPilot.C, stage=Stage.TRANSFER, target_W=5000.0)


# -- where it begins -----------------------------------------------------------------------------------------------------


def test_at_the_plug(bench_with: Callable[..., Bench]) -> None:
    """E_09: EVConnected; the token follows in a record of its own (E03.FR.01). C01.FR.01, E02.FR.20."""
    bench = bench_with("EVConnected")
    bench.see(pilot=ControlPilot.B)
    assert lines(bench) == [(STARTED, TriggerReason.CABLE_PLUGGED_IN, CONNECTED, None)]
    assert known_id(bench) == "tx-1"
    assert not bench.evse.station_view().may_energise
    bench.live(1.0)
    bench.present()
    assert lines(bench)[1:] == [(UPDATED, TriggerReason.AUTHORIZED, CONNECTED, TOKEN)]
    assert bench.evse.station_view().may_energise
    assert bench.evse.view.transaction_id == known_id(bench) == "tx-1"


def test_at_the_plug_with_a_remote_start(bench_with: Callable[..., Bench]) -> None:
    """F01.FR.25."""
    bench = bench_with("EVConnected")
    bench.see(pilot=ControlPilot.B)
    assert bench.command(StartTransaction(EVSE, TOKEN, 9, False)).accepted
    assert lines(bench)[1:] == [(UPDATED, TriggerReason.REMOTE_START, CONNECTED, TOKEN)]
    assert bench.records[1].remote_start_id == 9


def test_at_the_token(bench_with: Callable[..., Bench]) -> None:
    """E_10: Authorized; the plug follows."""
    bench = bench_with("Authorized")
    bench.present()
    assert lines(bench) == [(STARTED, TriggerReason.AUTHORIZED, IDLE, TOKEN)]
    assert known_id(bench) == "tx-1"
    assert not bench.evse.station_view().may_energise
    bench.live(1.0)
    bench.see(pilot=ControlPilot.B)
    assert lines(bench)[1:] == [(UPDATED, TriggerReason.CABLE_PLUGGED_IN, CONNECTED, None)]
    assert bench.evse.station_view().may_energise


def test_at_the_token_of_a_plugged_car(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with("Authorized")
    bench.live(0.5, pilot=ControlPilot.B)
    bench.present()
    assert lines(bench) == [(STARTED, TriggerReason.AUTHORIZED, CONNECTED, TOKEN)]


@pytest.mark.parametrize("start", ["Authorized", "Authorized,PowerPathClosed"])
def test_at_a_remote_start(bench_with: Callable[..., Bench], start: str) -> None:
    """E_13. C05.FR.03, FR.05, F02.FR.13."""
    bench = bench_with(start)
    bench.command(StartTransaction(EVSE, TOKEN, 9, False))
    assert lines(bench) == [(STARTED, TriggerReason.REMOTE_START, IDLE, TOKEN)]
    assert bench.records[0].remote_start_id == 9


def test_at_the_first_of_several(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with("EVConnected,Authorized,PowerPathClosed")
    bench.present()
    bench.live(0.5)
    bench.see(pilot=ControlPilot.B)
    assert [line[:2] for line in lines(bench)] == [
        (STARTED, TriggerReason.AUTHORIZED),
        (UPDATED, TriggerReason.CABLE_PLUGGED_IN),
    ]


def test_at_the_first_energy(bench_with: Callable[..., Bench]) -> None:
    """E_02: EnergyTransfer."""
    bench = bench_with("EnergyTransfer")
    bench.begun()
    assert (lines(bench), known_id(bench)) == ([], None)
    assert bench.evse.station_view().may_energise
    transfer(bench)
    assert lines(bench) == [(STARTED, TriggerReason.CHARGING_STATE_CHANGED, CHARGING, TOKEN)]
    assert known_id(bench) == "tx-1"


def test_no_energy_no_bill(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with("EnergyTransfer")
    bench.begun()
    bench.live(1.0, pilot=ControlPilot.A)
    assert lines(bench) == []
    assert bench.control.idle


def test_without_a_reading_no_energy(bench_with: Callable[..., Bench]) -> None:
    """The meter falls silent before the first energy: the session stops instead of running without a record."""
    bench = bench_with("EnergyTransfer")
    bench.begun()
    bench.meter_age_s = None
    bench.live(9.0)
    transfer(bench)
    bench.live(1.0)
    assert lines(bench) == []
    assert bench.evse.view.stop is not None or bench.evse.view.transaction_id is None


# -- where it ends -------------------------------------------------------------------------------------------------------


def test_nobody_comes(bench_with: Callable[..., Bench]) -> None:
    """E03.FR.05, F_04: no car within EVConnectionTimeOut."""
    bench = bench_with("Authorized")
    bench.present()
    bench.live(61.0)
    assert lines(bench)[-1] == (ENDED, TriggerReason.EV_CONNECT_TIMEOUT, IDLE, None)
    assert bench.records[-1].stopped_reason is StopReason.TIMEOUT
    assert known_id(bench) is None
    bench.stored.clear()
    bench.present()
    assert [r.type for r in bench.records] == [STARTED]  # the EVSE is ready for the next


def test_a_car_that_was_never_authorised_leaves(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with("EVConnected")
    bench.live(1.0, pilot=ControlPilot.B)
    bench.live(0.5, pilot=ControlPilot.A)
    assert lines(bench)[-1] == (ENDED, TriggerReason.EV_COMMUNICATION_LOST, IDLE, None)
    assert bench.records[-1].stopped_reason is StopReason.EV_DISCONNECTED


def test_to_the_unplug(bench_with: Callable[..., Bench]) -> None:
    """TxStopPoint EVConnected: after the token the transaction goes on without power until the car is unplugged."""
    bench = bench_with("EVConnected", "EVConnected")
    bench.begun()
    transfer(bench)
    bench.present()
    bench.live(0.5, pilot=ControlPilot.B, stage=Stage.OFF, target_W=0.0)
    bench.live(1.0)
    assert lines(bench)[-1] == (UPDATED, TriggerReason.STOP_AUTHORIZED, CONNECTED, TOKEN)
    assert known_id(bench) == "tx-1"
    assert not bench.evse.station_view().may_energise
    bench.live(0.5, pilot=ControlPilot.A)
    assert lines(bench)[-1] == (ENDED, TriggerReason.EV_COMMUNICATION_LOST, IDLE, None)
    assert bench.records[-1].stopped_reason is StopReason.LOCAL
    assert known_id(bench) is None


def test_only_the_same_token_goes_on_in_the_same_transaction(bench_with: Callable[..., Bench]) -> None:
    """C01.FR.23: another one would let its owner charge on the first one's bill. After the unplug it is taken."""
    bench = bench_with("EVConnected", "EVConnected")
    bench.begun()
    bench.present()
    bench.live(1.0)
    bench.present("04FFFFFF")
    assert lines(bench)[-1][:2] == (UPDATED, TriggerReason.STOP_AUTHORIZED)
    assert not bench.evse.station_view().may_energise
    bench.present()
    assert lines(bench)[-1][:2] == (UPDATED, TriggerReason.AUTHORIZED)
    assert bench.evse.station_view().may_energise
    bench.live(1.0, pilot=ControlPilot.A)
    bench.stored.clear()
    bench.live(1.0, pilot=ControlPilot.B)
    bench.present("04FFFFFF")
    assert [record.trigger for record in bench.records] == [TriggerReason.CABLE_PLUGGED_IN, TriggerReason.AUTHORIZED]


@pytest.mark.parametrize("stop", ["Authorized", "PowerPathClosed", "EnergyTransfer", "Authorized,EVConnected"])
def test_with_the_permission(bench_with: Callable[..., Bench], stop: str) -> None:
    bench = bench_with("PowerPathClosed", stop)
    bench.begun()
    bench.present()
    bench.live(1.0)
    assert lines(bench)[-1] == (ENDED, TriggerReason.STOP_AUTHORIZED, CONNECTED, TOKEN)


def test_when_energy_stops(bench_with: Callable[..., Bench]) -> None:
    """E_22: EnergyTransfer, the car suspends."""
    bench = bench_with("EnergyTransfer", "EnergyTransfer")
    bench.begun()
    transfer(bench)
    bench.connect()
    bench.asks(Phase.TRANSFER)
    bench.see(target_W=0.0)
    bench.live(1.0, stage=Stage.OFF)
    assert lines(bench)[-1][0] is ENDED


@pytest.mark.parametrize("plugged", [False, True])
def test_the_central_system_ends_it_before_the_car_may_charge(bench_with: Callable[..., Bench], plugged: bool) -> None:
    bench = bench_with("EVConnected" if plugged else "Authorized")
    if plugged:
        bench.live(0.5, pilot=ControlPilot.B)
    else:
        bench.present()
    number = known_id(bench)
    assert number is not None
    assert bench.command(StopTransaction(number)).accepted
    assert lines(bench)[-1][:2] == (ENDED, TriggerReason.REMOTE_STOP)
    assert bench.evse.view.token is None
    bench.live(2.0)
    assert lines(bench)[-1][:2] == (ENDED, TriggerReason.REMOTE_STOP)  # and no other begins by itself


def test_a_reset_ends_it(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with("EVConnected")
    bench.live(0.5, pilot=ControlPilot.B)
    bench.command(Reset(ResetKind.IMMEDIATE, None))
    assert lines(bench)[-1][:2] == (ENDED, TriggerReason.RESET_COMMAND)
    bench.pass_time(0.2)
    assert bench.restarts == [ResetKind.IMMEDIATE]


def test_a_reset_when_idle_waits_for_the_unplug(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with("EVConnected")
    bench.live(0.5, pilot=ControlPilot.B)
    bench.command(Reset(ResetKind.ON_IDLE, None))
    bench.live(2.0)
    assert bench.restarts == []
    bench.live(0.5, pilot=ControlPilot.A)
    assert bench.restarts == [ResetKind.ON_IDLE]


def test_a_silent_meter_at_the_plug_puts_the_begin_off(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with("EVConnected")
    bench.meter_age_s = None
    bench.live(9.0, pilot=ControlPilot.B)
    assert lines(bench) == []
    bench.meter_age_s = 0.0
    bench.live(0.5)
    bench.present()
    assert lines(bench)[0] == (STARTED, TriggerReason.AUTHORIZED, CONNECTED, TOKEN)
