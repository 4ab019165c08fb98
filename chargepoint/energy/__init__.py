"""How much power may and shall flow at one EVSE, and why.

In come contributions: limits and targets, each with an owner and an expiry. Out goes one setpoint with the sentence that
explains it. The room knows no protocol, no socket and no clock.
"""
