"""Functional blocks of OCPP 2.0.1 Part 2, one file each, with a pure `respond` per CALL of the central system.

In come the CALL's payload, the station as a `BlockContext`, and the moment. Out comes a `CallAnswer`: the payload, what to
store before it is sent, and what follows.
"""
