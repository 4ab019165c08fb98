"""Timestamps on the wire: RFC 3339, at most 3 fraction digits, `Z`. OCPP 2.0.1 Part 2, 2.1.4; docs/sources/ocpp.md 8.1."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)

_ZONE = re.compile(r"[+-]\d\d:\d\d$", re.ASCII)


def to_wire(at: datetime) -> str:
    """Milliseconds and `Z`, whatever zone `at` is in. Raises ValueError for a naive datetime."""
    if at.tzinfo is None:
        raise ValueError("a timestamp has a zone")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_from_s(utc_s: float) -> datetime:
    """Seconds since the epoch as aware UTC."""
    return datetime.fromtimestamp(utc_s, UTC)


def from_wire(text: str) -> datetime:
    """Aware UTC. Raises ValueError for anything that is not RFC 3339 with a zone."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not an RFC 3339 date-time")
    year, month, day, hour, minute, second, fraction, sign, zone_hour, zone_minute = match.groups()
    second_number = min(int(second), 59)  # a leap second is written 60
    if int(second) > 60:
        raise ValueError(f"{text[:40]!r}: second {second}")
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    at = datetime(int(year), int(month), int(day), int(hour), int(minute), second_number, microsecond, UTC)
    if sign is None:
        return at
    if int(zone_hour) > 23 or int(zone_minute) > 59:
        raise ValueError(f"{text[:40]!r}: zone offset out of range")
    offset_s = (int(zone_hour) * 3600 + int(zone_minute) * 60) * (1 if sign == "+" else -1)
    try:
        return datetime.fromtimestamp(at.timestamp() - offset_s, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{text[:40]!r} is out of range") from error


def from_answer(text: str) -> datetime:
    """As `from_wire`, but no zone means UTC: not RFC 3339, yet usual in answers of small central systems.

    In a request it is refused: a schedule whose start is unclear by hours is no schedule.
    """
    return from_wire(text if text[-1:] in "Zz" or _ZONE.search(text) else f"{text}Z")


def is_date_time_of_answer(text: str) -> bool:
    """Whether `from_answer` takes it."""
    try:
        from_answer(text)
    except ValueError:
        return False
    return True


def is_date_time(text: str) -> bool:
    """Whether `from_wire` takes it."""
    try:
        from_wire(text)
    except ValueError:
        return False
    return True
