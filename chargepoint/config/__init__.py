"""The configuration of a site: its schema, and every check of the file itself.

In comes one TOML file. Out goes a frozen `Config` for the two processes, or every mistake at once. A mistake or warning
names file, line, value, bound and remedy. The reference in docs/configuration.md is made here too.
"""
