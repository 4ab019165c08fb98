"""The record: values hold until the next line, times never run backwards for a signal, and lines survive being written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.record.json_lines import read, write
from hil.record.line import LineKind, RecordLine, Seer
from hil.record.record import BenchRecord, HeldValue
from hil.record.signals import SIGNALS


def value(at_s: float, name: str, what: float | str, evse: int = 1) -> RecordLine:
    return RecordLine(at_s, SIGNALS[name].seer, LineKind.VALUE, name, what, evse)


def test_a_value_holds_until_the_next() -> None:
    record = BenchRecord()
    record.extend([value(1.0, "contactor", "closed"), value(2.0, "contactor", "open"), value(1.5, "power_W", 7.0)])
    assert record.value_at("contactor", 1, 0.5) is None
    assert record.value_at("contactor", 1, 1.0) == "closed"
    assert record.value_at("contactor", 1, 1.999) == "closed"
    assert record.value_at("contactor", 1, 2.0) == record.latest("contactor", 1) == "open"
    assert record.value_at("contactor", 2, 2.0) is None
    assert list(record.history("contactor", 1, 1.2, 3.0)) == [HeldValue(1.2, "closed"), HeldValue(2.0, "open")]
    assert record.change_times(["contactor", "power_W"], 1, 1.0, 2.0) == [1.0, 1.5, 2.0]


def test_a_repeated_value_leaves_no_line() -> None:
    record = BenchRecord()
    record.extend([value(1.0, "power_W", 5.0), value(2.0, "power_W", 5.0), value(3.0, "power_W", 6.0)])
    assert [line.at_s for line in record.entries] == [1.0, 3.0]


def test_a_line_that_comes_late_does_not_turn_its_signal_back() -> None:
    record = BenchRecord()
    record.extend([value(2.0, "power_W", 5.0), value(1.0, "power_W", 6.0)])
    assert record.value_at("power_W", 1, 1.5) is None
    assert record.value_at("power_W", 1, 2.0) == 6.0


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1000).map(lambda at_s: round(at_s, 6)),
            st.sampled_from(sorted(SIGNALS)),
            st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.text(), st.booleans(), st.lists(st.text())),
            st.integers(0, 9),
        )
    )
)
def test_lines_survive_being_written(drawn: list[tuple[float, str, object, int]]) -> None:
    lines = [
        RecordLine(at_s, SIGNALS[name].seer, LineKind.VALUE, name, what, evse)  # type: ignore[arg-type]
        for at_s, name, what, evse in drawn
    ]
    lines.append(RecordLine(1.5, Seer.CSMS, LineKind.MESSAGE, "Heartbeat", {}, 0, "«text»\n"))
    assert list(read("".join(write(lines)).splitlines())) == lines


def test_a_line_that_is_none_is_named_by_its_number() -> None:
    good = next(write([value(1.0, "power_W", 5.0)]))
    with pytest.raises(ValueError, match="line 2"):
        list(read([good, '{"at_s": 1}']))


def test_half_of_a_surrogate_pair_survives_being_written_in_utf_8() -> None:
    entry = RecordLine(0.0, Seer.CSMS, LineKind.MESSAGE, "DataTransfer", {"data": "\ud800 ü"})
    (line,) = write([entry])
    assert list(read([line.encode("utf-8").decode("utf-8")])) == [entry]
