"""An edge terminal: `python -m hil.simulators.edge_terminal --mqtt mqtt://HOST:PORT --load household --load pv`.

It plays the meter at the connection and the controller of the substation area. The meter shows the load curves and, beside them, the
station's own power. The controller keeps all of it within a transformer's limit, or lets the cars balance it: what the sun gives goes
into the cars, what the building takes comes out of them. Each order has a lease; without this process the station's default rules.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import click

from hil.simulators.load_curve import FOLDER, BadLoadCurve, LoadCurve, load_curve, together_W

SENDER = "edge terminal"
LEASES = 3.0
"""A lease is so many intervals long: two orders may be lost."""
RECONNECT_S = 1.0


@dataclass(frozen=True, slots=True)
class TerminalRules:
    """`transformer_max_W`: magnitude, both ways. `balance`: the cars balance the building. `interval_s`: between orders."""

    transformer_max_W: float
    balance: bool
    interval_s: float


class EdgeTerminal:
    """What the terminal sends. A core: the hour of the day and the station's last power come in as numbers."""

    def __init__(self, rules: TerminalRules, curves: Sequence[LoadCurve], name: str) -> None:
        """`name`: begins each order's id, so that no other terminal or earlier run used it."""
        self._rules = rules
        self._curves = curves
        self._name = name
        self._ids = 0
        self.station_W = 0.0
        """The station's own power, as it published it last."""

    def base_W(self, hour: float) -> float:
        """What stands behind the connection beside the station."""
        return together_W(self._curves, hour)

    def meter(self, hour: float) -> dict[str, Any]:
        """What the meter at the connection shows."""
        return {"power_W": round(self.base_W(hour) + self.station_W, 1)}

    def orders(self, hour: float) -> list[dict[str, Any]]:
        """The orders of this interval: the limit, then a set-point where the cars balance the building."""
        base_W, most_W = self.base_W(hour), self._rules.transformer_max_W
        import_W, export_W = max(0.0, most_W - base_W), max(0.0, most_W + base_W)
        found = [self._order("limit", import_max_W=round(import_W), export_max_W=round(export_W))]
        if self._rules.balance:
            found.append(self._order("setpoint", power_W=round(min(max(-base_W, -export_W), import_W))))
        return found

    def _order(self, do: str, **fields: Any) -> dict[str, Any]:
        self._ids += 1
        lease_s = max(1.0, LEASES * self._rules.interval_s)
        return {"id": f"{self._name}-{self._ids}", "do": do, "sender": SENDER, "lease_s": lease_s, **fields}


async def run(terminal: EdgeTerminal, url: str, topic: str, interval_s: float, start_h: float, speed: float) -> None:
    """Until cancelled. `speed`: seconds of the day in one second."""
    address, began_s = urlsplit(url), time.monotonic()
    while True:
        try:
            async with (
                aiomqtt.Client(address.hostname or "", address.port or 1883) as client,
                asyncio.TaskGroup() as group,
            ):
                await client.subscribe([(f"{topic}/station", 1), (f"{topic}/answer", 1)])
                group.create_task(_listen(client, terminal, topic))
                while True:
                    hour = start_h + (time.monotonic() - began_s) * speed / 3600.0
                    await client.publish(f"{topic}/meter", json.dumps(terminal.meter(hour)))
                    for order in terminal.orders(hour):
                        await client.publish(f"{topic}/order", json.dumps(order), qos=1)
                    click.echo(
                        f"{hour % 24:5.2f} h  building {terminal.base_W(hour):8.0f} W  station {terminal.station_W:8.0f} W"
                    )
                    await asyncio.sleep(interval_s)
        except* (aiomqtt.MqttError, OSError) as group_error:
            click.echo(f"{url}: {group_error.exceptions[0]}; again in {RECONNECT_S:g} s", err=True)
        await asyncio.sleep(RECONNECT_S)


async def _listen(client: aiomqtt.Client, terminal: EdgeTerminal, topic: str) -> None:
    async for message in client.messages:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            found = json.loads(message.payload if isinstance(message.payload, bytes | str) else b"")
            if str(message.topic) == f"{topic}/station":
                power_W = float(found["power_W"])
                terminal.station_W = power_W if math.isfinite(power_W) else terminal.station_W
            elif not found["accepted"]:
                click.echo(f"refused: {found['text']}", err=True)


@click.command(epilog=f"Load curves: {', '.join(sorted(path.stem for path in FOLDER.glob('*.toml')))}.")
@click.option("--mqtt", "url", metavar="URL", required=True, help="the broker, mqtt://HOST:PORT")
@click.option("--topic", default="chargepoint/demo", show_default=True, help="the station's own topic")
@click.option(
    "--load", "loads", multiple=True, metavar="NAME|FILE", help="a load curve; several add up (default: household)"
)
@click.option(
    "--transformer-max",
    "transformer_max_W",
    type=click.FloatRange(0, 1e7),
    default=25_000.0,
    show_default=True,
    help="W, in both directions",
)
@click.option("--balance", is_flag=True, help="the cars balance the building, as far as they can")
@click.option(
    "--interval-s", type=click.FloatRange(0.2, 600), default=1.0, show_default=True, help="between two orders"
)
@click.option(
    "--start-h", type=click.FloatRange(0, 24), default=17.0, show_default=True, help="hour of the day at the start"
)
@click.option("--speed", type=click.FloatRange(1, 3600), default=60.0, show_default=True, help="1: in real time")  # fmt: skip
def main(
    url: str,
    topic: str,
    loads: tuple[str, ...],
    transformer_max_W: float,
    balance: bool,
    interval_s: float,
    start_h: float,
    speed: float,
) -> None:
    """Play the meter and the controller of a site, until Ctrl-C."""
    if urlsplit(url).scheme != "mqtt":
        raise click.UsageError(f"--mqtt {url}: mqtt://HOST:PORT expected")
    try:
        curves = [load_curve(name) for name in loads or ("household",)]
    except (BadLoadCurve, OSError) as error:
        raise click.UsageError(f"--load: {error}") from error
    terminal = EdgeTerminal(TerminalRules(transformer_max_W, balance, interval_s), curves, f"edge-{time.time_ns():x}")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(terminal, url, topic, interval_s, start_h, speed))


if __name__ == "__main__":
    main()
