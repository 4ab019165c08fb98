"""Open bidirectional charge-point controller. docs/architecture.md describes how it is built."""

__version__ = "0.1.0"
