"""What is billed: the ledger of transactions, and the book that decides when a record is made.

In come meter samples and the session's beginnings, changes and ends, with the time as a number. Out go records, numbered
without gaps, each with the state to store beside it. The room knows no database and no protocol.
"""
