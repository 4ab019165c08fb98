"""The Modbus RTU master: frames, transactions and the master itself, without descriptor or clock.

In come requests of drivers, and bytes from the wire with the time. Out go frames to send, and one outcome for each request.
"""
