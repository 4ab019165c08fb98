"""The demo: both processes of the controller on a virtual plant, with a car and a central system, steered from outside.

In come the command line's choices and JSON lines on the steering socket. Out go the live screen, notes, and the report of a
story. `bench` holds everything together, `story` and `arrival` are what is played, `screen` draws the daemon's status.
"""
