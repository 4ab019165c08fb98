"""The other end of each wire: buses with their devices, the token reader, the car, the central system.

In come the bytes the controller sends. Out go the answers a real device, car or central system gives, and faults on demand.
Power and voltage come from the physics in `hil.plant`.
"""
