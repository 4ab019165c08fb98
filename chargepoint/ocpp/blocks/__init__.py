"""Functional blocks of OCPP 2.0.1 Part 2, one file each: cores with their own calls, kept state, variables and time.

`block.py` is what a block is, `effects.py` what it may ask for. `docs/ocpp-internals.md` says how to add one.
"""
