"""The power process: DC sequence, ramp, cycle, and both ends of the link to the daemon.

In come demands with a lease and readings of the devices. Out go commands to board and module each cycle, and up the link process
images, trips and tokens. The process is the sole owner of every bus, pin and contactor. `cycle` and `link_server` are the shells.
"""
