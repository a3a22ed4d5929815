"""A row of the ledger as a value, and the changes that a user makes to it. No database."""
