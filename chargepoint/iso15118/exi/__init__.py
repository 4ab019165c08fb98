"""The EXI codec: typed messages to bytes and back, in the profile of ISO 15118 and DIN SPEC 70121.

`codec` is the door; `generated/` holds one module of straight-line functions per schema, imported when first used.
"""
