"""A simulated car of ISO 15118-2 or DIN 70121: one set of messages for both, because most of them have the same fields.

In come the memory of the session and the station's answers; out go requests, orders to the body and the next step. A message class
is taken from `DinIso2Memory.words`, the module with the classes of the protocol that the station chose.
"""
