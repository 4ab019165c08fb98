"""Commands from above: done, or refused with the reason the central system can be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chargepoint.model.commands import (
    ChangeAvailability,
    Contribute,
    Report,
    ReportKind,
    Reset,
    ResetFaults,
    ResetKind,
    StartTransaction,
    StationCommand,
    StopTransaction,
    UnlockConnector,
)
from chargepoint.model.demand import Contribution, Source
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import ControlPilot, Stage, TokenPresented
from chargepoint.model.status import ConnectorStatus
from chargepoint.model.transactions import StopReason, TriggerReason

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench

EVSE, NOWHERE = EvseId(1), EvseId(9)
TOKEN = IdToken("R", IdTokenType.CENTRAL)


class Desk:
    """Orders from above at a bench."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def refused(self, command: StationCommand) -> str:
        result = self.bench.command(command)
        assert not result.accepted
        assert result.text
        return result.reason_code

    def done(self, command: StationCommand) -> None:
        result = self.bench.command(command)
        assert result.accepted, result


@pytest.fixture
def desk(bench: Bench) -> Desk:
    return Desk(bench)


def test_start_and_stop(desk: Desk) -> None:
    desk.bench.live(0.1, pilot=ControlPilot.B)
    desk.done(StartTransaction(EVSE, TOKEN, 5, False))
    desk.bench.live(0.1)
    transaction_id = desk.bench.evse.view.transaction_id
    assert transaction_id is not None
    assert desk.refused(StartTransaction(EVSE, TOKEN, 6, False)) == "TxInProgress"
    assert desk.refused(StopTransaction(TransactionId("another"))) == "TxNotFound"
    desk.done(StopTransaction(transaction_id, TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED))
    desk.bench.live(0.2)
    last = desk.bench.records[-1]
    assert (last.trigger, last.stopped_reason) == (TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED)
    assert desk.bench.records[0].remote_start_id == 5
    assert desk.refused(StopTransaction(transaction_id)) == "TxNotFound"


def test_start_is_refused_where_it_cannot_be(desk: Desk) -> None:
    assert desk.refused(StartTransaction(NOWHERE, TOKEN, 5, False)) == "UnknownEvse"
    assert desk.refused(StartTransaction(EVSE, TOKEN, 5, False)) == "InvalidState"  # no power process
    desk.bench.live(0.1, faults=frozenset({FaultCode.DOOR_OPEN}))
    assert desk.refused(StartTransaction(EVSE, TOKEN, 5, False)) == "InvalidState"


def test_unlock_is_refused_while_a_transaction_runs(desk: Desk) -> None:
    assert desk.refused(UnlockConnector(NOWHERE)) == "UnknownEvse"
    desk.bench.live(0.1)
    desk.done(UnlockConnector(EVSE))
    desk.bench.connect()
    assert desk.refused(UnlockConnector(EVSE)) == "InvalidState"
    desk.bench.begun()
    assert desk.refused(UnlockConnector(EVSE)) == "TxInProgress"


def test_contributions_of_one_owner_replace_each_other(desk: Desk) -> None:
    def profile(key: str, target_W: float) -> Contribution:
        return Contribution(Source.CSMS, EVSE, 1e9, "profile", None, target_W, key)

    desk.bench.transferring()
    desk.done(Contribute(EVSE, "ocpp", (profile("a", 1000.0), profile("b", 2000.0))))
    assert desk.bench.evse.setpoint.power_W == 1000.0
    desk.done(Contribute(EVSE, "ocpp", (profile("c", 3000.0),)))
    assert desk.bench.evse.setpoint.power_W == 3000.0
    desk.done(Contribute(EVSE, "ocpp", ()))
    assert desk.bench.evse.setpoint.decided_by is Source.DEFAULT
    assert desk.refused(Contribute(NOWHERE, "ocpp", ())) == "UnknownEvse"


def test_an_immediate_reset_ends_the_transaction_and_asks_for_a_reset_of_faults(desk: Desk) -> None:
    desk.bench.begun()
    desk.done(Reset(ResetKind.IMMEDIATE, None))
    desk.bench.live(0.2)
    assert desk.bench.records[-1].stopped_reason is StopReason.IMMEDIATE_RESET
    assert desk.bench.resets == [(EVSE, "central system")]
    assert desk.bench.restarts == [ResetKind.IMMEDIATE]


def test_a_reset_on_idle_leaves_the_transaction_alone(desk: Desk) -> None:
    desk.bench.begun()
    desk.done(Reset(ResetKind.ON_IDLE, EVSE))
    desk.bench.live(0.2)
    assert desk.bench.evse.view.stop is None
    assert desk.bench.resets == []
    desk.bench.live(0.2, pilot=ControlPilot.A)
    assert desk.bench.resets == [(EVSE, "central system")]  # B12.FR.07: once the transaction is over
    assert desk.bench.restarts == []  # one EVSE is no restart of the station
    assert desk.refused(Reset(ResetKind.ON_IDLE, NOWHERE)) == "UnknownEvse"


def test_availability(desk: Desk) -> None:
    """G01.FR.07."""
    desk.bench.live(0.7)
    desk.done(ChangeAvailability(EVSE, False))
    assert desk.bench.evse.view.status is ConnectorStatus.UNAVAILABLE
    desk.done(ChangeAvailability(EVSE, True))
    desk.bench.live(0.7)
    assert desk.bench.evse.view.status is ConnectorStatus.AVAILABLE


def test_a_report_of_the_whole_station_reaches_every_evse(desk: Desk) -> None:
    desk.bench.live(0.1)
    desk.done(Report(EvseId(0), ReportKind.METER_VALUES))
    assert len(desk.bench.readings) == 1


def test_states_are_known_before_anything_is_heard(desk: Desk) -> None:
    (state,) = desk.bench.control.evse_states(desk.bench.t)
    assert (state.status, state.plugged, state.voltage_V, state.image) == (
        ConnectorStatus.UNAVAILABLE,
        False,
        None,
        None,
    )
    desk.bench.begun()
    (state,) = desk.bench.control.evse_states(desk.bench.t)
    assert state.id_token is not None
    assert (state.status, state.plugged, state.id_token.value) == (ConnectorStatus.OCCUPIED, True, "04A1B2C3")
    assert state.transaction_id == desk.bench.evse.view.transaction_id
    assert (state.charge_max_W, state.discharge_max_W, state.discharge_negotiated) == (22_000.0, 20_000.0, False)
    assert state.image is not None
    assert state.image.power_W == 0.0


# -- reset of faults ---------------------------------------------------------------------------------------------------


def test_a_local_reset_of_faults_carries_its_author(desk: Desk) -> None:
    assert desk.refused(ResetFaults(EVSE, "command line")) == "InvalidState"  # no power process
    desk.bench.live(0.1, faults=frozenset({FaultCode.EMERGENCY_STOP}))
    desk.done(ResetFaults(EVSE, "command line"))
    assert desk.bench.resets == [(EVSE, "command line")]
    assert desk.refused(ResetFaults(NOWHERE, "command line")) == "UnknownEvse"
    desk.done(ResetFaults(None, "key switch"))
    assert desk.bench.resets[-1] == (EVSE, "key switch")


def test_a_reset_of_faults_waits_for_no_running_transaction(desk: Desk) -> None:
    desk.bench.transferring()
    assert desk.refused(ResetFaults(EVSE, "command line")) == "TxInProgress"
    assert desk.bench.resets == []
    desk.bench.see(faults=frozenset({FaultCode.EMERGENCY_STOP}))
    desk.done(ResetFaults(EVSE, "command line"))  # it is stopping: the reset follows its end
    assert desk.bench.resets == []
    desk.bench.live(0.2, stage=Stage.FAULTED)
    assert desk.bench.resets == [(EVSE, "command line")]


# -- restart -----------------------------------------------------------------------------------------------------------


def test_an_immediate_restart_waits_for_the_transaction_to_end_and_not_for_ever(desk: Desk) -> None:
    desk.bench.transferring()
    desk.done(Reset(ResetKind.IMMEDIATE, None))
    desk.bench.live(5.0, stage=Stage.TRANSFER)
    assert desk.bench.restarts == []
    desk.bench.live(36.0)
    assert desk.bench.restarts == [ResetKind.IMMEDIATE]


def test_a_restart_on_idle_waits_as_long_as_it_takes(desk: Desk) -> None:
    desk.bench.transferring()
    desk.done(Reset(ResetKind.ON_IDLE, None))
    desk.bench.live(100.0)
    assert desk.bench.restarts == []
    desk.bench.live(0.3, pilot=ControlPilot.A, stage=Stage.OFF)
    assert desk.bench.restarts == [ResetKind.ON_IDLE]


# -- the shared connection ---------------------------------------------------------------------------------------------


def test_the_connection_is_shared_by_the_evses_at_work(new_bench: Callable[..., Bench]) -> None:
    """K04.FR.02: the fixed limit is site_import_max_W."""
    bench = new_bench(evses=2, site_import_max_W=10_000.0)
    bench.transferring()
    assert bench.evse.setpoint.power_W == 10_000.0
    other = EvseId(2)
    bench.see(evse_id=other)
    bench.feed(TokenPresented(other, "04FFFFFF", bench.t), other)
    assert bench.control.evses[other].view.transaction_id == "tx-2"
    assert bench.demands[-1].power_W == 5000.0  # before the next image
    assert "connection shared by 2" in bench.evse.setpoint.explanation


def test_an_event_of_an_evse_that_is_not_configured_is_ignored(desk: Desk) -> None:
    assert desk.bench.see(evse_id=NOWHERE) == []


def test_a_master_pass_ends_every_transaction(new_bench: Callable[..., Bench]) -> None:
    """C16.FR.02: the records of all of them name the reason and the token."""
    bench = new_bench(evses=2)
    other, shown = EvseId(2), IdToken("04FFFFFF", IdTokenType.ISO14443)
    bench.begun()
    bench.see(other, pilot=ControlPilot.B)
    bench.feed(TokenPresented(other, "04AAAAAA", bench.t), other)
    assert [evse.view.transaction_id for evse in bench.control.evses.values()] == ["tx-1", "tx-2"]
    bench.perform(bench.control.stop_all(shown, bench.now))
    bench.live(0.5)
    bench.see(other)
    ended = [record for record in bench.records if record.stopped_reason is not None]
    assert {(str(r.transaction_id), r.stopped_reason, r.trigger, r.id_token) for r in ended} == {
        (number, StopReason.MASTER_PASS, TriggerReason.STOP_AUTHORIZED, shown) for number in ("tx-1", "tx-2")
    }
