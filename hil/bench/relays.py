"""The relays of a bench: between the station and its central system, and between each car and the station."""

from __future__ import annotations

from collections.abc import Iterable

from hil.simulators.line_socket import Refused
from hil.simulators.relay import Relay, Slowness

_WANTED = "the bench has no relays: add `relays: true` to the scenario's bench"


class BenchRelays:
    """`csms` leads from the address that the station knows to the central system; `cars` have one each, by EVSE."""

    def __init__(self, station_knows_port: int, csms_port: int, evses: Iterable[int]) -> None:
        self._csms = Relay("127.0.0.1", station_knows_port, ("127.0.0.1", csms_port))
        self.cars = {evse: Relay("::1") for evse in evses}

    async def start(self) -> None:
        """Listen everywhere. Raises OSError."""
        for relay in (self._csms, *self.cars.values()):
            await relay.start()

    async def stop(self) -> None:
        """Drop every connection."""
        for relay in (self._csms, *self.cars.values()):
            await relay.stop()

    def cut_csms(self, *, on: bool) -> None:
        """Nothing passes between station and central system, or everything again."""
        _set(self._csms, on=on)

    def slow_csms(self, latency_s: float, bytes_per_s: float | None) -> None:
        """From the next bytes on."""
        self._csms.slowness = Slowness(latency_s, bytes_per_s)

    def cut_car(self, evse: int, *, on: bool) -> None:
        """Nothing passes between the car at this EVSE and the station, or everything again. Raises Refused where no car is."""
        if evse not in self.cars:
            raise Refused(f"evse = {evse}: the bench has cars at EVSE {', '.join(map(str, self.cars))}")
        _set(self.cars[evse], on=on)


def relays_of(relays: BenchRelays | None) -> BenchRelays:
    """Raises Refused where the bench has none."""
    if relays is None:
        raise Refused(_WANTED)
    return relays


def _set(relay: Relay, *, on: bool) -> None:
    if on:
        relay.cut()
    else:
        relay.heal()
