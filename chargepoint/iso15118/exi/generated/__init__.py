"""Generated codec functions, one module per schema; see `chargepoint.iso15118.exi.generator`."""
