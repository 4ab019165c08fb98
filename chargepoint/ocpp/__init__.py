"""The station's side of OCPP: RPC core, functional blocks, device model, charging profiles, connection.

In come frames of the central system, states and records of the app, rows of the store. Out go frames, commands to the app
through `StationPort`, contributions to the arbiter, and writes to the store. `client` and `connection` are the shells;
`station` and the blocks decide without I/O.
"""
