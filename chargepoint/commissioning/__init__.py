"""Bring-up and self-test: what an installer does with the hardware while the power process is stopped.

In come a configuration and the readings of its devices. Out go live values, steps with a bound of their own, and a report of
measured values with limits. Everything is off before, between and after the steps.
"""
