"""Failed handshakes on their way to the central system."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from chargepoint.app.security_reports import SecurityReports
from chargepoint.security.handshake import HandshakeFault, failure


class StillClock:
    """A clock that a test sets."""

    now_s = 100.0

    def monotonic_s(self) -> float:
        return self.now_s

    def utc(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)


async def test_a_flood_is_one_event_a_minute_and_a_slow_store_holds_nobody_up() -> None:
    sent: list[tuple[str, str]] = []
    store = asyncio.Event()

    async def send(kind: str, text: str) -> None:
        await store.wait()
        sent.append((kind, text))

    clock = StillClock()
    reports = SecurityReports(send, clock)
    old = failure(HandshakeFault.VERSION, "unsupported protocol", "TLS 1.3 only")
    for _ in range(1000):
        reports.handshake_failed(old)
    reports.handshake_failed(failure(HandshakeFault.VEHICLE, "no vehicle"))
    reports.handshake_failed(failure(HandshakeFault.PLAIN, "the car speaks plain TCP"))
    await asyncio.sleep(0)
    assert sent == []
    store.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sent == [
        ("InvalidTLSVersion", "TLS handshake with a car failed: unsupported protocol; TLS 1.3 only"),
        ("InvalidVehicleCertificate", "TLS handshake with a car failed: no vehicle"),
    ]
    clock.now_s += 60.0
    reports.handshake_failed(old)
    await asyncio.sleep(0)
    assert len(sent) == 3
