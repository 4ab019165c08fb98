"""The bench's own car: an EVCC that speaks ISO 15118-20 DC over real TCP or TLS 1.3.

In come the pilot's duty and the inlet's voltage from the plant (`body`), and the station's answers (`wire`). Out go the
requests of a session, the pilot resistor and the inlet contactors. `plugged_car` lasts from plug to unplug, `drive` one session.
"""
