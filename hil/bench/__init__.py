"""The bench as scenarios and clients see it: verbs, faults, signals, and a clock, whatever stands behind them."""
