"""The local door of the daemon, for people and programs on the same computer: what the daemon does, and a few orders.

In come JSON lines on a Unix socket. Out go the daemon's state as one JSON answer, and orders as commands of
`chargepoint.model.commands`; who carries the commands out is decided in `chargepoint.app.wiring`.
"""
