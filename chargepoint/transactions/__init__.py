"""What is billed: the ledger of transactions."""
