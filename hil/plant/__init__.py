"""Physics of charger and car, pure: time is a number, no I/O. `station.Plant` is the whole, `evse.EvsePlant` one connector."""
