"""What a power module of the plant and the process that serves its registers exchange: orders one way, what it shows the other way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.plant.module import ModulePlant
from hil.simulators.requests import RequestRefused

ORDERS = ("voltage_set_V", "source_current_A", "sink_current_A", "source_power_W", "sink_power_W")
SWITCHES = ("remote", "output_on")
SHOWN = ("current_A", "terminal_V", "alarm", "regulation", "frozen", "silent", "starting_s")


def orders_of(module: ModulePlant) -> dict[str, float | bool]:
    """What was written into its registers."""
    return {name: getattr(module, name) for name in (*ORDERS, *SWITCHES)}


def shown(module: ModulePlant) -> dict[str, float | bool]:
    """Everything of it that its registers show, with the errors of its own measurement."""
    measured = {"current_A": module.shown_A, "terminal_V": module.shown_V}
    return {name: getattr(module, name) for name in (*SHOWN, *ORDERS, *SWITCHES)} | measured


def take_orders(module: ModulePlant, orders: object) -> None:
    """As if they had been written into its registers here; a module that does not answer takes none. Raises RequestRefused."""
    if not isinstance(orders, Mapping):
        raise RequestRefused("not an object", "orders", orders, f"some of {', '.join(ORDERS)}", "send an object")
    for name, value in orders.items():
        if name in SWITCHES:
            good = isinstance(value, bool)
        else:
            good = name in ORDERS and isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if not good:
            raise RequestRefused(
                "no such order", str(name), value, "a flag, or a number of at least 0", "see module_exchange.py"
            )
    if not module.answers:
        return
    for name in ORDERS:
        if name in orders:
            setattr(module, name, float(orders[name]))
    if "remote" in orders:
        module.set_remote(orders["remote"])
    if "output_on" in orders:
        module.set_output(orders["output_on"])


def mirror(module: ModulePlant, answer: Mapping[str, Any], *, keep_orders: bool) -> None:
    """The module of the process shows what the plant's does. `keep_orders`: somebody wrote registers meanwhile; they are sent next."""
    names = SHOWN if keep_orders else (*SHOWN, *ORDERS, *SWITCHES)
    for name in names:
        setattr(module, name, answer[name])
