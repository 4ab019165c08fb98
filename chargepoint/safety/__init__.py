"""Safety: interlock table, envelope, latching and reset rules. Pure and tiny. May open, never asks."""
