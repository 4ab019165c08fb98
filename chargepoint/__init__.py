"""Open bidirectional charge-point controller. The house is described in docs/architecture.md."""

__version__ = "0.1.0"
