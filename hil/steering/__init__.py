"""The steering door: one set of verbs for a person or a program at a running bench, over a Unix socket and over HTTP.

In come requests: the words of scenarios, and what only a door has, such as `wait` and `subscribe`. Out go answers and events.
`door` performs, `line_server` and `http_server` carry, `serve` is `./run hil serve`.
"""
