"""Commands from above: done, or refused with the reason the central system can be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chargepoint.app.commands import Commands
from chargepoint.model.car import CarConnected
from chargepoint.model.commands import (
    ChangeAvailability,
    Contribute,
    Report,
    ReportKind,
    Reset,
    ResetKind,
    StartTransaction,
    StopTransaction,
    UnlockConnector,
)
from chargepoint.model.demand import Contribution, Source
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import ControlPilot
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.model.transactions import StopReason, TriggerReason

EVSE, NOWHERE = EvseId(1), EvseId(9)
TOKEN = IdToken("R", IdTokenType.CENTRAL)


class Desk:
    """Commands over one running bench."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench
        self.restarts: list[ResetKind] = []
        self.commands = Commands(bench.arbiter, self.restarts.append)
        self.commands.join({EVSE: bench.channel})

    def refused(self, command: Any) -> str:
        result = self.commands.command(command)
        assert not result.accepted
        assert result.text
        return result.reason_code

    def done(self, command: Any) -> None:
        result = self.commands.command(command)
        assert result.accepted, result


@pytest.fixture
async def desk(new_bench: Callable[..., Any]) -> Desk:
    return Desk(new_bench())


async def test_start_and_stop(desk: Desk) -> None:
    await desk.bench.live(0.1, pilot=ControlPilot.B)
    desk.done(StartTransaction(EVSE, TOKEN, 5, False))
    await desk.bench.live(0.1)
    transaction_id = desk.bench.channel.session.transaction_id
    assert desk.refused(StartTransaction(EVSE, TOKEN, 6, False)) == "TxInProgress"
    assert desk.refused(StopTransaction(TransactionId("another"))) == "TxNotFound"
    desk.done(StopTransaction(transaction_id, TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED))
    await desk.bench.live(0.2)
    last = desk.bench.records[-1]
    assert (last.trigger, last.stopped_reason) == (TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED)
    assert desk.bench.records[0].remote_start_id == 5
    assert desk.refused(StopTransaction(transaction_id)) == "TxNotFound"


async def test_start_is_refused_where_it_cannot_be(desk: Desk) -> None:
    assert desk.refused(StartTransaction(NOWHERE, TOKEN, 5, False)) == "UnknownEvse"
    assert desk.refused(StartTransaction(EVSE, TOKEN, 5, False)) == "InvalidState"  # no power process
    await desk.bench.live(0.1, faults=frozenset({FaultCode.DOOR_OPEN}))
    assert desk.refused(StartTransaction(EVSE, TOKEN, 5, False)) == "InvalidState"


async def test_unlock_is_refused_while_a_transaction_runs(desk: Desk) -> None:
    assert desk.refused(UnlockConnector(NOWHERE)) == "UnknownEvse"
    await desk.bench.live(0.1)
    desk.done(UnlockConnector(EVSE))
    desk.bench.channel.on_car_events([CarConnected(EVSE, "ISO 15118-20 DC", None, "fe80::1")])
    assert desk.refused(UnlockConnector(EVSE)) == "InvalidState"
    await desk.bench.begun()
    assert desk.refused(UnlockConnector(EVSE)) == "TxInProgress"


async def test_contributions_of_the_central_system_replace_each_other(desk: Desk) -> None:
    def profile(key: str) -> Contribution:
        return Contribution(Source.CSMS, EVSE, 1e9, "profile", None, 1.0, key)

    desk.done(Contribute(EVSE, (profile("a"), profile("b"))))
    assert [c.key for c in desk.bench.arbiter.valid(EVSE, 0.0)] == ["a", "b"]
    desk.done(Contribute(EVSE, (profile("c"),)))
    assert [c.key for c in desk.bench.arbiter.valid(EVSE, 0.0)] == ["c"]
    desk.done(Contribute(EVSE, ()))
    assert desk.bench.arbiter.valid(EVSE, 0.0) == []


async def test_an_immediate_reset_ends_the_transaction_and_asks_for_a_reset_of_faults(desk: Desk) -> None:
    await desk.bench.begun()
    desk.done(Reset(ResetKind.IMMEDIATE, None))
    await desk.bench.live(0.2)
    assert desk.bench.records[-1].stopped_reason is StopReason.IMMEDIATE_RESET
    assert desk.bench.link.resets == [EVSE]
    assert desk.restarts == [ResetKind.IMMEDIATE]


async def test_a_reset_on_idle_leaves_the_transaction_alone(desk: Desk) -> None:
    await desk.bench.begun()
    desk.done(Reset(ResetKind.ON_IDLE, EVSE))
    await desk.bench.live(0.2)
    assert desk.bench.channel.session.stop is None
    assert desk.bench.link.resets == []
    await desk.bench.live(0.2, pilot=ControlPilot.A)
    assert desk.bench.link.resets == [EVSE]  # B12.FR.07: once the transaction is over
    assert desk.restarts == []  # one EVSE is no restart of the station
    assert desk.refused(Reset(ResetKind.ON_IDLE, NOWHERE)) == "UnknownEvse"


async def test_availability(desk: Desk) -> None:
    await desk.bench.live(0.1)
    desk.done(ChangeAvailability(EVSE, False))
    assert desk.bench.channel.session.status is ConnectorStatus.UNAVAILABLE
    desk.done(ChangeAvailability(EVSE, True))
    assert desk.bench.channel.session.status is ConnectorStatus.AVAILABLE


async def test_a_report_of_the_whole_station_reaches_every_evse(desk: Desk) -> None:
    await desk.bench.live(0.1)
    desk.done(Report(EvseId(0), ReportKind.METER_VALUES))
    await desk.bench.time.settle()
    assert len(desk.bench.csms.values) == 1


async def test_states_before_and_after_the_channels_exist(desk: Desk) -> None:
    early = Commands(desk.bench.arbiter, desk.restarts.append)
    promised = EvseState(EVSE, ConnectorStatus.UNAVAILABLE, False, None, None, False, 1.0, 2.0, None, None, False)
    early.promise((promised,))
    assert early.evse_states() == (promised,)
    await desk.bench.begun()
    (state,) = desk.commands.evse_states()
    assert state.id_token is not None
    assert (state.status, state.plugged, state.id_token.value) == (ConnectorStatus.OCCUPIED, True, "04A1B2C3")
    assert state.transaction_id == desk.bench.channel.session.transaction_id
    assert (state.charge_max_W, state.discharge_max_W, state.discharge_negotiated) == (22_000.0, 20_000.0, False)
    assert desk.commands.firmware_version()
