"""EVSE 1 of the demo with another power module: lines of the demo's configuration that put a module on a CAN bus."""

from __future__ import annotations

from pathlib import Path

UNIT = 3


def with_can_module(folder: Path, driver: str) -> tuple[tuple[str, str], ...]:
    """For `Choices.amendments`: a bus `can1` on a Unix socket in the demo's folder, and this driver's module on it."""
    return (
        ("[bus.fast1]", f'[bus.can1]\nkind = "can"\nport = "{folder}/tty/can1"\n\n[bus.fast1]'),
        (
            "[power_module.psu1]",
            f'[power_module.can1]\ndriver = "{driver}"\nbus = "can1"\nunit = {UNIT}\n\n[power_module.psu1]',
        ),
        ('power_modules = ["psu1"]', 'power_modules = ["can1"]'),
    )
