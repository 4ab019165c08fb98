"""Words everyone shares: ids, readings, limits, demand, faults, the process image. No I/O, no decisions, no imports above."""
