"""Functional blocks of OCPP 2.0.1 Part 2, one file each: a pure `respond` per CALL of the central system."""
