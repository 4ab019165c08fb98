"""A hostile central system, as `./run bench fuzz-ocpp` plays it: a short run of it, and the proof that it sees a mistake."""

from __future__ import annotations

import pytest

from chargepoint.ocpp.blocks.effects import CallRefusal
from chargepoint.ocpp.performer import Performer, Reply
from chargepoint.ocpp.rpc import CallReceived, Rpc
from chargepoint.ocpp.version import OCPP_2_0_1, OCPP_2_1, OcppVersion
from chargepoint.store.rows import Keep
from tests.bench.fuzz_ocpp import measure

FRAMES = 1500
MEMORY_GROWS_MAX_MB = 8.0


def quietly(text: str) -> None:
    pass


@pytest.mark.slow
@pytest.mark.parametrize("version", [OCPP_2_0_1, OCPP_2_1], ids=["2.0.1", "2.1"])
def test_hostile_frames_are_answered_as_part_4_says_and_change_nothing(version: OcppVersion) -> None:
    figures = measure(version, FRAMES, 7, quietly)
    assert figures["faults"] == []
    assert figures["frames"] == FRAMES
    assert figures["hostile_answers"] > 10
    assert {"CALLRESULT", "RpcFrameworkError", "NotImplemented", "MessageTypeNotSupported"} <= figures["answers"].keys()
    (rss_before, rss_after), (open_before, open_after) = figures["rss_MB"], figures["descriptors"]
    assert rss_after <= rss_before + MEMORY_GROWS_MAX_MB
    assert open_after <= open_before + 2  # a file of a transfer may be open
    assert figures["tasks"][1] <= figures["tasks"][0] + 2  # so may a timer


@pytest.mark.slow
def test_a_wrong_code_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = Rpc.refuse

    def wrong(self: Rpc, unique_id: str, code: str, text: str = "") -> None:
        refuse(self, unique_id, code.replace("NotImplemented", "NotSupported"), text)

    monkeypatch.setattr(Rpc, "refuse", wrong)
    faults = measure(OCPP_2_0_1, 300, 7, quietly)["faults"]
    assert any("expected ['NotImplemented']" in fault for fault in faults)


@pytest.mark.slow
def test_a_refusal_that_changes_something_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = Performer.reply

    async def keeping(self: Performer, call: CallReceived) -> Reply:
        if call.action != "ClearCache":
            return await reply(self, call)
        await self._store.commit(Keep("space", "key", 1))
        return Reply(CallRefusal("NotSupported", ""))

    monkeypatch.setattr(Performer, "reply", keeping)
    faults = measure(OCPP_2_0_1, 600, 7, quietly)["faults"]
    assert any("but changed ['space/key']" in fault for fault in faults)
