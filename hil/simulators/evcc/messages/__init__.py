"""One file per message of the simulated car: what the car sends, and what it makes of the answer.

`request(memory)` makes the request of what the car knows now. `answered(memory, answer)` keeps what the answer says and
names the next step. Neither does I/O; orders to the body go into `memory.orders`.
"""
