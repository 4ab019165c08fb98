"""ISO 15118-2 at the station: one file per message with a pure `respond`, and one table with a row per message (`rows`).

In come decoded requests, the session so far and the situation. Out go the bodies of responses and the session after them. No file
here has a socket, a clock or a random number.
"""
