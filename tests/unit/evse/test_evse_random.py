"""Random lives of one EVSE: whatever happens in whatever order, begins and ends alternate and power needs both."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepoint.evse.events import (
    AvailabilityChanged,
    BeginTransaction,
    EndTransaction,
    PowerProcessLost,
    ReportStatus,
    StopOrdered,
)
from chargepoint.model.car import AuthorizationWanted, ControlMode, EnergyService, SessionEnd
from chargepoint.model.commands import StartTransaction, StopTransaction
from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.status import AuthorizationStatus
from chargepoint.model.transactions import StopReason, TriggerReason
from chargepoint.power.link_codec import decode_down, encode_down

EVSE = EvseId(1)
TOKENS = st.sampled_from(["04A1B2C3", "04FFFFFF", "nonsense"])

STEPS = st.one_of(
    st.tuples(st.just("pilot"), st.sampled_from(list(ControlPilot))),
    st.tuples(st.just("stage"), st.sampled_from(list(Stage))),
    st.tuples(st.just("faults"), st.frozensets(st.sampled_from(list(FaultCode)), max_size=2)),
    st.tuples(st.just("meter"), st.booleans()),
    st.tuples(st.just("present"), TOKENS),
    st.tuples(st.just("answer"), st.tuples(st.sampled_from(list(AuthorizationStatus)), TOKENS)),
    st.tuples(st.just("asks"), st.tuples(st.sampled_from(list(Phase)), st.sampled_from(list(ControlMode)))),
    st.tuples(st.just("connect"), st.none()),
    st.tuples(st.just("car_ends"), st.sampled_from(list(SessionEnd))),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 0.6, 3.0, 30.0])),
    st.tuples(
        st.just("feed"),
        st.sampled_from(
            [
                PowerProcessLost(),
                AvailabilityChanged(False),
                AvailabilityChanged(True),
                StopOrdered(StopReason.REBOOT, TriggerReason.RESET_COMMAND),
                AuthorizationWanted(EVSE),
                StartTransaction(EVSE, IdToken("R", IdTokenType.CENTRAL), 1, False),
                StartTransaction(EVSE, IdToken("R", IdTokenType.CENTRAL), 1, True),
                StopTransaction(TransactionId("tx-1")),
                InterlockTripped(EVSE, FaultCode.INSULATION, 0.0, "80 kohm"),
                InterlockTripped(EVSE, FaultCode.EMERGENCY_STOP, 0.0, "pressed"),
            ]
        ),
    ),
    st.tuples(st.just("whole"), st.sampled_from(["begun", "transferring"])),
)


def do(station: Any, step: tuple[str, Any]) -> None:
    name, value = step
    match name:
        case "pilot" | "stage" | "faults" | "meter":
            station.see(**{name: value})
        case "answer":
            if value[1] != "nonsense":
                station.answer(value[0], value[1])
        case "asks":
            station.asks(value[0], EnergyService.DC_BPT, value[1], target_current_A=10.0)
        case "connect":
            station.connect()
        case "whole":
            station.see(faults=frozenset(), meter=True)
            getattr(station, value)()
        case _:
            getattr(station, name)(value)


@settings(suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, max_size=40), everybody=st.booleans())
def test_a_random_life(new_station: Callable[..., Any], steps: list[tuple[str, Any]], everybody: bool) -> None:
    station = new_station(everybody=everybody)
    open_since: int | None = None
    seen = 0
    for step in steps:
        do(station, step)
        for output in station.outputs[seen:]:
            if isinstance(output, BeginTransaction):
                assert open_since is None, "a second begin without an end"
                open_since = seen
            elif isinstance(output, EndTransaction):
                assert open_since is not None, "an end without a begin"
                open_since = None
        seen = len(station.outputs)
        order = station.order()
        assert order.phase is Phase.OFF or open_since is not None, "power without a transaction"
        assert order.power_W == 0 or (order.phase is not Phase.OFF and station.session.view.stop is None)
        assert order.power_W == 0 or station.session.car_fresh(station.t)
        assert decode_down(encode_down(order)) == order
        assert (station.session.view.transaction_id is None) == (open_since is None)
    statuses = station.of(ReportStatus)
    assert all(a.status is not b.status for a, b in itertools.pairwise(statuses))
    # and in the end everything ends: the car is gone, the stage is quiet
    station.see(faults=frozenset(), stage=Stage.OFF, pilot=ControlPilot.A, meter=True)
    assert len(station.begins()) == len(station.ends())
