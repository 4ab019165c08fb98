"""DC power modules: `profiled` for those with a Modbus register profile, `array` for several as one.

Modules that speak CAN would be one file each here, on a CAN bus of `drivers/can/` (docs/sources/hardware.md 1.4, 1.5).
"""
