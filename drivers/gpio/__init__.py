"""GPIO lines of a Linux board: edges to levels that can be trusted, the lines of one chip as a bus, and the devices made of them.

In come edges with the kernel's time, and orders for outputs. Out go levels with the time of their edge, and output lines that are
off by default.
"""
