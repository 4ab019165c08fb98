"""The bench: a charger's surroundings, simulated or real, and the demo that plays on them.

`plant` is the physics, without input and output. `simulators` is the other end of every wire: buses, car, central system.
`bench` starts the two processes of the controller on them, and reaches them only through wires; `attach` is what is not its own.
`steering` is the door of a live bench, `client` is what programs use it with.
"""
