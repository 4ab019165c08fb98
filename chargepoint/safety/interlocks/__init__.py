"""The interlock table: each row a cause, a condition, and how long the condition must hold. May open, never asks.

One module per subject gives its rows; `table.py` joins the rows and evaluates them once each cycle of the power process.
What a fault then does, and who may reset it, is in `chargepoint.model.faults`. `docs/interlocks.md` is made of both.
"""
