"""The words every room shares: ids, readings, limits, demand, faults, commands, the process image, the status.

All of these are frozen data with units in their names. Nothing comes in and nothing goes out: the room has no I/O, takes no
decision and imports no other room.
"""
