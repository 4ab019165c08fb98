"""Register maps of the simulated devices, from the device's side (docs/sources/hardware.md), not from the drivers'.

In come reads and writes of Modbus; out go registers made from the plant, or an exception code.
"""
