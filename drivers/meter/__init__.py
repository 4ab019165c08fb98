"""Energy meters with a register profile. In: calls to poll. Out: both registers, voltage, current and power with their age."""
