"""Drivers: what control asks of hardware (`chargepoint.ports`), on real wires.

One room per kind of device (power_module, meter, insulation, pilot, token), one per wire (modbus; a CAN driver would be
`can/` beside it, with its own bus in `catalog.BUS_KINDS`). Register maps are data in `profiles/*.toml`. In come orders and calls
to poll; out go frames on the wire and readings with their age. Only `catalog` is imported from outside.
"""
