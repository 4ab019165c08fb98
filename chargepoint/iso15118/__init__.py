"""Everything between the car's plug and the session: SLAC, SDP, V2GTP, EXI, and the ISO 15118 message flow."""
