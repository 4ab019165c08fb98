"""What every car protocol shares on one connection: framing, choice of protocol, order, held answers, timers, endings, trace.

In comes what the car sends and what the station is; out go responses and events. A protocol lives in a folder beside this one
(`iso20/`) and gives a table of rows (`row.Row`), one row per message.
"""
