"""The bench: physics (`plant`, no I/O) and the other end of every wire (`simulators`). Never imports the controller."""
