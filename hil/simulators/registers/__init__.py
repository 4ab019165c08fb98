"""Register maps of the simulated devices, written from the device's side (docs/sources/hardware.md), not from the drivers'."""
