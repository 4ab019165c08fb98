"""The record of a run: everything that was seen on the bench, with the time at which it happened. Scenarios are judged on it, reports are drawn from it."""
