"""Open bidirectional charge-point controller. The house is described in docs/architecture.md."""
