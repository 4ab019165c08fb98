"""What a killed daemon left on the disk: the car's session goes on with its own transaction, and with no other one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chargepoint.app.station_shell import CAR_SESSION_SPACE, keep_transaction
from chargepoint.app.wiring import DATABASE_NAME, Daemon
from chargepoint.config.car_section import Iso15118Section, TlsPolicy
from chargepoint.config.schema import Config, CsmsSection, EvseSection, StationSection
from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.transactions import ChargingState, MeterSample, ReadingContext
from chargepoint.store.database import Store
from chargepoint.store.rows import Keep
from chargepoint.transactions.ledger import LedgerState

EVSE = EvseId(1)
SAMPLE = MeterSample(datetime(2026, 3, 1, tzinfo=UTC), ReadingContext.TRANSACTION_BEGIN, 1000.0, 0.0)
OPEN = LedgerState(
    TransactionId("tx-2"), EVSE, 1, 3, ChargingState.CHARGING, SAMPLE, SAMPLE, IdToken("04A1B2C3", IdTokenType.ISO14443)
)
KEPT = KeptSession("iso15118-20", b"12345678", b"b" * 64, True, TransactionId("tx-2"), {"emaid": "DE8AA1A2B3C4D5"})


def left_behind(folder: Path, state: LedgerState | None, kept: KeptSession) -> Daemon:
    """A daemon on the disk that a killed one left."""
    store = Store.open(folder / DATABASE_NAME)
    store.commit_now(Keep(CAR_SESSION_SPACE, "1", kept.to_json()))
    if state is not None:
        store.commit_now(keep_transaction(EVSE, state))
    store.close()
    section = EvseSection(pilot="p", power_modules=("m",), meter="e", insulation="i", interface="lo")
    return Daemon(
        Config(
            station=StationSection(state_dir=folder, runtime_dir=folder),
            evse={1: section},
            csms=CsmsSection(enabled=False),
            iso15118=Iso15118Section(tls=TlsPolicy.OFF),
        )
    )


def stored(daemon: Daemon) -> str | None:
    kept: str | None = daemon.store.kept(CAR_SESSION_SPACE).get("1")
    return kept


def test_the_session_of_the_open_transaction_may_go_on(tmp_path: Path) -> None:
    daemon = left_behind(tmp_path, OPEN, KEPT)
    daemon._take_up()
    assert daemon.shell.control.evses[EVSE].station_view().transaction_id == "tx-2"
    assert json.loads(stored(daemon) or "{}")["transaction_id"] == "tx-2"
    daemon.store.close()


@pytest.mark.parametrize(
    ("state", "kept"),
    [(OPEN, replace(KEPT, transaction_id=TransactionId("tx-1"))), (None, KEPT)],
    ids=["of the transaction before", "of a transaction that has ended"],
)
def test_any_other_session_is_deleted(tmp_path: Path, state: LedgerState | None, kept: KeptSession) -> None:
    daemon = left_behind(tmp_path, state, kept)
    daemon._take_up()
    assert daemon.shell.control.evses[EVSE].station_view().transaction_id is None
    assert stored(daemon) is None
    daemon.store.close()
