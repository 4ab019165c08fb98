"""Two EVSEs with a meter each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot, TokenPresented

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench

ONE, TWO = EvseId(1), EvseId(2)


def test_a_transaction_has_the_readings_of_its_own_evse(new_bench: Callable[..., Bench]) -> None:
    """J02.FR.22."""
    bench = new_bench(evses=2)
    for evse_id, import_Wh in ((ONE, 5_000.0), (TWO, 90_000.0)):
        bench.see(evse_id, pilot=ControlPilot.B, import_Wh=import_Wh)
        bench.feed(TokenPresented(evse_id, f"04A1B2C{evse_id}", bench.t), evse_id)
    for _ in range(125):
        bench.t += 1.0
        for evse_id, import_Wh in ((ONE, 5_100.0), (TWO, 90_200.0)):
            bench.see(evse_id, import_Wh=import_Wh)
        bench.perform(bench.control.tick(bench.now))
    found = {(record.evse_id, sample.import_Wh) for record in bench.records for sample in record.samples}
    assert found == {(ONE, 5_000.0), (ONE, 5_100.0), (TWO, 90_000.0), (TWO, 90_200.0)}
