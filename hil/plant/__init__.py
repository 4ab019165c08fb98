"""The physics of charger and car, pure: time is a number, no I/O. `station.Plant` is the whole, `evse.EvsePlant` one connector.

In come register writes of the simulated devices, plug and car actions, and injected faults. Out come voltages, currents, contacts
and counters, for the register maps of `hil.simulators` and for tests.
"""
