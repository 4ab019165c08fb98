"""Timestamps: at most three digits and Z outward, RFC 3339 inward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chargepoint.ocpp.timestamps import from_answer, from_wire, is_date_time, is_date_time_of_answer, to_wire


def test_outward() -> None:
    assert to_wire(datetime(2026, 3, 1, 12, 0, 0, 123_999, UTC)) == "2026-03-01T12:00:00.123Z"
    assert to_wire(datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))) == "2026-03-01T10:00:00.000Z"
    with pytest.raises(ValueError, match="zone"):
        to_wire(datetime(2026, 3, 1))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01t12:00:00.5z", datetime(2026, 3, 1, 12, 0, 0, 500_000, UTC)),
        ("2026-03-01T12:00:00.123456789+02:00", datetime(2026, 3, 1, 10, 0, 0, 123_456, UTC)),
        ("2026-03-01T12:00:00-00:30", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_inward(text: str, at: datetime) -> None:
    assert from_wire(text) == at


def test_an_answer_without_zone_is_utc() -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)
    assert from_answer("2026-03-01T12:00:00.123456") == at
    assert from_answer("2026-03-01T13:00:00.123456+01:00") == at
    assert is_date_time_of_answer("2026-03-01T12:00:00Z")
    for text in ("", "2026-03-01", "2026-03-01 12:00", "now"):
        assert not is_date_time_of_answer(text)


@pytest.mark.parametrize(
    "text",
    ["", "2026-03-01", "2026-03-01 12:00:00Z", "2026-03-01T12:00:00", "2026-13-01T12:00:00Z", "2026-02-30T12:00:00Z",
     "2026-03-01T25:00:00Z", "2026-03-01T12:00:61Z", "2026-03-01T12:00:00+99:00", "0001-01-01T00:00:00+23:00", "２０26-03-01T12:00:00Z"],
)  # fmt: skip
def test_what_is_no_timestamp(text: str) -> None:
    assert not is_date_time(text)
