"""The wire trace: what car and station sent, as JSON lines, as pcapng, and as a page with a message sequence.

`frame` says what a traced frame is, `disclosure` what may enter a file. `json_lines`, `pcapng` and `page` are pure
formatters. `recorder` is the shell that writes one pair of files per session.
"""
