"""A reply that trickles in: the wire is looked at again when the rest of it can be there, and never spun on."""

from __future__ import annotations

from drivers.modbus.frame import sealed
from drivers.modbus.rtu import RtuMaster
from drivers.modbus.transaction import Outcome, Priority, Read, ReadDone

CHAR_S = 11 / 9600
REPLY = sealed(bytes((1, 3, 20)) + bytes(20))


def asked() -> tuple[RtuMaster, list[Outcome]]:
    master = RtuMaster("b", 9600)
    master.connected(0.0)
    heard: list[Outcome] = []
    master.submit(Read(1, 3, 0, 10), heard.append, Priority.FAST)
    assert master.to_send(1.0)
    return master, heard


def test_after_the_first_bytes_the_next_look_is_when_the_rest_can_be_there() -> None:
    master, heard = asked()
    assert master.complete_at_s is None
    master.receive(REPLY[:5], 1.02)
    assert master.complete_at_s == 1.02 + 20 * CHAR_S
    assert master.deadline_s == master.complete_at_s
    at_s = master.complete_at_s
    master.receive(REPLY[5:], at_s)
    master.tick(at_s)
    assert heard == [ReadDone((0,) * 10, 1.0)]
    assert master.complete_at_s is None


def test_a_rest_that_does_not_come_is_waited_for_until_the_time_out_and_not_in_circles() -> None:
    master, heard = asked()
    master.receive(REPLY[:5], 1.02)
    at_s = master.complete_at_s
    assert at_s is not None
    master.tick(at_s)
    assert master.complete_at_s is None
    assert master.deadline_s is not None and master.deadline_s > at_s
    master.tick(master.deadline_s)
    assert len(heard) == 1 and not isinstance(heard[0], ReadDone)


def test_more_bytes_than_the_reply_has_are_no_reason_to_wait() -> None:
    master, _ = asked()
    master.receive(b"\x00" * 60, 1.02)
    master.tick(1.02)
    assert master.complete_at_s is None
