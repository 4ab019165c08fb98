"""What is true of one plug-in, from plug to unplug."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.evse.car_call import CarCall


@dataclass(slots=True)
class PlugIn:
    """`spent`: the plug-in had its transaction; the next one needs a new permission."""

    call: CarCall
    since_s: float
    spent: bool = False
    cable_check_failed: bool = False
