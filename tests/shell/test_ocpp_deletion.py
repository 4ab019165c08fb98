"""A row that was answered leaves the disk, also where the disk does not take its deletion at the first attempt."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chargepoint.store.database import Store
from chargepoint.store.errors import StoreError
from chargepoint.store.rows import Delivered, Write
from tests.shell.test_ocpp_power_cut import Csms, Life, _charge


@pytest.mark.parametrize("refused_late", [False, True], ids=["not taken", "taken, then failed"])
async def test_a_refused_deletion_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused_late: bool
) -> None:
    hand_in, refusals = Store.hand_in, [0]

    def reluctant(self: Store, *writes: Write) -> asyncio.Future[None]:
        if isinstance(writes[0], Delivered) and refusals[0] < 5:
            refusals[0] += 1
            if not refused_late:
                raise StoreError("the disk does not keep up")
            failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            failed.set_exception(StoreError("nothing was written"))
            return failed
        return hand_in(self, *writes)

    monkeypatch.setattr(Store, "hand_in", reluctant)
    disk, csms = tmp_path / "disk", Csms()
    disk.mkdir()
    life = Life(disk, tmp_path / "next", csms, None)
    await _charge(life)
    assert refusals == [5]
    assert life.store.outbox_depth() == 0
    assert len(csms.frames) == len(set(csms.frames)) == 6  # nothing was sent twice
    await life.end()
