"""The other end of each wire: ptys, Modbus servers and token readers that answer from the plant.

In come bytes of the controller and JSON lines at the control socket. Out go replies made from `hil.plant`, spoiled where a bus
fault asks for it.
"""
