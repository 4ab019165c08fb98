"""Register maps of the simulated devices, written from the device's side (facts/hardware.md), not from the drivers'."""
