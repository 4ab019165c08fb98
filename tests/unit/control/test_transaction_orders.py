"""Orders and events that end the permission of a transaction: what the records say, and that no power flows from then on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chargepoint.control.effects import AskForToken
from chargepoint.control.transaction_span import TxPoint, TxPoints
from chargepoint.model.car import CarDemandChanged
from chargepoint.model.commands import StartTransaction, StopTransaction, UnlockConnector
from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.transactions import ChargingState, StopReason, TransactionEventType, TriggerReason

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench

EVSE = EvseId(1)
TOKEN = IdToken("04A1B2C3", IdTokenType.ISO14443)
OTHER = IdToken("04FFFFFF", IdTokenType.ISO14443)
STARTED, UPDATED, ENDED = (TransactionEventType(kind) for kind in ("Started", "Updated", "Ended"))


def charging(new_bench: Callable[..., Bench], stop: str, start: str = "PowerPathClosed") -> Bench:
    """A car that charges, with these points."""
    bench = new_bench()
    points = TxPoints(frozenset(map(TxPoint, start.split(","))), frozenset(map(TxPoint, stop.split(","))))
    bench.variables = replace(bench.variables, points=points)
    bench.transferring()
    bench.see(pilot=ControlPilot.C, target_W=5000.0)
    assert bench.evse.station_view().may_energise
    return bench


def off(bench: Bench) -> None:
    """The power stage obeys, and the car stays."""
    bench.live(1.0, pilot=ControlPilot.B, stage=Stage.OFF, target_W=0.0)


def test_deauthorised_without_an_end(new_bench: Callable[..., Bench]) -> None:
    """C15.FR.03, E05.FR.09: TxStopPoint is EVConnected alone, so the transaction goes on without power to the unplug."""
    bench = charging(new_bench, "EVConnected")
    order = StopTransaction(bench.records[0].transaction_id, TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED)
    assert bench.command(order).accepted
    off(bench)
    record = bench.records[-1]
    assert (record.type, record.trigger) == (UPDATED, TriggerReason.DEAUTHORIZED)
    assert record.charging_state is ChargingState.EV_CONNECTED
    assert not bench.evse.station_view().may_energise
    bench.live(0.5, pilot=ControlPilot.A)
    assert (bench.records[-1].type, bench.records[-1].stopped_reason) == (ENDED, StopReason.DEAUTHORIZED)


def test_a_remote_stop_without_an_end(new_bench: Callable[..., Bench]) -> None:
    """F04.FR.02, FR.03: no more energy, unlocked, an Updated record; at the unplug it ends with the reason Remote."""
    bench = charging(new_bench, "EVConnected")
    assert bench.command(StopTransaction(bench.records[0].transaction_id)).accepted
    off(bench)
    assert (bench.records[-1].type, bench.records[-1].trigger) == (UPDATED, TriggerReason.REMOTE_STOP)
    assert bench.demands[-1].phase is Phase.OFF
    bench.live(0.5, pilot=ControlPilot.A)
    assert (bench.records[-1].type, bench.records[-1].stopped_reason) == (ENDED, StopReason.REMOTE)
    assert not bench.demands[-1].lock


def test_unplugged_means_not_authorised_any_more(new_bench: Callable[..., Bench]) -> None:
    """E09.FR.01: the car that is plugged in again gets nothing before a token is authorised again."""
    bench = charging(new_bench, "Authorized")
    bench.live(1.0, pilot=ControlPilot.A, stage=Stage.OFF, target_W=0.0)
    assert (bench.records[-1].type, bench.records[-1].stopped_reason) == (ENDED, StopReason.EV_DISCONNECTED)
    bench.live(2.0, pilot=ControlPilot.B)
    assert not bench.evse.station_view().may_energise
    assert bench.records[-1].type is ENDED
    bench.present()
    assert bench.evse.station_view().may_energise


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (FaultCode.EMERGENCY_STOP, StopReason.EMERGENCY_STOP),
        (FaultCode.INSULATION, StopReason.GROUND_FAULT),
        (FaultCode.OVER_CURRENT, StopReason.OVERCURRENT_FAULT),
    ],
)
def test_a_fault_ends_it(new_bench: Callable[..., Bench], fault: FaultCode, reason: StopReason) -> None:
    """E06.FR.16, E06.FR.08, E07.FR.06: AbnormalCondition, and the reason that fits best."""
    bench = charging(new_bench, "Authorized,EVConnected")
    bench.live(1.0, faults=frozenset({fault}), stage=Stage.FAULTED, target_W=0.0)
    record = bench.records[-1]
    assert (record.type, record.trigger, record.stopped_reason) == (ENDED, TriggerReason.ABNORMAL_CONDITION, reason)


def test_the_driver_s_own_end_is_local(new_bench: Callable[..., Bench]) -> None:
    """E07.FR.02, FR.05: StopAuthorized with the token that stopped it; the reason is Local."""
    bench = charging(new_bench, "Authorized")
    bench.present()
    off(bench)
    record = bench.records[-1]
    assert (record.type, record.trigger, record.id_token) == (ENDED, TriggerReason.STOP_AUTHORIZED, TOKEN)
    assert record.stopped_reason is StopReason.LOCAL


@pytest.mark.parametrize("kind", [IdTokenType.ISO15693, IdTokenType.CENTRAL])
def test_a_card_with_the_same_number_is_another_token(new_bench: Callable[..., Bench], kind: IdTokenType) -> None:
    """C01.FR.25: two tokens are equal where value and type are."""
    bench = new_bench()
    bench.live(0.1, pilot=ControlPilot.B)
    assert bench.command(StartTransaction(EVSE, IdToken(TOKEN.value, kind), 3, False)).accepted
    bench.answer = None
    bench.present()
    assert bench.evse.view.stop is None
    assert bench.command(StopTransaction(bench.records[0].transaction_id)).accepted


def test_a_master_pass_ends_what_is_billed_and_not_authorised(new_bench: Callable[..., Bench]) -> None:
    """C16.FR.02, FR.07: the transaction began at the plug, and nobody has shown a token yet."""
    bench = new_bench()
    bench.variables = replace(bench.variables, points=TxPoints(frozenset({TxPoint.EV_CONNECTED})))
    bench.live(0.5, pilot=ControlPilot.B)
    assert [record.type for record in bench.records] == [STARTED]
    bench.perform(bench.control.stop_all(OTHER, bench.now))
    record = bench.records[-1]
    assert (record.type, record.stopped_reason, record.id_token) == (ENDED, StopReason.MASTER_PASS, OTHER)


def test_a_transaction_that_began_at_the_plug_does_not_lock_the_connector(new_bench: Callable[..., Bench]) -> None:
    """F05.FR.04: the order to unlock is taken while nobody is authorised, and refused while somebody is."""
    bench = new_bench()
    bench.variables = replace(bench.variables, points=TxPoints(frozenset({TxPoint.EV_CONNECTED})))
    bench.live(0.5, pilot=ControlPilot.B)
    assert bench.command(UnlockConnector(EVSE)).accepted
    bench.present()
    assert not bench.command(UnlockConnector(EVSE)).accepted


def test_a_pause_of_the_car_is_reported(new_bench: Callable[..., Bench]) -> None:
    """E01.FR.19: SuspendedEV while the car itself asks for nothing."""
    bench = charging(new_bench, "Authorized,EVConnected")
    car = bench.evse.view.car
    assert car is not None
    nothing = replace(car.limits, charge_power_max_W=0.0, discharge_power_max_W=0.0)
    bench.car(CarDemandChanged(replace(car, limits=nothing, at_s=bench.t)))
    bench.see(target_W=0.0)
    assert bench.records[-1].charging_state is ChargingState.SUSPENDED_EV


def test_nobody_comes_after_a_remote_start(new_bench: Callable[..., Bench]) -> None:
    """F02.FR.07: the transaction that began with the order ends after EVConnectionTimeOut."""
    bench = new_bench()
    bench.variables = replace(bench.variables, points=TxPoints(frozenset({TxPoint.AUTHORIZED})))
    bench.live(0.5, pilot=ControlPilot.A)
    bench.command(StartTransaction(EVSE, TOKEN, 9, False))
    bench.live(61.0)
    record = bench.records[-1]
    assert (record.type, record.trigger) == (ENDED, TriggerReason.EV_CONNECT_TIMEOUT)
    assert record.stopped_reason is StopReason.TIMEOUT


def test_a_token_is_asked_about_to_begin_and_for_nothing_else(new_bench: Callable[..., Bench]) -> None:
    """C01.FR.04, C06.FR.03: one question for the whole charge; the token that began it ends it without another one."""
    bench = charging(new_bench, "Authorized")
    bench.live(5.0)
    bench.present()
    off(bench)
    assert bench.records[-1].type is ENDED
    questions = [effect for effect in bench.effects if isinstance(effect, AskForToken)]
    assert [question.token for question in questions] == [TOKEN]
