"""The queue of CAN frames: a stop goes first and is never lost, the newest set-point wins, the pace is kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.can.frame import CanFrame
from drivers.can.send_queue import PACE_S, QUEUE_MAX, SendQueue, Urgency


def numbered(number: int) -> CanFrame:
    return CanFrame(number, b"")


def drained(queue: SendQueue, now_s: float = 0.0) -> list[int]:
    taken = []
    while queue:
        entry = queue.take(now_s)
        if entry is not None:
            taken.append(entry.frame.can_id)
        now_s += PACE_S
    return taken


def test_a_stop_overtakes_everything() -> None:
    queue = SendQueue()
    queue.put(numbered(1), Urgency.READ, "a", "voltage")
    queue.put(numbered(2), Urgency.SET_POINT, "a", "current")
    queue.put(numbered(3), Urgency.STOP, "b", "output")
    assert drained(queue) == [3, 2, 1]


def test_the_newest_of_a_kind_takes_the_place_of_the_older() -> None:
    queue = SendQueue()
    queue.put(numbered(1), Urgency.SET_POINT, "a", "current")
    queue.put(numbered(2), Urgency.SET_POINT, "b", "current")
    queue.put(numbered(3), Urgency.SET_POINT, "a", "current")
    assert drained(queue) == [3, 2]


def test_a_refused_frame_keeps_its_place_and_gives_way_to_a_newer_one() -> None:
    queue = SendQueue()
    queue.put(numbered(1), Urgency.STOP, "a", "output")
    queue.put(numbered(2), Urgency.SET_POINT, "a", "current")
    stop = queue.take(0.0)
    assert stop is not None
    queue.give_back(stop, 0.0)
    assert queue.take(0.001) is None
    assert drained(queue, 1.0) == [1, 2]
    queue.put(numbered(4), Urgency.SET_POINT, "a", "current")
    old = queue.take(2.0)
    assert old is not None
    queue.put(numbered(5), Urgency.SET_POINT, "a", "current")
    queue.give_back(old, 2.0)
    assert drained(queue, 3.0) == [5]


def test_frames_are_never_nearer_than_the_pace() -> None:
    queue = SendQueue(0.01)
    for number in range(3):
        queue.put(numbered(number), Urgency.READ, "a", number)
    assert queue.take(0.0) is not None
    assert queue.take(0.009) is None
    assert queue.deadline_s == 0.01
    assert queue.take(0.01) is not None


def test_a_full_queue_refuses_reads_and_no_order() -> None:
    queue = SendQueue()
    for number in range(QUEUE_MAX + 5):
        queue.put(numbered(number), Urgency.READ, "a", number)
    queue.put(numbered(9999), Urgency.STOP, "b", "output")
    assert queue.given_up == 5
    assert drained(queue)[0] == 9999


def test_withdrawing_leaves_the_orders_of_others_and_the_stop() -> None:
    queue = SendQueue()
    queue.put(numbered(1), Urgency.SET_POINT, "a", "current")
    queue.put(numbered(2), Urgency.SET_POINT, "b", "current")
    queue.put(numbered(3), Urgency.STOP, "a", "output")
    queue.withdraw("a", Urgency.SET_POINT)
    assert drained(queue) == [3, 2]


@given(
    st.lists(st.tuples(st.sampled_from(Urgency), st.sampled_from("ab"), st.integers(0, 3), st.booleans()), max_size=60)
)
def test_what_was_last_ordered_of_each_kind_is_what_goes_out_last(
    puts: list[tuple[Urgency, str, int, bool]],
) -> None:
    queue, last, sent, now_s = SendQueue(), dict[tuple[str, int], int](), dict[tuple[str, int], int](), 0.0
    for number, (urgency, owner, kind, refused) in enumerate(puts):
        queue.put(numbered(number), urgency, owner, kind)
        last[owner, kind] = number
        now_s += 1.0
        entry = queue.take(now_s)
        assert entry is not None
        if refused:
            queue.give_back(entry, now_s)
        else:
            sent[entry.owner, int(str(entry.kind))] = entry.frame.can_id
    while queue:
        now_s += 1.0
        entry = queue.take(now_s)
        assert entry is not None
        sent[entry.owner, int(str(entry.kind))] = entry.frame.can_id
    assert sent == last
