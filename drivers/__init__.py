"""Drivers: what control asks of hardware (chargepoint.ports), on real wires.

One room per kind of device (power_module, meter, insulation, pilot, token), one per wire (modbus; a CAN driver would be
`can/` beside it, with its own Bus in `catalog.BUS_KINDS`). Register maps are data in `profiles/*.toml`.
Only `catalog` is imported from outside.
"""
