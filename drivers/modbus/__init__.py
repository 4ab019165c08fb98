"""Modbus RTU master: frames, transactions and the master itself, without sockets or a clock."""
