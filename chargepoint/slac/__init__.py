"""SLAC (ISO 15118-3): how the PLC modem of one connector finds the car that is plugged in, and joins it into one network.

In come Ethernet frames of modem and cars, the pilot's state, and the time as a number. Out go frames and what happened to the
data link (`model/data_link.py`). `evse_slac` is the core, `modem_socket` the shell.
"""
