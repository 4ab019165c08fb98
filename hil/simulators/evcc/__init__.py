"""The bench's own car: an EVCC that speaks ISO 15118-20 DC over real TCP or TLS 1.3, with a body on the plant's wires."""
