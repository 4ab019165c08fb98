"""Safety: the interlock table, what it remembers between cycles, the envelope, and the rules of latching and reset. Pure.

In come one cycle's readings and the time as a number. Out go faults with words; the room may open and never asks for power.
"""
