"""What the station decides at each step of a car's session, whatever protocol the car speaks.

A step reads the `Situation` and the session's `Transfer`, and says what comes next. It knows no message: the protocol's folder
(`iso20/`, `iso2/`, `din/`) reads the request and fills in the response.
"""
