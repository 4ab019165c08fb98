"""Mutated frames of the car: the same for a seed, other ones for another, and each wrong where it says."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.iso15118.exi.codec import NS_SAP, decode
from chargepoint.iso15118.messages.app_protocol import supportedAppProtocolReq
from chargepoint.iso15118.v2gtp import HEADER, PayloadType, frame
from hil.simulators.evcc.misbehaviour import Misbehaviour, damaged
from hil.simulators.evcc.mutation import ANY, MUTATIONS, mutated

PAYLOAD = bytes(range(40))
seeds = st.text(max_size=10)


@given(
    st.sampled_from(sorted(MUTATIONS)),
    seeds,
    st.binary(min_size=1, max_size=300),
    st.sampled_from([0x8001, 0x8002, 0x8004]),
)
def test_a_seed_gives_the_same_bytes(what: str, seed: str, payload: bytes, payload_type: int) -> None:
    assert mutated(payload_type, payload, what, seed) == mutated(payload_type, payload, what, seed)


@pytest.mark.parametrize("what", MUTATIONS)
def test_other_seeds_give_other_bytes(what: str) -> None:
    assert len({mutated(PayloadType.EXI_SAP, PAYLOAD, what, str(seed)) for seed in range(50)}) > 1


@given(st.sampled_from(["flipped_bits", "other_bytes", "truncated", "extended"]), seeds)
def test_changes_of_the_payload_leave_an_honest_header(what: str, seed: str) -> None:
    version, inverse, payload_type, length = HEADER.unpack_from(made := mutated(0x8004, PAYLOAD, what, seed))
    assert (version, inverse, payload_type, length) == (1, 0xFE, 0x8004, len(made) - HEADER.size)


@given(seeds)
def test_a_truncated_payload_is_a_beginning_and_an_extended_one_has_it_whole(seed: str) -> None:
    short = mutated(0x8004, PAYLOAD, "truncated", seed)[HEADER.size :]
    assert len(short) < len(PAYLOAD) and PAYLOAD.startswith(short)
    long = mutated(0x8004, PAYLOAD, "extended", seed)[HEADER.size :]
    assert len(long) > len(PAYLOAD) and long.startswith(PAYLOAD)


@given(seeds)
def test_changes_of_the_header_leave_the_payload(seed: str) -> None:
    whole = frame(0x8004, PAYLOAD)
    assert mutated(0x8004, PAYLOAD, "header_version", seed)[2:] == whole[2:]
    assert mutated(0x8004, PAYLOAD, "header_version", seed)[0] != 1
    other = mutated(0x8004, PAYLOAD, "header_type", seed)
    assert other[4:] == whole[4:] and struct.unpack_from(">H", other, 2)[0] != 0x8004
    length = mutated(0x8004, PAYLOAD, "header_length", seed)
    assert length[8:] == PAYLOAD and struct.unpack_from(">I", length, 4)[0] != len(PAYLOAD)


def test_another_schema_is_a_good_message_in_the_wrong_place() -> None:
    made = mutated(PayloadType.DC_MAINSTREAM, PAYLOAD, "other_schema", "x")
    assert isinstance(decode(NS_SAP, made[HEADER.size :]), supportedAppProtocolReq)
    assert HEADER.unpack_from(made)[2] == PayloadType.DC_MAINSTREAM


def test_each_request_of_a_session_is_mutated_by_chances_of_its_own() -> None:
    always = Misbehaviour("flipped_bits", "DC_ChargeLoopReq", always=True, seed=7)
    frames = [damaged(0x8004, PAYLOAD, always, count) for count in range(1, 20)]
    assert len({pieces[0][1] for pieces in frames}) > 10
    assert damaged(0x8004, PAYLOAD, always, 3) == frames[2]


def test_an_unknown_mutation_is_refused_with_all_names() -> None:
    with pytest.raises(ValueError, match=ANY):
        Misbehaviour("no_such_thing")


def test_the_page_of_misbehaviour_has_every_mutation() -> None:
    page = (Path(__file__).resolve().parents[4] / "docs/misbehaviour.md").read_text()
    assert [name for name, meaning in MUTATIONS.items() if f"| `{name}` | {meaning} |" not in page] == []
