"""The bench's own car: a complete ISO 15118-20 EVCC over real TCP or TLS 1.3, that can also misbehave on purpose.

`CarCore` is the car without I/O: bytes, body readings and time come in; bytes, orders to the body and deadlines go out.
`order.py` is the table of its messages, `messages/` holds one file per message. `plan.py` and `misbehaviour.py` say as data
what a session does. `examiner.py` judges the station's answers. `drive.py` is the asyncio shell of one session,
`plugged_car.py` lasts from plug to unplug.
"""
