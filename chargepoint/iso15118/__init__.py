"""The conversation with the car: discovery, TLS connection, V2GTP frames, EXI, and the ISO 15118-20 message flow.

In come bytes of the car and the station's inputs: limits, authorisation, the last process image. Out go bytes to the car and
events for the session: what the car is, what it asks for, how its session ended. `server` and `connection` are the shells.
"""
