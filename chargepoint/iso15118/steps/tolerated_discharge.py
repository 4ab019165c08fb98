"""Discharging a DC car whose protocol knows no discharge. Outside the standard: the car asks to be charged, and tolerates an outflow.

It is off unless the configuration says otherwise. The car hears positive limits and magnitudes throughout. For the station's own
decisions it is a car that may give power back, in Dynamic mode: set-point, interlocks and the reserve of the state of charge are those
of every other such car. Source: docs/sources/iso15118-2-din.md 6.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.steps.dc_report import DcReport
from chargepoint.model.car import CarDemand, ControlMode, EnergyService


def with_discharge(demand: CarDemand) -> CarDemand:
    """The demand of a car that charges with at most its target current now, and gives at most as much back.

    A car that reports no state of charge is charged alone, as it asks: what is not known about a car is refused.
    """
    if demand.energy.soc_percent is None:
        return demand
    limits, asked_A = demand.limits, max(0.0, demand.target_current_A or 0.0)
    both_A = min(limits.charge_current_max_A, asked_A)
    return replace(
        demand,
        service=EnergyService.DC_BPT,
        control_mode=ControlMode.DYNAMIC,
        limits=replace(
            limits,
            charge_current_max_A=both_A,
            discharge_current_max_A=both_A,
            discharge_power_max_W=limits.charge_power_max_W,
        ),
        target_current_A=None,
    )


def as_charging(report: DcReport, at: Situation) -> DcReport:
    """What the car hears: while the station wants power out of it, a station that charges with all it can, as far as it says.

    The current is its magnitude, no limit is reached, and the power limit stays that of the stage.
    """
    if at.view.setpoint_W >= 0 and report.current_A >= 0:
        return report
    return replace(
        report,
        current_A=abs(report.current_A),
        charge_power_max_W=report.can.charge_power_max_W,
        power_limit_achieved=False,
        current_limit_achieved=False,
    )
