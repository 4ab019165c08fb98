"""One connector from plug to unplug: who may charge, what the power stage shall do, and why a session stopped.

In come process images, tokens, orders and what the car's conversation reports; each with the time as a number.
Out go questions and changes as data (`events.SessionOutput`), the order to the power stage, and a frozen view for readers.
"""
