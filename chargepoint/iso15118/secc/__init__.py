"""The SECC of ISO 15118-20: one file per message with a pure `respond`, the order of messages as data, one engine.

In come decoded requests and the station's inputs. Out go responses and events. No file here has a socket or a clock.
"""
