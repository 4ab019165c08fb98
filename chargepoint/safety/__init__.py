"""The safety rules of one EVSE: envelope, interlock table, latches with their reset rules, energy balance, contactor watch.

In come readings of one cycle and the time as a number. Out go the causes that hold now, in words, and the severity of what is
latched. The rules may open a contactor. The room has no I/O, and no rule waits for an answer.
"""
