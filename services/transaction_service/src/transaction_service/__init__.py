"""Accounts, transactions, categories and statement imports: the ledger."""
