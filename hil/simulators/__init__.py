"""The other end of each wire: ptys, Modbus servers and token readers that answer from the plant."""
