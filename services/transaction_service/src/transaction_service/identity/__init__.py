"""Which row of a file is which row of the ledger. No database."""
