"""What is billed: the ledger of transactions, and when a reading becomes a record.

In come starts, samples, changes of state and ends, with time as a number. Out come records with gapless numbers and
registers that never run backwards, and the state to store with each record.
"""
