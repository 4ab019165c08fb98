"""Drivers: what speaks to devices. Sees only chargepoint.model and chargepoint.ports."""
