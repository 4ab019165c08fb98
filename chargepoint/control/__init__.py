"""The station's decisions: session, arbiter and transaction book of each EVSE joined, and the orders given to all of them.

In come events of every kind with the instant they came at; out go effects as data, and frozen views for readers.
The room opens no socket, reads no clock and writes no file: `app` carries its effects out.
"""
