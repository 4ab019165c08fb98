"""The link to the central system ends when it is asked to, also where its connection is lost in the same moment."""

from __future__ import annotations

import asyncio
import logging
import random
from pathlib import Path
from typing import cast

import pytest

from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp.connection import ConnectionLost
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.link import Link
from hil.simulators.csms import Csms
from tests.shell.test_ocpp_client_connection import Bench, bench, csms

__all__ = ["bench", "csms"]


async def test_a_connection_lost_in_the_moment_of_the_end_does_not_keep_the_link_alive(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A TaskGroup of Python 3.11 then raises the loss in the place of the cancellation."""
    talking = asyncio.Event()

    async def lost_with_the_end(_: Link) -> None:
        async def lost() -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                raise ConnectionLost("in the same moment") from None

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(lost())
                talking.set()
        except* ConnectionLost:
            raise ConnectionLost("in the same moment") from None

    async def failed(_: object) -> None:
        return

    monkeypatch.setattr(Link, "_connect_once", lost_with_the_end)
    section = CsmsSection(url="ws://localhost:1", reconnect_min_s=0.05, reconnect_max_s=1.0)
    nothing = cast(DeviceModel, None)
    monkeypatch.setattr("chargepoint.ocpp.link.back_off_settings", lambda *_: None)
    monkeypatch.setattr("chargepoint.ocpp.back_off.BackOff.next_delay_s", lambda *_: 0.05)
    link = Link(section, nothing, lambda: None, tmp_path, None, failed, logging.getLogger("link"))  # type: ignore[arg-type,return-value]
    running = asyncio.create_task(link.run())
    async with asyncio.timeout(10.0):
        await talking.wait()
    await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait((running,), timeout=5.0)
    assert done, "the link goes on"
    assert running.cancelled()


async def test_a_client_ends_however_its_connection_breaks_meanwhile(bench: Bench, csms: Csms) -> None:
    """Cuts around the moment of the end, forty times. Before the mend about one in twelve clients connected anew, for ever."""
    chance = random.Random(5)
    loop = asyncio.get_running_loop()
    for _ in range(40):
        bench.power_up()
        bench.run()
        await csms.station("CP1")
        cut = loop.call_later(chance.random() * 0.002, lambda: loop.create_task(csms.drop("CP1")))
        await asyncio.sleep(chance.random() * 0.004)
        assert bench._task is not None
        bench._task.cancel()
        done, _ = await asyncio.wait((bench._task,), timeout=10.0)
        cut.cancel()
        assert done, "the client goes on"
        bench._task = None
        bench.store.close()
    bench.power_up()
