"""The programs: the daemon and the power process put together, their life cycle, clock, log and command line.

In come a configuration and the signals of the operating system. The rooms that never import each other meet here: events
are carried to `control`, its effects are performed with the power link, the store, the central system and the cars.
"""
