"""Scenarios: tests of a controller in YAML, judged on the record of a bench.

In comes a file (`reading`) and a bench (`hil.bench.port`); `runner` performs its steps and `condition` judges them.
Out goes a `RunResult`, as JUnit XML, JSON and CSV (`result_files`). The language: `docs/scenarios.md`.
"""
