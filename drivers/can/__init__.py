"""The CAN bus: frames, the queue of frames to send, and the bus itself.

In come frames of drivers with their urgency, and frames from the wire. Out go paced frames, and each received frame to
the driver whose filter it passes.
"""
