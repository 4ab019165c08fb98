"""Bench: the other end of every wire. Reaches the daemon only through wires."""
