"""The latch record's text: what was written comes back, and anything else is refused with a reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId
from chargepoint.power.latch_codec import RecordError, decode, encode

RECORD = encode({EvseId(1): {FaultCode.EMERGENCY_STOP: "chain is open"}, EvseId(2): {}})


@given(
    st.dictionaries(
        st.integers(1, 64).map(EvseId),
        st.dictionaries(st.sampled_from(FaultCode), st.text(max_size=40), min_size=1, max_size=5),
        max_size=4,
    )
)
def test_what_was_latched_comes_back(latches: dict[EvseId, dict[FaultCode, str]]) -> None:
    assert decode(encode(latches)) == latches


def test_the_record_names_its_faults_for_a_person() -> None:
    assert json.loads(RECORD)["latched"] == {"1": {"EMERGENCY_STOP": "chain is open"}}


@given(st.integers(0, len(RECORD) - 3))
def test_a_record_that_was_cut_is_refused(length: int) -> None:
    with pytest.raises(RecordError):
        decode(RECORD[:length])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 4096,
        b"[]",
        b'{"version": 2}',
        RECORD.replace(b"EMERGENCY_STOP", b"DOOR_OPEN"),
        RECORD.replace(b'"1"', b'"2"'),
        encode({}).replace(b"{}", b"[1]"),
        b"[" * 100_000,
        b" " * 300_000,
    ],
)
def test_a_record_that_was_changed_is_refused(data: bytes) -> None:
    with pytest.raises(RecordError):
        decode(data)
