"""The other end of SLAC: cars, modems and the line between them, with their faults as data.

In come Ethernet frames of stations and the time as a number. Out go frames to the stations. `EvSlac` is one car, `Powerline`
the modems and what they measure of each other; `wire` is the shell, a packet socket on one interface.
"""
