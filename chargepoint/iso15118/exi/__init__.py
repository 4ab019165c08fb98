"""The EXI codec: typed messages to bytes and back, in the profile of ISO 15118 and DIN SPEC 70121.

In come messages (dataclasses) or bytes; out come bytes, messages, or an `ExiError` that names the place in the grammar.
`codec` is the entry; `generated/` holds one module of straight-line functions per schema, imported when first used.
"""
