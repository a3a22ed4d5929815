"""Summary, cash flow, categories and merchants of a user's ledger."""
