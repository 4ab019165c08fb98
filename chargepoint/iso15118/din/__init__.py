"""DIN 70121 at the station: one file per message with a pure `respond`, and one table with a row per message (`rows`).

In come decoded requests, the session so far and the situation. Out go responses and the session after them. DIN has direct current,
external payment and no encryption. No file here has a socket, a clock or a random number.
"""
