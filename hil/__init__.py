"""The bench: a charger's surroundings without hardware, and the demo that plays on them.

`plant` is the physics, without input and output. `simulators` is the other end of every wire: buses, car, central system.
`demo` starts the two processes of the controller on them; the bench reaches the controller only through wires.
`steering` is the door of a live bench, `client` is what programs use it with.
"""
